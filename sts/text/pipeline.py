"""Text pipelines: named, ordered steps that prepare sentences for a model, and travel with it."""

import reprlib
import typing
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Protocol

from sts.errors import DataError, UsageError
from sts.text.cleansing import Cleanse
from sts.text.form import composed
from sts.text.morphemes import Morphemes
from sts.text.normalize import Normalize
from sts.text.spacing import Spacing
from sts.text.spelling import Spelling
from sts.text.tags import ORIGINAL_DROPPED_TAGS


class Step(Protocol):
    """A step: a frozen dataclass of settings that prepares sentences."""

    def apply(self, sentences: Sequence[str]) -> list[str]:
        """As many sentences as go in, in their order."""
        ...


STEPS: dict[str, Any] = {
    "normalize": Normalize,
    "cleanse": Cleanse,
    "spacing": Spacing,
    "spelling": Spelling,
    "morphemes": Morphemes,
}
_NAMES = {kind: name for name, kind in STEPS.items()}


@dataclass(frozen=True)
class Prepared:
    """Sentences as a model is to see them.

    Attributes:
        sentences: as many as went in, in their order.
        left_as_is: true where the steps would have left nothing of a sentence, which therefore stayed as it was.
        failed: sentences that a step's service failed on and left as they were.
    """

    sentences: list[str]
    left_as_is: list[bool]
    failed: int = 0


@dataclass(frozen=True)
class TextPipeline:
    """Steps in their order.

    Attributes:
        name: of a preset, or what a file calls it.
        steps: instances of the classes in `STEPS`.
    """

    name: str
    steps: tuple[Step, ...] = ()

    def apply(self, sentences: Sequence[str]) -> Prepared:
        """Prepare sentences: each in its one form, then step by step.

        Raises:
            StsError: a step needs something that is not installed or does not answer.
        """
        sentences = [composed(sentence) for sentence in sentences]
        texts, failed = sentences, 0
        for step in self.steps:
            if isinstance(step, Spelling):
                corrected = list(step.corrected(texts))
                texts, failed = [text for text, _ in corrected], failed + sum(kept for _, kept in corrected)
            else:
                texts = step.apply(texts)
        emptied = [not text.strip() and bool(before.strip()) for text, before in zip(texts, sentences, strict=True)]
        kept = [before if empty else text for text, before, empty in zip(texts, sentences, emptied, strict=True)]
        return Prepared(kept, emptied, failed)

    def versions(self) -> dict[str, str]:
        """The packages whose version may change what the steps do.

        Raises:
            StsError: a step's analyser or engine is not installed.
        """
        found: dict[str, str] = {}
        for step in self.steps:
            if isinstance(step, Morphemes):
                found |= step.load().versions
            elif isinstance(step, Spacing | Spelling):
                found |= step.versions()
        return found

    def to_dict(self) -> dict[str, Any]:
        """The pipeline as JSON or YAML can hold it."""
        steps = [{"step": _NAMES[type(step)], **_plain(asdict(typing.cast("Any", step)))} for step in self.steps]
        return {"name": self.name, "steps": steps}

    @classmethod
    def from_dict(cls, value: Any, where: str) -> "TextPipeline":
        """What `to_dict` gave, checked.

        Args:
            value: an object with `name` and `steps`.
            where: what messages call the place that it comes from.

        Raises:
            DataError: anything in it is unknown or of the wrong kind.
        """
        if not isinstance(value, dict) or set(value) != {"name", "steps"} or not isinstance(value["steps"], list):
            raise DataError(f"{where}: is {_shown(value)}; a text pipeline is an object with 'name' and a list 'steps'")
        if not isinstance(value["name"], str) or not value["name"].isprintable() or not value["name"].strip():
            raise DataError(f"{where}: 'name' is {_shown(value['name'])}; it must be text on one line")
        steps = [_step(entry, f"{where}, step {number}") for number, entry in enumerate(value["steps"], 1)]
        return cls(value["name"], tuple(steps))


PRESETS = {
    "none": TextPipeline("none"),
    "normalize": TextPipeline("normalize", (Normalize(),)),
    "original": TextPipeline(
        "original",
        (
            Normalize(),
            Cleanse(latin=False, han=False, kana=False, punctuation=False, emoji=False, symbols=False),
            Morphemes("kiwi", tuple(sorted(ORIGINAL_DROPPED_TAGS))),
        ),
    ),
}


def find_pipeline(name: str) -> TextPipeline:
    """A preset, or the pipeline in a YAML file.

    Args:
        name: `none`, `normalize`, `original`, or the path of a file with `name` and `steps`.

    Raises:
        UsageError: neither a preset nor a file.
        DataError: the file does not hold a pipeline.
    """
    if name in PRESETS:
        return PRESETS[name]
    path = Path(name)
    try:
        content = path.read_bytes()
    except (OSError, ValueError) as error:
        raise UsageError(
            f"text pipeline {name!r:.200}: neither a preset ({', '.join(PRESETS)}) nor a YAML file that can be read"
        ) from error
    import yaml

    try:
        value = yaml.safe_load(content.decode("utf-8"))
    # ValueError: no UTF-8, an impossible date, a number too long
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise DataError(
            f"{path}: not YAML ({' '.join(str(error).split())}); see text pipelines in the README"
        ) from error
    pipeline = TextPipeline.from_dict(value, str(path))
    if pipeline.name in PRESETS and pipeline != PRESETS[pipeline.name]:
        raise DataError(f"{path}: 'name' is '{pipeline.name}', a preset with other steps; choose another name")
    return pipeline


def _step(entry: Any, where: str) -> Step:
    found = entry.get("step") if isinstance(entry, dict) else entry
    if not isinstance(entry, dict) or not isinstance(found, str) or found not in STEPS:
        raise DataError(f"{where}: 'step' is {_shown(found)}; allowed are {', '.join(STEPS)}")
    kind = STEPS[entry["step"]]
    hints = typing.get_type_hints(kind)
    settings = {}
    for name, value in entry.items():
        if name == "step":
            continue
        if name not in hints:
            allowed = ", ".join(field.name for field in fields(kind)) or "no settings"
            raise DataError(f"{where} ({entry['step']}): unknown setting {_shown(name)}; allowed are {allowed}")
        settings[name] = _checked(value, hints[name], f"{where} ({entry['step']}): '{name}'")
    try:
        return typing.cast("Step", kind(**settings))
    except UsageError as error:
        raise DataError(f"{where} ({entry['step']}): {error}") from error


def _checked(value: Any, hint: Any, where: str) -> Any:
    if typing.get_origin(hint) is typing.Literal:
        allowed, good = " or ".join(map(repr, typing.get_args(hint))), value in typing.get_args(hint)
    elif hint is bool:
        allowed, good = "true or false", isinstance(value, bool)
    elif typing.get_origin(hint) is tuple:
        allowed, good = "a list of texts", isinstance(value, list) and all(isinstance(item, str) for item in value)
    else:
        allowed, good = "text", isinstance(value, str)
    if not good:
        raise DataError(f"{where} is {_shown(value)}; allowed is {allowed}")
    return tuple(value) if isinstance(value, list) else value


def _shown(value: Any) -> str:
    """A value for a message, cut short: aliases in YAML can make a small file into an endless value."""
    return reprlib.repr(value)


def _plain(settings: dict[str, Any]) -> dict[str, Any]:
    return {name: list(value) if isinstance(value, tuple) else value for name, value in settings.items()}
