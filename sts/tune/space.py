"""What a study searches: settings with their ranges or choices, read from a YAML file."""

import math
from dataclasses import dataclass, fields, replace
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sts.errors import DataError, StsError, UsageError
from sts.models.info import Mode
from sts.train.settings import LOSSES, ONLY, TrainSettings

if TYPE_CHECKING:
    from optuna import Trial

    from sts.train.data import Augmentation

DEFAULT_SPACE = "space.yaml"
# settings of a training that a study may search; `augment` is the training's option of that name
SEARCHABLE = (
    "learning_rate",
    "epochs",
    "batch_size",
    "gradient_accumulation",
    "weight_decay",
    "warmup_ratio",
    "scheduler",
    "loss",
    "head",
    "pooling",
    "freeze_layers",
    "max_length",
    "zero_label_fraction",
    "text_pipeline",
    "augment",
)
NO_AUGMENTATION = "none"
Value = str | float | int
Entry = dict[str, Any]


@dataclass(frozen=True)
class Space:
    """The settings that a study searches.

    Attributes:
        entries: by setting, `{"low", "high", "log"}` or `{"choices"}`.
    """

    entries: dict[str, Entry]

    def suggest(self, trial: "Trial") -> dict[str, Value]:
        """The sampler's value of each setting."""
        chosen: dict[str, Any] = {}
        for name, entry in self.entries.items():
            if "choices" in entry:
                chosen[name] = trial.suggest_categorical(name, entry["choices"])
            elif isinstance(entry["low"], int):
                chosen[name] = trial.suggest_int(name, entry["low"], entry["high"], log=entry["log"])
            else:
                chosen[name] = trial.suggest_float(name, entry["low"], entry["high"], log=entry["log"])
        return chosen

    def outside(self, values: dict[str, Value]) -> list[str]:
        """Names of searched settings for which `values` has none, or none that the space has."""
        return [
            name
            for name, entry in self.entries.items()
            if name not in values
            or (
                values[name] not in entry["choices"]
                if "choices" in entry
                else not entry["low"] <= values[name] <= entry["high"]
            )
        ]


def read_space(path: Path | None, search: list[str], mode: Mode) -> Space:
    """Read a space, its optional part where `search` names it.

    Args:
        path: a YAML file; None means the space that comes with the package.
        search: settings of the file's part `optional` to search too.
        mode: `cross` or `bi`; choices that it does not know are left out.

    Raises:
        DataError: the file is missing, no YAML, or of another form.
        UsageError: `search` names what the file does not have, or what the mode has no use for.
    """
    import yaml

    shown = str(path or DEFAULT_SPACE)
    try:
        text = (
            path.read_text(encoding="utf-8") if path else files("sts.tune").joinpath(DEFAULT_SPACE).read_text("utf-8")
        )
        content = yaml.safe_load(text)
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{shown}: can't be read ({error})") from error
    except yaml.YAMLError as error:
        raise DataError(f"{shown}: not YAML ({' '.join(str(error).split())})") from error
    parts = _parts(content, shown)
    missing = [name for name in search if name not in parts["optional"]]
    if missing:
        known = ", ".join(parts["optional"]) or "nothing"
        raise UsageError(f"--search {' '.join(missing)}: {shown} has no such optional setting; it has {known}")
    entries = parts["always"] | {name: parts["optional"][name] for name in search}
    other: Mode = "bi" if mode == "cross" else "cross"
    useless = [name for name in entries if name in ONLY[other]]
    if useless:
        raise UsageError(f"{', '.join(useless)} can be searched with --mode {other} only; this is --mode {mode}")
    if "loss" in entries:
        losses = [name for name in entries["loss"]["choices"] if name in LOSSES[mode]]
        if not losses:
            raise DataError(f"{shown}: loss has no choice for --mode {mode}, which knows {', '.join(LOSSES[mode])}")
        entries = entries | {"loss": {"choices": losses}}
    if not entries:
        raise DataError(f"{shown}: nothing to search; name settings under 'always'")
    return Space(entries)


def default_values(settings: TrainSettings, space: Space) -> dict[str, Value]:
    """What a training without a study would take for each searched setting."""
    return {name: NO_AUGMENTATION if name == "augment" else getattr(settings, name) for name in space.entries}


def with_values(settings: TrainSettings, values: dict[str, Value]) -> "tuple[TrainSettings, Augmentation | None]":
    """Settings and augmentation of a training with these values.

    Raises:
        UsageError: a value that a training does not allow.
    """
    from sts.augment import AugmentSettings, parse_mix
    from sts.train.data import Augmentation

    methods = str(values.get("augment", NO_AUGMENTATION))
    chosen: dict[str, Any] = {name: value for name, value in values.items() if name != "augment"}
    augmentation = None if methods == NO_AUGMENTATION else Augmentation(parse_mix(methods.split()), AugmentSettings())
    return replace(settings, **chosen), augmentation


def _parts(content: Any, shown: str) -> dict[str, dict[str, Entry]]:
    form = "a mapping with the parts 'always' and 'optional'"
    if not isinstance(content, dict) or not content or not set(content) <= {"always", "optional"}:
        raise DataError(f"{shown}: found {_kind(content)}; a space is {form}, such as the one of `sts.tune --help`")
    parts: dict[str, dict[str, Entry]] = {}
    for part in ("always", "optional"):
        entries = content.get(part) or {}
        if not isinstance(entries, dict):
            raise DataError(f"{shown}: '{part}' is {_kind(entries)}; it must be a mapping of settings")
        parts[part] = {name: _entry(name, entry, shown) for name, entry in entries.items()}
    twice = set(parts["always"]) & set(parts["optional"])
    if twice:
        raise DataError(f"{shown}: {', '.join(sorted(twice))} stands in both parts; leave it in one")
    return parts


def _entry(name: Any, entry: Any, shown: str) -> Entry:
    where = f"{shown}: {name}"
    if name not in SEARCHABLE:
        raise DataError(f"{where}: can't be searched; what can is {', '.join(SEARCHABLE)}")
    keys = set(entry) if isinstance(entry, dict) else set()
    if keys == {"choices"} and isinstance(entry["choices"], list) and entry["choices"]:
        found: Entry = {"choices": entry["choices"]}
        values = entry["choices"]
        if len({repr(value) for value in values}) < len(values):
            raise DataError(f"{where}: a choice stands there twice")
    elif {"low", "high"} <= keys <= {"low", "high", "log"} and _is_number_setting(name):
        found = _range(name, entry, where)
        values = [found["low"], found["high"]]
    else:
        allowed = "{choices: [...]}"
        if _is_number_setting(name):
            allowed = "{low: ..., high: ...}, with 'log: true' if its logarithm is to be even, or " + allowed
        raise DataError(f"{where}: is {entry!r}; allowed is {allowed}")
    for value in values:
        _check_value(name, value, where)
    return found


def _range(name: str, entry: Entry, where: str) -> Entry:
    low, high, log = entry["low"], entry["high"], entry.get("log", False)
    whole = isinstance(_default(name), int)
    for bound in (low, high):
        good = isinstance(bound, int if whole else int | float) and not isinstance(bound, bool) and math.isfinite(bound)
        if not good:
            raise DataError(f"{where}: {bound!r} is no {'whole ' if whole else ''}number (YAML needs 1.0e-5 for 1e-5)")
    if not isinstance(log, bool):
        raise DataError(f"{where}: log is {log!r}; allowed is true or false")
    if low >= high or (log and low <= 0):
        raise DataError(f"{where}: {low} to {high} is no range{', and a logarithm needs low above 0' if log else ''}")
    return {"low": low if whole else float(low), "high": high if whole else float(high), "log": log}


def _check_value(name: str, value: Any, where: str) -> None:
    """Check that a training allows `value`, by its own rules."""
    import typing

    wanted = str if name == "augment" else type(_default(name))
    if isinstance(value, bool) or not isinstance(value, int | float if wanted is float else wanted):
        raise DataError(f"{where}: {value!r} is {_kind(value)}; a training takes {wanted.__name__}")
    allowed = () if name == "augment" else typing.get_args(typing.get_type_hints(TrainSettings)[name])
    if allowed and value not in allowed:
        raise DataError(f"{where}: {value!r} is unknown; a training knows {', '.join(map(str, allowed))}")
    try:
        settings, _ = with_values(TrainSettings(), {name: value})
        if name == "text_pipeline":
            from sts.text import find_pipeline

            find_pipeline(settings.text_pipeline)
    except StsError as error:
        raise DataError(f"{where}: {error}") from error


def _default(name: str) -> Any:
    return next(field.default for field in fields(TrainSettings) if field.name == name)


def _is_number_setting(name: str) -> bool:
    return name != "augment" and isinstance(_default(name), int | float)


def _kind(value: Any) -> str:
    kinds = {dict: "a mapping", list: "a list", str: "text", bool: "yes or no", type(None): "nothing"}
    return kinds.get(type(value), "a number" if isinstance(value, int | float) else type(value).__name__)
