"""What a checkpoint must be, and two traps that its tokenizer and positions hold."""

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
        EncoderError: configuration, safetensors weights or tokenizer are missing.
    """
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
    1) would read beyond its table: it is sent no segments.

    Raises:
        UsageError: `max_length` is more than the model's positions.
    """
    usable = usable_positions(config)
    if max_length > usable:
        raise UsageError(f"--max-length is {max_length}; this encoder has positions for {usable} tokens at most")
    tokenizer.model_max_length = max_length
    if getattr(config, "type_vocab_size", 0) < 2:
        tokenizer.model_input_names = [name for name in tokenizer.model_input_names if name != "token_type_ids"]
