"""From which score on two sentences are best called similar."""

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from sts.errors import DataError, UsageError
from sts.evaluate.metrics import Sample, interval, resamples

if TYPE_CHECKING:
    import numpy as np

Criterion = Literal["f1", "accuracy"]
CRITERIA: tuple[Criterion, ...] = ("f1", "accuracy")
# fewer pairs fix no threshold
MIN_TO_FIT = 50


@dataclass(frozen=True)
class BestThreshold:
    """The threshold at which a criterion is highest.

    Attributes:
        threshold: between two neighbouring scores, in their unit.
        low, high: 95 % percentile interval over resamples of the rows; None without a bootstrap.
        value: the criterion there, 0 to 1; on the rows that it was chosen by, so a little kind.
    """

    threshold: float
    low: float | None
    high: float | None
    value: float


def best_thresholds(sample: Sample, *, bootstrap: int, seed: int) -> dict[Criterion, BestThreshold]:
    """The best threshold by F1 and by accuracy.

    Args:
        sample: scores (n,) and classes of the rows.
        bootstrap: resamples behind the intervals; 0 leaves them out.
        seed: decides the resamples.

    Returns:
        By criterion; none where all rows are of one class.
    """
    import numpy as np

    if sample.similar.all() or not sample.similar.any():
        return {}
    found = _best(sample.score[None], sample.similar[None])
    parts = [_best(sample.score[rows], sample.similar[rows]) for rows in resamples(len(sample.score), bootstrap, seed)]
    best = {}
    for name in CRITERIA:
        drawn = np.concatenate([part[name][0] for part in parts]) if parts else None
        best[name] = BestThreshold(float(found[name][0][0]), *interval(drawn), float(found[name][1][0]))
    return best


def _best(score: "np.ndarray", similar: "np.ndarray") -> "dict[Criterion, tuple[np.ndarray, np.ndarray]]":
    """Thresholds (k,) and values (k,) for each of k samples (k, n)."""
    import numpy as np

    order = np.argsort(-score, axis=1, kind="stable")
    score, similar = np.take_along_axis(score, order, axis=1), np.take_along_axis(similar, order, axis=1)
    count = np.arange(1, score.shape[1] + 1)
    hits = np.cumsum(similar, axis=1)
    positive = hits[:, -1:]
    # equal scores are all called similar, or none
    ends = np.concatenate([score[:, 1:] != score[:, :-1], np.ones((len(score), 1), bool)], axis=1)
    below = np.concatenate([score[:, 1:], score[:, -1:]], axis=1)
    values = {
        "f1": 2 * hits / (count + positive),
        "accuracy": (2 * hits - count + score.shape[1] - positive) / score.shape[1],
    }
    found: dict[Criterion, tuple[np.ndarray, np.ndarray]] = {}
    for name in CRITERIA:
        value = np.where(ends, values[name], -1)
        place = value.argmax(axis=1)[:, None]
        middle = ((np.take_along_axis(score, place, axis=1) + np.take_along_axis(below, place, axis=1)) / 2)[:, 0]
        best = np.take_along_axis(value, place, axis=1)[:, 0]
        if name == "accuracy":  # to call none similar may be best
            none = 1 - positive[:, 0] / score.shape[1]
            middle, best = np.where(none > best, np.nextafter(score[:, 0], np.inf), middle), np.maximum(best, none)
        found[name] = (middle, best)
    return found


def curve(score: "np.ndarray", similar: "np.ndarray", thresholds: "np.ndarray") -> dict[str, "np.ndarray"]:
    """F1, precision, recall and accuracy (m,) at each of m thresholds."""
    import numpy as np

    called = score[None] >= thresholds[:, None]
    hits = (called & similar[None]).sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return {
            "F1": 2 * hits / (called.sum(axis=1) + similar.sum()),
            "precision": hits / called.sum(axis=1),
            "recall": hits / similar.sum(),
            "accuracy": (called == similar[None]).mean(axis=1),
        }


def fitted(best: dict[Criterion, BestThreshold], rows: int) -> float:
    """The threshold to keep: the best by F1.

    Raises:
        DataError: too few rows, or rows of one class alone.
    """
    if rows < MIN_TO_FIT:
        raise DataError(
            f"--fit-threshold: {rows} pairs are too few to choose a threshold by; give {MIN_TO_FIT} or more"
        )
    if not best:
        raise DataError("--fit-threshold: all pairs are of one class, similar or not; give pairs of both")
    return round(min(5.0, max(0.0, best["f1"].threshold)), 4)


def threshold_record(best: dict[Criterion, BestThreshold], rows: int, data: str) -> dict[str, Any]:
    """What a scorer's metrics say of its threshold."""
    return {"data": data, "rows": rows, **{name: asdict(each) for name, each in best.items()}}


def store_threshold(folder: Path, threshold: float, record: dict[str, Any]) -> float:
    """Write a threshold into a scorer's `sts.json`.

    Args:
        folder: the scorer's.
        threshold: 0 to 5.
        record: how it was chosen.

    Returns:
        The threshold that was there before.

    Raises:
        ScorerError: the folder is no scorer, or damaged.
        UsageError: it is one that comes with the package.
    """
    from sts.bundled import NAMES, scorer_name
    from sts.models.info import read_info, write_info

    if scorer_name(folder) in NAMES:
        raise UsageError(
            f"--fit-threshold: {scorer_name(folder)} comes with the package and stays as it is; copy its folder "
            f"({folder}), and name the copy with --model"
        )
    info = read_info(folder)
    write_info(folder, replace(info, threshold=threshold, metrics=info.metrics | {"threshold": record}))
    return info.threshold
