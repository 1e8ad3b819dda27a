"""What a checkpoint must be, and the traps that its tokenizer and positions hold."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sts.errors import EncoderError, UsageError

if TYPE_CHECKING:
    from transformers import PretrainedConfig

# these count positions from the padding token's id + 1, so that many of their positions are never used
OFFSET_POSITIONS = {"roberta", "xlm-roberta", "camembert", "mpnet"}
TOKENIZER_FILES = ("tokenizer.json", "vocab.txt", "sentencepiece.bpe.model", "spiece.model", "vocab.json")


def check_checkpoint(folder: Path) -> None:
    """Check that a folder is a transformers checkpoint that is safe to load.

    Raises:
        EncoderError: configuration, safetensors weights or tokenizer are missing, or it needs code of its own.
    """
    from transformers import CONFIG_MAPPING

    if not (folder / "config.json").is_file():
        raise EncoderError(f"{folder}: holds no config.json, so it is no transformers checkpoint")
    if not list(folder.glob("model*.safetensors")):
        if list(folder.glob("*.bin")):
            raise EncoderError(
                f"{folder}: its weights are a pickle (.bin), which can run code when it is read; only safetensors are "
                "loaded. If you trust its source, load it with transformers and write it with save_pretrained()"
            )
        raise EncoderError(f"{folder}: holds no model.safetensors")
    if not any((folder / name).is_file() for name in TOKENIZER_FILES):
        raise EncoderError(f"{folder}: holds no tokenizer; one of {', '.join(TOKENIZER_FILES)} is needed")
    try:
        architecture = json.loads((folder / "config.json").read_text(encoding="utf-8"))["model_type"]
    except (ValueError, TypeError, KeyError) as error:
        raise EncoderError(f"{folder / 'config.json'}: holds no model_type ({error})") from error
    if architecture not in CONFIG_MAPPING:
        raise EncoderError(
            f"{folder / 'config.json'}: model_type is '{architecture}', which transformers does not know; "
            "code that comes with a checkpoint is never run"
        )


def usable_positions(config: "PretrainedConfig") -> int:
    """The longest input, in tokens, that a model has positions for.

    RoBERTa's positions start behind its padding id: 514 of them leave 512.
    """
    positions = int(config.max_position_embeddings)
    if config.model_type in OFFSET_POSITIONS:
        return positions - int(config.pad_token_id) - 1
    return positions


def fit_tokenizer(tokenizer: Any, config: "PretrainedConfig", max_length: int) -> None:
    """Make a tokenizer send what its model can take.

    A model with one segment type (KLUE's RoBERTa has a BERT tokenizer that numbers segments 0 and
    1) would read beyond its table: it is sent no segments. A vocabulary of Hangul syllables gets
    text whose syllables are whole. Both must be done whenever a tokenizer is loaded.

    Raises:
        UsageError: `max_length` is more than the model's positions.
        EncoderError: the tokenizer has no vocabulary, since its class and its files do not match.
    """
    if len(tokenizer) <= len(tokenizer.all_special_tokens):
        raise EncoderError(
            f"{tokenizer.name_or_path}: its tokenizer ({type(tokenizer).__name__}) finds no vocabulary in the files "
            "there; name the right tokenizer_class in tokenizer_config.json, or add tokenizer.json"
        )
    usable = usable_positions(config)
    if max_length > usable:
        raise UsageError(f"--max-length is {max_length}; this encoder has positions for {usable} tokens at most")
    tokenizer.model_max_length = max_length
    if getattr(config, "type_vocab_size", 0) < 2:
        tokenizer.model_input_names = [name for name in tokenizer.model_input_names if name != "token_type_ids"]
    _keep_syllables_whole(tokenizer)


def _keep_syllables_whole(tokenizer: Any) -> None:
    """Stop a lower-casing BERT tokenizer from taking Hangul syllables apart.

    Lower-casing strips accents unless told otherwise, and that decomposes syllables into letters. If
    the vocabulary was made of whole syllables, each of them would become the unknown token. A
    vocabulary of letters stays with letters. transformers' `BertTokenizer` builds its normalizer anew
    from `tokenizer_config.json`, even where `tokenizer.json` has the right one.
    """
    from tokenizers.normalizers import BertNormalizer

    backend = getattr(tokenizer, "backend_tokenizer", None)
    if backend is None or not isinstance(backend.normalizer, BertNormalizer):
        return
    if any("가" <= character <= "힣" for piece in tokenizer.get_vocab() for character in piece):
        backend.normalizer.strip_accents = False
        tokenizer.strip_accents = tokenizer.init_kwargs["strip_accents"] = False  # what save_pretrained() writes
