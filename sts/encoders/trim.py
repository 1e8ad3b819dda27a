"""Makes a checkpoint smaller: leaves out the pieces of its vocabulary that Korean text does not need.

A multilingual encoder is mostly its table of pieces. Ids are given anew in their old order; what is left
of the table is not changed, so that text which is segmented as before has the same hidden states.
"""

import json
import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sts.encoders.checkpoint import OFFSET_POSITIONS, check_checkpoint, fit_tokenizer, usable_positions
from sts.encoders.pieces import TEXTS_AT_ONCE, Vocabulary, korean_pieces, read_texts, seen_pieces, spelling_pieces
from sts.errors import EncoderError, UsageError
from sts.models.coverage import split_long_words
from sts.quiet import quiet_libraries

if TYPE_CHECKING:
    from sts.text import TextPipeline

# what `wanted` calls Korean text as such
KOREAN = "ko"
WEIGHTS = "model.safetensors"
# the files that hold ids, if they are there
WITH_IDS = ("config.json", "generation_config.json", "tokenizer.json", "tokenizer_config.json")
# the table of pieces, and what heads hold for each piece, by the ends of their names in transformers
TABLES = re.compile(r"(^|\.)(word_embeddings?|tok_embeddings|embed_tokens|shared)\.weight$")
HEADS = re.compile(
    r"(^|\.)((predictions|lm_head)\.bias|lm_head\.weight|generator_lm_head\.(weight|bias)"
    r"|vocab_projector\.(weight|bias)|((predictions|lm_head)\.)?decoder\.(weight|bias))$"
)
# the whole vocabulary once more; tokenizer.json is enough
OTHER_VOCABULARIES = ("vocab.txt", "vocab.json", "merges.txt", "added_tokens.json", "*.model")
# the whole model once more, in forms that would no longer fit its tokenizer
OTHER_WEIGHTS = ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.h5", "*.msgpack", "*.ot", "*.onnx", "*.onnx_data")


@dataclass(frozen=True)
class Trimming:
    """What trimming kept.

    Attributes:
        pieces: rows of the table of pieces that are left.
        of: rows that it had before.
    """

    pieces: int
    of: int


def trim_checkpoint(source: Path, target: Path, wanted: Sequence[str], *, prompt: str = "") -> Trimming:
    """Write a checkpoint or scorer whose vocabulary has only the pieces that are wanted.

    Special and added tokens stay, and all single characters that Korean text may hold, so that any text of
    them can be encoded. Weights in other formats than safetensors are left out.

    Args:
        source: a transformers checkpoint or a scorer folder.
        target: an existing empty folder.
        wanted: `ko` for all pieces of Hangul, digits and punctuation and the commonest of Latin letters; or names
            of files, for the pieces that their texts consist of; or several of these, for all of them together.
        prompt: what is put before each text, beside what the folder itself says.

    Raises:
        UsageError: `wanted` is empty.
        DataError: a file of texts is missing, can't be read, or holds no text.
        EncoderError: `source` is no checkpoint that is safe to load, has no tokenizer.json, its vocabulary is neither
            Unigram nor WordPiece, its weights are in several files, or files do not fit each other.
    """
    if not wanted:
        raise UsageError(f"--trim-vocabulary: names nothing to keep; name files of texts, or {KOREAN} for Korean text")
    for name in wanted:
        if name != KOREAN:
            next(read_texts(Path(name)))  # a file that can't be read is told before the work begins
    check_checkpoint(source)
    for name in ("tokenizer.json", WEIGHTS):
        if not (source / name).is_file():
            raise EncoderError(
                f"{source}: holds no {name}, which trimming needs; load it with transformers and write tokenizer and "
                "model with save_pretrained(), the model into one file"
            )
    values = {name: _read(source / name) for name in WITH_IDS if (source / name).is_file()}
    config, model = values["config.json"], values["tokenizer.json"]["model"]
    vocabulary = Vocabulary.of(model, source / "tokenizer.json")
    tensors = _Tensors(source / WEIGHTS)
    rows = tensors.rows_of_table(config.get("vocab_size"))
    kept = sorted(
        {number for number in _named(values) if 0 <= number < rows}
        | spelling_pieces(vocabulary)
        | _chosen(source, vocabulary, wanted, rows, prompt)
    )
    if kept[-1] >= rows:
        raise EncoderError(
            f"{source}: its tokenizer has a piece of id {kept[-1]}, its weights {rows} rows of pieces; tokenizer and "
            "weights belong to different models, copy them again"
        )
    new = {old: number for number, old in enumerate(kept)}
    config["vocab_size"] = len(kept)
    if vocabulary.scores:
        model["vocab"] = [model["vocab"][old] for old in kept if old < len(vocabulary.scores)]
    else:
        model["vocab"] = {piece: new[old] for piece, old in vocabulary.ids.items() if old in new}
    shutil.copytree(source, target, ignore=_ignored(source), dirs_exist_ok=True)
    for name, content in values.items():
        renumbered = _with_ids(content, lambda old: new.get(old, old))
        indent = None if name == "tokenizer.json" else 2  # a line for each piece would double it
        (target / name).write_text(json.dumps(renumbered, ensure_ascii=False, indent=indent) + "\n", encoding="utf-8")
    tensors.write(target / WEIGHTS, rows, kept)
    return Trimming(len(kept), rows)


def _read(path: Path) -> dict[str, Any]:
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise EncoderError(f"{path}: not JSON ({error}); the folder is damaged, copy it again") from error
    if not isinstance(values, dict) or (path.name == "tokenizer.json" and not isinstance(values.get("model"), dict)):
        raise EncoderError(f"{path}: is not of the form that transformers writes; the folder is damaged, copy it again")
    return values


def _ignored(source: Path) -> Callable[[str, list[str]], set[str]]:
    """What `shutil.copytree` is to leave out: what is written anew, and what would no longer fit."""
    patterns = (WEIGHTS, *WITH_IDS, *OTHER_VOCABULARIES)

    def ignored(folder: str, names: list[str]) -> set[str]:
        here = patterns if Path(folder) == source else ()
        return {name for name in names for pattern in (*here, *OTHER_WEIGHTS) if fnmatch(name, pattern)}

    return ignored


def _with_ids(value: Any, number: Callable[[int], int], key: str = "") -> Any:
    """A copy of what a JSON file holds, with `number` of each token's id in the place of the id.

    Ids stand, in tokenizer.json, under `id` and `ids`, `pad_id`, `unk_id`, and with their token under `sep` and
    `cls`; in the other files under names like `pad_token_id`, and as the keys of `added_tokens_decoder`.
    """
    names_ids = key in ("id", "ids", "pad_id", "unk_id", "sep", "cls") or key.endswith("_token_id")
    if type(value) is int:  # true and false are no ids
        return number(value) if names_ids else value
    if isinstance(value, list):
        return [_with_ids(entry, number, key if names_ids else "") for entry in value]
    if not isinstance(value, dict) or key == "vocab":
        return value
    if key == "added_tokens_decoder":
        return {str(number(int(old))): token for old, token in value.items()}
    return {name: _with_ids(entry, number, name) for name, entry in value.items()}


def _named(values: dict[str, dict[str, Any]]) -> set[int]:
    """Ids that the files name: of special and added tokens and of the unknown one; and where positions begin."""
    named: set[int] = set()

    def note(old: int) -> int:
        named.add(old)
        return old

    for content in values.values():
        _with_ids(content, note)
    model, config = values["tokenizer.json"]["model"], values["config.json"]
    if "unk_token" in model:
        named.add(model["vocab"].get(model["unk_token"], -1))
    if config["model_type"] in OFFSET_POSITIONS:
        # positions are counted from the padding token's id, so it must stay the same; it is 1 unless named otherwise
        named.update(range(config.get("pad_token_id", 1) or 0))
    return named


def _chosen(source: Path, vocabulary: Vocabulary, wanted: Sequence[str], rows: int, prompt: str) -> set[int]:
    """Ids of the pieces that are wanted, of those of prompts, and of tokens that loading adds."""
    from transformers import AutoConfig, AutoTokenizer

    # the tokenizer as models use it: what is in tokenizer.json may be normalised otherwise once it is loaded
    with quiet_libraries():
        config = AutoConfig.from_pretrained(source, local_files_only=True, trust_remote_code=False)
        loaded = AutoTokenizer.from_pretrained(source, local_files_only=True, trust_remote_code=False)
    fit_tokenizer(loaded, config, usable_positions(config))
    tokenizer = loaded.backend_tokenizer
    split_long_words(tokenizer)
    tokenizer.no_truncation()
    tokenizer.no_padding()
    prompts, pipeline = _shown(source, prompt)
    kept = {old for old in loaded.get_added_vocab().values() if old < rows}
    kept |= seen_pieces(vocabulary, tokenizer, prompts)
    for name in wanted:
        if name == KOREAN:
            kept |= korean_pieces(vocabulary, tokenizer)
        else:
            kept |= seen_pieces(vocabulary, tokenizer, _as_shown(read_texts(Path(name)), prompts, pipeline))
    return kept


def _shown(source: Path, prompt: str) -> "tuple[list[str], TextPipeline]":
    """How a folder shows text to its network: the prompts that it puts before, and how a scorer prepares it.

    Raises:
        DataError: the scorer's text pipeline is unknown.
    """
    from sts.text import TextPipeline

    prompts, pipeline = list[Any]([prompt]), TextPipeline("none")
    if (path := source / "config_sentence_transformers.json").is_file():
        prompts += list((_read(path).get("prompts") or {}).values())
    if (path := source / "sts.json").is_file():
        values = _read(path)
        prompts.append(values.get("prompt"))
        pipeline = TextPipeline.from_dict(values.get("text_pipeline"), f"{path}: field 'text_pipeline'")
    return [prompt for prompt in dict.fromkeys(prompts) if prompt], pipeline


def _as_shown(texts: Iterator[str], prompts: Sequence[str], pipeline: "TextPipeline") -> Iterator[str]:
    """Texts as they are and as they are prepared, without and with each prompt."""
    while batch := list(islice(texts, TEXTS_AT_ONCE)):
        for text in dict.fromkeys([*batch, *pipeline.apply(batch).sentences]):
            yield from (prompt + text for prompt in ("", *prompts))


class _Tensors:
    """A safetensors file whose tensors are taken as bytes, since numpy does not know all their types.

    The file: uint64 size of the header, little-endian; the header, JSON that tells each tensor's type, shape and
    place; the tensors.

    Raises:
        EncoderError: the file is damaged.
    """

    def __init__(self, path: Path) -> None:
        from safetensors import SafetensorError, safe_open

        try:
            with safe_open(path, "numpy"):
                pass  # it checks all that is taken as given here
        except SafetensorError as error:
            raise EncoderError(f"{path}: not a safetensors file ({error}); copy it again") from error
        self.path = path
        with path.open("rb") as stream:
            size = int.from_bytes(stream.read(8), "little")
            self.header = json.loads(stream.read(size))
        self.start = 8 + size
        self.metadata = self.header.pop("__metadata__", None)

    def rows_of_table(self, rows: Any) -> int:
        """The rows of the table of pieces, which must be as many as config.json says.

        Raises:
            EncoderError: there is no such table.
        """
        for name, entry in self.header.items():
            if TABLES.search(name) and entry["shape"][:1] == [rows]:
                return int(rows)
        raise EncoderError(
            f"{self.path}: holds no table of {rows} pieces, the vocab_size in config.json, under a name that is "
            "known; this kind of model can't be trimmed, or its files belong to different models"
        )

    def write(self, target: Path, rows: int, kept: Sequence[int]) -> None:
        """Write all tensors to `target`; of those with one of `rows` rows for each piece, the rows `kept`."""
        import numpy as np

        data = np.memmap(self.path, np.uint8, "r", self.start)
        header: dict[str, Any] = {} if self.metadata is None else {"__metadata__": self.metadata}
        tensors, offset = [], 0
        for name, entry in sorted(self.header.items(), key=lambda item: item[1]["data_offsets"]):
            first, last = entry["data_offsets"]
            tensor, shape = data[first:last], entry["shape"]
            if shape[:1] == [rows] and (TABLES.search(name) or HEADS.search(name)):
                tensor, shape = tensor.reshape(rows, -1)[kept], [len(kept), *shape[1:]]
            header[name] = {"dtype": entry["dtype"], "shape": shape, "data_offsets": [offset, offset + tensor.nbytes]}
            tensors.append(tensor)
            offset += tensor.nbytes
        text = json.dumps(header, separators=(",", ":")).encode()
        text += b" " * (-len(text) % 8)
        with target.open("wb") as stream:
            stream.write(len(text).to_bytes(8, "little") + text)
            for tensor in tensors:
                stream.write(tensor.data)
