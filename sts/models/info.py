"""`sts.json`: what a scorer is, so that whoever loads it scores as training did."""

import json
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Literal

from sts.errors import DataError, ScorerError
from sts.files import write_json
from sts.text import TextPipeline

INFO_FILE = "sts.json"
# 2: the text pipeline is stored whole, step by step
FORMAT_VERSION = 2
# KLUE's own rule: a pair is similar when its label is 3 or more (Park et al. 2021)
DEFAULT_THRESHOLD = 3.0
HEADS = ("linear", "bilstm")
ORDERS = ("both", "one")
Orders = Literal["both", "one"]


@dataclass(frozen=True)
class ScorerInfo:
    """What `sts.json` holds.

    Attributes:
        mode: `cross`, a cross-encoder.
        base_model: the encoder it was trained from, as the user named it, and where that came from.
        head: what turns token states into a score: `linear` or `bilstm`.
        orders: `both` when a score is the mean over both orders of the sentences, so that it does not
            depend on the order; `one` when the pair is scored as it comes, which is twice as fast.
        max_length: tokens of a pair, special tokens included; longer pairs are cut there.
        threshold: scores from here on mean "similar", 0 to 5.
        text_pipeline: how sentences are prepared before they are scored, as `TextPipeline.to_dict` puts it.
        calibration: what maps raw outputs to scores; None for a cross-encoder, whose sigmoid times 5 is the score.
        settings: the training settings.
        data: description, size and fingerprint of the training pairs.
        metrics: results on the validation splits.
        versions: package versions it was trained with.
    """

    mode: str
    base_model: str
    base_model_origin: str
    head: str
    max_length: int
    orders: Orders = "both"
    threshold: float = DEFAULT_THRESHOLD
    text_pipeline: dict[str, Any] = field(default_factory=lambda: {"name": "none", "steps": []})
    calibration: None = None
    settings: dict[str, Any] = field(default_factory=dict)
    data: dict[str, Any] = field(default_factory=dict)
    metrics: dict[str, Any] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)


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
    except (json.JSONDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ScorerError(f"{path}: not JSON ({error}); the scorer is damaged, train or copy it again") from error
    version = values.pop("format", None) if isinstance(values, dict) else None
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
    rules = [
        ("mode", info.mode == "cross", "'cross'"),
        ("head", info.head in HEADS, " or ".join(map(repr, HEADS))),
        ("orders", info.orders in ORDERS, " or ".join(map(repr, ORDERS))),
        ("calibration", info.calibration is None, "null"),
        ("threshold", isinstance(info.threshold, int | float) and 0 <= info.threshold <= 5, "a number from 0 to 5"),
        ("max_length", isinstance(info.max_length, int) and info.max_length >= 8, "a whole number from 8 on"),
    ]
    for name, holds, allowed in rules:
        if not holds:
            raise ScorerError(f"{path}: field '{name}' is {getattr(info, name)!r}; this version of sts knows {allowed}")
