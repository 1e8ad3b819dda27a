"""One evaluation: scores from a model or a file, and what they amount to."""

import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sts import __version__
from sts.errors import DataError
from sts.evaluate.metrics import Metrics, make_sample, measure, measure_by_source
from sts.evaluate.predictions import Predictions, read_predictions
from sts.evaluate.threshold import BestThreshold, Criterion, best_thresholds
from sts.files.options import AS_FOUND, FileOptions
from sts.files.table import Say, silent
from sts.models.coverage import TOO_MUCH
from sts.models.description import scorer_bytes
from sts.pairs.rows import SIMILAR_FROM
from sts.pairs.scale import ZERO_TO_FIVE, LabelOptions
from sts.pairs.split import INVERTED, MANY

if TYPE_CHECKING:
    import numpy as np

    from sts.models import BiScorer, CrossScorer
    from sts.pairs import LoadedPairs


@dataclass(frozen=True)
class Cost:
    """What a model's scores cost.

    Attributes:
        pairs_per_second: pairs scored a second, in the faster one of the passes that were made.
        megabytes: size of the files that the scorer is loaded from.
    """

    pairs_per_second: float
    megabytes: float


@dataclass(frozen=True)
class Scores:
    """Scores of n labelled pairs, and where they come from.

    Attributes:
        name: the model folder or the file of predictions, as the user named it.
        origin: what is known about the model or the file.
        data: description, number and fingerprint of the pairs.
        predictions: labels and scores.
        threshold: "similar" from this score on.
        swapped_score: scores (n,) with the sentences exchanged; None for a file.
        truncated: pairs that were longer than the model and were cut; None for a file.
        unknown: pairs with text that the model does not know; None for a file.
        mostly: those of them with more of it than of other text.
        notes: what a reader of the results should know, a sentence each.
        cost: time and space; None for a file.
        other_score: where scores lie outside 0 to 5, those that `predictions` does not have: the clipped ones, or those
            as they were given.
    """

    name: str
    origin: dict[str, Any]
    data: dict[str, Any]
    predictions: Predictions
    threshold: float
    swapped_score: "np.ndarray | None" = None
    truncated: int | None = None
    unknown: int | None = None
    mostly: int | None = None
    notes: tuple[str, ...] = ()
    cost: Cost | None = None
    other_score: "np.ndarray | None" = None
    clipped: bool = False


@dataclass(frozen=True)
class Evaluation:
    """Scores, and the metrics they amount to.

    Attributes:
        scores: what was measured.
        metrics: over all pairs.
        by_source: metrics of each source, or its number of rows where these are too few; empty
            where the pairs name no source.
        pairs: the sentences; None for a file of predictions.
        thresholds: the best ones; empty where all pairs are of one class.
        other_metrics: of `Scores.other_score`.
        bootstrap: resamples behind the intervals.
        seed: decided the resamples.
    """

    scores: Scores
    metrics: Metrics
    by_source: dict[str, Metrics | int]
    pairs: "LoadedPairs | None"
    bootstrap: int
    seed: int
    thresholds: dict[Criterion, BestThreshold]
    other_metrics: Metrics | None = None

    def to_dict(self) -> dict[str, Any]:
        """What `metrics.json` holds."""
        sources = {
            name: result.to_dict() if isinstance(result, Metrics) else {"rows": result, "undefined": "too few rows"}
            for name, result in self.by_source.items()
        }
        return (
            describe(self.scores)
            | {
                "bootstrap": self.bootstrap,
                "seed": self.seed,
                "metrics": self.metrics.to_dict(),
                "best_thresholds": {name: asdict(best) for name, best in self.thresholds.items()},
                "by_source": sources,
                "sts_version": __version__,
            }
            | self._other()
        )

    def _other(self) -> dict[str, Any]:
        if self.other_metrics is None:
            return {}
        return {"metrics_as_given" if self.scores.clipped else "metrics_clipped": self.other_metrics.to_dict()}


def describe(scores: Scores) -> dict[str, Any]:
    """Where scores come from, as plain values for JSON."""
    return {
        "scored_by": scores.origin,
        "data": scores.data,
        "threshold": scores.threshold,
        "truncated": scores.truncated,
        "unknown": scores.unknown,
        "mostly_unknown": scores.mostly,
        "notes": list(scores.notes),
        "cost": None if scores.cost is None else asdict(scores.cost),
    }


def score_pairs(
    folder: Path,
    scorer: "CrossScorer | BiScorer",
    loaded: "LoadedPairs",
    *,
    threshold: float | None,
    batch_size: int,
    both_orders: bool = True,
    progress: bool = False,
) -> Scores:
    """Score labelled pairs with a model.

    Args:
        folder: the model's.
        scorer: the model.
        loaded: the pairs.
        threshold: "similar" from this score on, 0 to 5; None takes the model's own.
        batch_size: pairs that go through the model together.
        both_orders: also score the pairs with their sentences exchanged, in the same time again; a scorer that knows
            one order of a pair has the same scores.
        progress: show a progress bar on standard error.

    Raises:
        DataError: there is no pair, or a score is not a number from 0 to 5.
    """
    import numpy as np

    name, pairs, info = str(folder), loaded.pairs, scorer.info
    first, second = list(pairs["sentence1"]), list(pairs["sentence2"])
    scorer.score(first[:1], second[:1])  # what is made at the first use is not to count
    start = time.perf_counter()
    scored = scorer.score(first, second, batch_size=batch_size, progress=progress)
    seconds = time.perf_counter() - start
    if not ((scored.scores >= 0) & (scored.scores <= 5)).all():
        raise DataError(f"{name}: not all of its scores are numbers from 0 to 5; the model is damaged, train it again")
    swapped = None
    if both_orders and info.one_order:
        swapped = scored.scores
    elif both_orders:
        start = time.perf_counter()
        swapped = scorer.score(second, first, batch_size=batch_size, progress=progress).scores
        seconds = min(seconds, time.perf_counter() - start)
    limit = info.threshold if threshold is None else threshold
    label = np.asarray(pairs["label"], dtype=np.float64)
    rule = (label >= SIMILAR_FROM).astype(int)
    given = _column(loaded, "binary_label") or [None] * len(label)
    binary = np.array([fallback if value is None else value for value, fallback in zip(given, rule, strict=True)])
    guids = _column(loaded, "guid") or [None] * len(label)
    notes = []
    if info.data.get("fingerprint") == loaded.fingerprint:
        notes.append("These are the pairs that the model was trained on; the result says little about other pairs.")
    return Scores(
        name,
        {"model": name, "mode": info.mode, "base_model": info.base_model, "max_length": info.max_length},
        {"description": loaded.description, "rows": len(pairs), "fingerprint": loaded.fingerprint},
        Predictions(
            [str(row) if guid is None else guid for row, guid in enumerate(guids)],
            label,
            binary,
            scored.scores,
            scored.similar(limit).astype(int),
        ),
        limit,
        swapped,
        int(scored.truncated.sum()),
        int((scored.unknown > 0).sum()),
        int((scored.unknown > TOO_MUCH).sum()),
        tuple(notes + _inverted(label, scored.scores)),
        Cost(len(pairs) / seconds, scorer_bytes(folder, scorer.runtime.backend) / 1e6),
    )


def read_scores(
    path: Path,
    *,
    threshold: float | None,
    files: FileOptions = AS_FOUND,
    labels: LabelOptions = ZERO_TO_FIVE,
    clip: bool = False,
    say: Say = silent,
) -> Scores:
    """Take scores from a file of predictions.

    Args:
        path: see `sts.evaluate.predictions`.
        threshold: "similar" from this score on, 0 to 5; None means 3.0.
        files: how the file is read.
        labels: the units of its labels.
        clip: bring scores that lie outside 0 to 5 to its ends.
        say: told what was assumed.

    Raises:
        DataError: see `read_predictions`.
    """
    import hashlib

    import numpy as np

    predictions = read_predictions(path, files=files, labels=labels, say=say)
    limit = SIMILAR_FROM if threshold is None else threshold
    differing = int(((predictions.score >= limit) != predictions.binary_score).sum())
    notes = []
    if differing:
        notes.append(
            f"In {differing:,} rows, the predicted class is not what the score and the threshold {limit:g} say; the "
            "threshold counts."
        )
    given, inside = predictions.score, np.clip(predictions.score, 0, 5)
    outside = int((given != inside).sum())
    if outside:
        ends = f"they go from {given.min():.4g} to {given.max():.4g}"
        done = (
            "were brought to its ends (--clip)" if clip else "are measured as they are; --clip brings them to its ends"
        )
        notes.append(f"{outside:,} of {len(given):,} scores lie outside 0 to 5 ({ends}) and {done}.")
    if given.min() >= 0 and given.max() <= 1 and np.ptp(given) > 0:
        notes.append(
            f"The scores go from {given.min():.3g} to {given.max():.3g}, as if they were from 0 to 1: F1, MAE and the "
            f"like, which take {limit:g} of 5 for similar, say nothing of them; Pearson, AUC and the best thresholds "
            "do."
        )
    notes += _inverted(predictions.label, given)
    return Scores(
        str(path),
        {"predictions": str(path)},
        {
            "description": f"the labels in {path}",
            "rows": len(predictions.guid),
            "fingerprint": hashlib.sha256(path.read_bytes()).hexdigest(),
        },
        replace(predictions, score=inside) if clip else predictions,
        limit,
        notes=tuple(notes),
        other_score=(given if clip else inside) if outside else None,
        clipped=clip and outside > 0,
    )


def _inverted(label: "np.ndarray", score: "np.ndarray") -> list[str]:
    """What to say where the labels fall as the scores rise."""
    import numpy as np

    if len(label) < MANY or np.ptp(label) == 0 or np.ptp(score) == 0:
        return []
    r = float(np.corrcoef(label, score)[0, 1])
    if r > INVERTED:
        return []
    return [
        f"The labels fall as the scores rise (r = {r:.2f}); if a low label means that two sentences are the same, add "
        "--invert-labels."
    ]


def assess(scores: Scores, pairs: "LoadedPairs | None", *, bootstrap: int, seed: int) -> Evaluation:
    """Measure scores, all together and by source.

    Args:
        scores: what to measure.
        pairs: the pairs that were scored; None for a file of predictions.
        bootstrap: number of resamples; 0 leaves the intervals out.
        seed: decides the resamples.

    Raises:
        DataError: fewer than two rows.
    """
    found = scores.predictions
    options: dict[str, Any] = {
        "threshold": scores.threshold,
        "binary_label": found.binary_label,
        "swapped_score": scores.swapped_score,
        "bootstrap": bootstrap,
        "seed": seed,
    }
    metrics = measure(found.label, found.score, **options)
    source = _column(pairs, "source") if pairs else None
    by_source = measure_by_source(source, found.label, found.score, **options) if source else {}
    sample = make_sample(found.label, found.score, threshold=scores.threshold, binary_label=found.binary_label.tolist())
    thresholds = best_thresholds(sample, bootstrap=bootstrap, seed=seed)
    other = None if scores.other_score is None else measure(found.label, scores.other_score, **options)
    return Evaluation(scores, metrics, by_source, pairs, bootstrap, seed, thresholds, other)


def _column(loaded: "LoadedPairs", name: str) -> list[Any] | None:
    return list(loaded.pairs[name]) if name in loaded.pairs.column_names else None
