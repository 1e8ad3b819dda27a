"""`sts.json`: what a scorer is, so that whoever loads it scores as training did."""

import json
import math
import reprlib
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Literal, get_args

from sts.errors import DataError, ScorerError
from sts.files import write_json
from sts.text import TextPipeline

INFO_FILE = "sts.json"
# 5 adds what an export says of itself; a folder of format 4 was never exported
FORMAT_VERSION = 5
# KLUE's own rule: a pair is similar when its label is 3 or more (Park et al. 2021)
DEFAULT_THRESHOLD = 3.0
Mode = Literal["cross", "bi"]
Head = Literal["linear", "bilstm"]
Orders = Literal["sorted", "both", "one"]
Pooling = Literal["mean", "cls"]


@dataclass(frozen=True)
class ScorerInfo:
    """What `sts.json` holds.

    Attributes:
        mode: `cross`, a cross-encoder, or `bi`, a bi-encoder.
        base_model: the encoder it was trained from, as the user named it, and where that came from.
        head: what turns token states into a score: `linear` or `bilstm`; None for a bi-encoder.
        max_length: tokens of a pair (of a sentence, for a bi-encoder), special tokens included; longer ones are cut.
        orders: how a pair is shown to a cross-encoder: `sorted`, the shorter sentence first (see
            `sts.models.cross.in_one_order`); `both`, in both orders, and the score is the mean, in twice the time;
            `one`, as it comes, so that the score depends on the order. None for a bi-encoder, where it never matters.
        pooling: what turns token states into a vector: `mean` or `cls`; None for a cross-encoder.
        prompt: what is put before each sentence; empty for a cross-encoder.
        calibration: for a bi-encoder, for each number of dimensions that its vectors may be cut to (as text), the
            numbers of a curve of `sts.models.calibration`; None for a cross-encoder, whose sigmoid times 5 is the
            score.
        threshold: scores from here on mean "similar", 0 to 5.
        text_pipeline: how sentences are prepared before they are scored, as `TextPipeline.to_dict` puts it.
        settings: the training settings.
        data: description, size and fingerprint of the training pairs.
        metrics: results on the validation splits.
        versions: package versions it was trained with.
        study: the study and trial that found the settings; None where none did.
        onnx: what `sts.export` wrote of its `model.onnx`: its `precision`, `fp32` or `int8`; None in a folder that
            was not exported.
    """

    mode: Mode
    base_model: str
    base_model_origin: str
    head: Head | None
    max_length: int
    orders: Orders | None = "sorted"
    pooling: Pooling | None = None
    prompt: str = ""
    calibration: dict[str, dict[str, float]] | None = None
    threshold: float = DEFAULT_THRESHOLD
    text_pipeline: dict[str, Any] = field(default_factory=lambda: {"name": "none", "steps": []})
    settings: dict[str, Any] = field(default_factory=dict)
    data: dict[str, Any] = field(default_factory=dict)
    metrics: dict[str, Any] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    study: str | None = None
    onnx: dict[str, Any] | None = None

    @property
    def one_order(self) -> bool:
        """Whether a pair in the other order is the very same to the network, so that its score is the same."""
        return self.orders in (None, "sorted")


# validation parts of trainings, those first that checkpoints are chosen by
VALIDATIONS = ("own", "hard", "random")


def validated(info: ScorerInfo) -> tuple[str, dict[str, Any]] | None:
    """The name and metrics of the validation part that a scorer's checkpoint was chosen by; None where it has none."""
    return next(((name, info.metrics[name]) for name in VALIDATIONS if name in info.metrics), None)


def write_info(folder: Path, info: ScorerInfo) -> None:
    """Write `info` as `sts.json` into a scorer folder."""
    write_json(folder / INFO_FILE, {"format": FORMAT_VERSION} | asdict(info))


def read_info(folder: Path) -> ScorerInfo:
    """Read and check a scorer folder's `sts.json`.

    Raises:
        ScorerError: the folder or file is missing, not JSON, of another format version, or has a
            value that this version can't honour.
    """
    path = folder / INFO_FILE
    if not folder.is_dir():
        raise ScorerError(f"{folder}: no such scorer folder; `python -m sts.train --output {folder}` makes one")
    if not path.is_file():
        raise ScorerError(f"{folder}: holds no {INFO_FILE}, so it is no scorer; name the --output folder of a training")
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:  # it may be gone by now
        raise ScorerError(f"{path}: can't be read ({error.strerror}); train or copy the scorer again") from error
    except (json.JSONDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ScorerError(f"{path}: not JSON ({error}); the scorer is damaged, train or copy it again") from error
    version = values.pop("format", None) if isinstance(values, dict) else None
    if version == FORMAT_VERSION - 1:
        values["onnx"], version = None, FORMAT_VERSION
    if version != FORMAT_VERSION:
        raise ScorerError(f"{path}: format is {version!r}; this version of sts reads format {FORMAT_VERSION}")
    known = {entry.name for entry in fields(ScorerInfo)}
    if set(values) != known:
        wrong = ", ".join(sorted(set(values) ^ known))
        raise ScorerError(f"{path}: fields missing or unknown: {wrong}; train the scorer with this version of sts")
    info = ScorerInfo(**values)
    _check(path, info)
    try:
        TextPipeline.from_dict(info.text_pipeline, f"{path}: field 'text_pipeline'")
    except DataError as error:
        raise ScorerError(f"{error}; the scorer is damaged, or of a newer version of sts") from error
    return info


def _check(path: Path, info: ScorerInfo) -> None:
    cross = info.mode == "cross"
    rules = [
        ("mode", info.mode in get_args(Mode), "'cross' or 'bi'"),
        ("head", info.head in get_args(Head) if cross else info.head is None, "'linear' or 'bilstm', null in mode bi"),
        (
            "orders",
            info.orders in get_args(Orders) if cross else info.orders is None,
            "'sorted', 'both' or 'one', null in mode bi",
        ),
        (
            "pooling",
            info.pooling is None if cross else info.pooling in get_args(Pooling),
            "'mean' or 'cls', null in mode cross",
        ),
        ("prompt", isinstance(info.prompt, str) and not (cross and info.prompt), "text, none in mode cross"),
        (
            "calibration",
            info.calibration is None if cross else _good_calibration(info.calibration),
            "a rise and a fall above 0 and a shift for each number of dimensions, null in mode cross",
        ),
        ("threshold", _is_number(info.threshold) and 0 <= info.threshold <= 5, "a number from 0 to 5"),
        (
            "onnx",
            info.onnx is None or (isinstance(info.onnx, dict) and info.onnx.get("precision") in ("fp32", "int8")),
            "null, or an object whose precision is fp32 or int8",
        ),
        ("max_length", isinstance(info.max_length, int) and info.max_length >= 8, "a whole number from 8 on"),
    ]
    for name, holds, allowed in rules:
        if not holds:
            raise ScorerError(
                f"{path}: field '{name}' is {reprlib.repr(getattr(info, name))}; this version of sts knows {allowed}"
            )


def _good_calibration(value: Any) -> bool:
    return (
        isinstance(value, dict)
        and bool(value)
        and all(dimensions.isdecimal() and int(dimensions) >= 1 for dimensions in value)
        and all(isinstance(curve, dict) and set(curve) == {"rise", "fall", "shift"} for curve in value.values())
        and all(
            all(map(_is_number, curve.values())) and min(curve["rise"], curve["fall"]) > 0 for curve in value.values()
        )
    )


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
