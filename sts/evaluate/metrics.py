"""Metrics of scores against labels, each with a bootstrap interval.

Every statistic is written once, for a stack of samples: the sample itself is a stack of one, its
bootstrap resamples are a stack of many.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any

from sts.errors import DataError
from sts.pairs.rows import SIMILAR_FROM

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike

MIN_SOURCE_ROWS = 10
# cells of a stack of resamples that are worked on at once; bounds memory, not results
CHUNK_CELLS = 2_000_000
# a smaller range of values is rounding, not variation, and a correlation with it is noise
CONSTANT_RANGE = 1e-9


@dataclass(frozen=True)
class Estimate:
    """A metric's value and the interval it is known to.

    Attributes:
        value: the metric on the rows as they are; None where it is undefined.
        low, high: 95 % percentile interval over resamples of the rows; None without a bootstrap,
            or where no resample defines the metric.
        undefined: why there is no value.
    """

    value: float | None
    low: float | None = None
    high: float | None = None
    undefined: str | None = None

    def __str__(self) -> str:
        if self.value is None:
            return "undefined"
        return f"{self.value:.4f}" if self.low is None else f"{self.value:.4f} ({self.low:.4f} to {self.high:.4f})"


@dataclass(frozen=True)
class Metrics:
    """What scores are worth on a number of labelled rows.

    Attributes:
        rows: number of rows.
        pearson, spearman: correlations of score and label, -1 to 1.
        f1, precision, recall, accuracy: of the class "similar", 0 to 1, at the threshold.
        auc, average_precision: of telling the classes apart by score, whatever the threshold, 0 to 1 (areas under the
            ROC curve and, as a sum, the precision-recall curve).
        mae: mean absolute error, 0 to 5.
        order_gap: mean absolute change of the score when the sentences change places, 0 to 5; None
            where only one order was scored.
    """

    rows: int
    pearson: Estimate
    spearman: Estimate
    f1: Estimate
    precision: Estimate
    recall: Estimate
    accuracy: Estimate
    auc: Estimate
    average_precision: Estimate
    mae: Estimate
    order_gap: Estimate | None = None

    def estimates(self) -> dict[str, Estimate]:
        """The metrics that were measured, by name."""
        named = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: value for name, value in named.items() if isinstance(value, Estimate)}

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON; what is undefined is None."""
        return asdict(self)


@dataclass(frozen=True)
class Sample:
    """Rows to be measured, as arrays (n,), or a stack of resamples of them, as arrays (k, n)."""

    label: "np.ndarray"
    score: "np.ndarray"
    similar: "np.ndarray"
    predicted: "np.ndarray"
    order_gap: "np.ndarray | None"

    def take(self, index: "np.ndarray") -> "Sample":
        """The rows of `index`, in its shape."""
        gap = None if self.order_gap is None else self.order_gap[index]
        return Sample(self.label[index], self.score[index], self.similar[index], self.predicted[index], gap)


def measure(
    label: "ArrayLike",
    score: "ArrayLike",
    *,
    threshold: float,
    binary_label: Sequence[int | None] | None = None,
    swapped_score: "ArrayLike | None" = None,
    bootstrap: int = 2000,
    seed: int = 42,
) -> Metrics:
    """Measure n scores against their labels.

    The intervals are percentile intervals of a bootstrap over rows (Efron and Tibshirani 1993, An
    Introduction to the Bootstrap, chapter 13). Resamples in which a metric is undefined say
    nothing about it and are left out.

    Args:
        label: true similarities (n,), 0 to 5.
        score: predicted similarities (n,), 0 to 5.
        threshold: a row is predicted to be similar from this score on.
        binary_label: true classes (n,), 0 or 1; where None, a row is similar from label 3.0 on.
        swapped_score: scores (n,) of the same pairs with their sentences exchanged.
        bootstrap: number of resamples; 0 leaves the intervals out.
        seed: decides the resamples.

    Raises:
        DataError: fewer than two rows, arrays of different lengths, or a value that is not finite.
    """
    sample = make_sample(label, score, threshold=threshold, binary_label=binary_label, swapped_score=swapped_score)
    return summarize(sample, bootstrap_statistics(sample, bootstrap, seed))


def summarize(sample: "Sample", resampled: dict[str, "np.ndarray"]) -> Metrics:
    """The metrics of a sample, with the intervals that its resamples' statistics show."""
    estimates = {}
    for name, (value,) in statistics(sample).items():
        if math.isnan(value):
            estimates[name] = Estimate(None, undefined=_why_undefined(name, sample))
        else:
            estimates[name] = Estimate(float(value), *interval(resampled.get(name)))
    return Metrics(rows=len(sample.label), **estimates)


def measure_by_source(
    source: Sequence[str | None],
    label: "ArrayLike",
    score: "ArrayLike",
    **options: Any,
) -> dict[str, Metrics | int]:
    """Measure each source's rows on their own.

    Args:
        source: the source of each row (n,); rows without one are measured together, as "(none)".
        label: as for `measure`.
        score: as for `measure`.
        options: those of `measure`.

    Returns:
        By source, in alphabetical order: its metrics, or its number of rows where these are fewer
        than `MIN_SOURCE_ROWS`, too few to measure anything.
    """
    import numpy as np

    names = np.array([name or "(none)" for name in source])
    per_row: dict[str, Any] = {"label": label, "score": score} | {
        name: options.pop(name) for name in ("binary_label", "swapped_score") if options.get(name) is not None
    }
    results: dict[str, Metrics | int] = {}
    for name in sorted(set(names.tolist())):
        rows = np.flatnonzero(names == name)
        if len(rows) < MIN_SOURCE_ROWS:
            results[name] = len(rows)
        else:
            own: dict[str, Any] = {key: np.asarray(values)[rows] for key, values in per_row.items()}
            results[name] = measure(**own, **options)
    return results


def make_sample(
    label: "ArrayLike",
    score: "ArrayLike",
    *,
    threshold: float,
    binary_label: Sequence[int | None] | None = None,
    swapped_score: "ArrayLike | None" = None,
) -> Sample:
    """Check the arguments of `measure` and turn them into one sample."""
    import numpy as np

    named = {"label": np.asarray(label, dtype=np.float64), "score": np.asarray(score, dtype=np.float64)}
    if swapped_score is not None:
        named["swapped_score"] = np.asarray(swapped_score, dtype=np.float64)
    rows = named["label"].size
    for name, values in named.items():
        if values.shape != (rows,):
            raise DataError(f"{name} has shape {values.shape}; one value for each of the {rows} labels is needed")
        if not np.isfinite(values).all():
            row = int(np.flatnonzero(~np.isfinite(values))[0])
            raise DataError(f"row {row}: {name} is {values[row]}; only finite numbers can be measured")
    if rows < 2:
        raise DataError(f"{rows} rows with a label; at least 2 are needed to measure anything")
    similar = named["label"] >= SIMILAR_FROM
    if binary_label is not None:
        if len(binary_label) != rows:
            raise DataError(f"{len(binary_label)} binary labels for {rows} labels; give as many of each")
        given = zip(binary_label, similar, strict=True)
        similar = np.array([rule if value is None else bool(value) for value, rule in given])
    gap = np.abs(named["score"] - named["swapped_score"]) if swapped_score is not None else None
    return Sample(named["label"], named["score"], similar, named["score"] >= threshold, gap)


def statistics(sample: Sample) -> dict[str, "np.ndarray"]:
    """Every metric of each of k samples (arrays (k, n); one sample may be (n,)); NaN where undefined.

    Returns:
        By metric, in the order of `Metrics`: its k values.
    """
    import numpy as np
    from scipy.stats import rankdata
    from sklearn.metrics import multilabel_confusion_matrix

    if sample.label.ndim == 1:
        sample = sample.take(np.arange(len(sample.label))[None, :])
    # "samplewise": each row of the stack has its own 2 x 2 table
    tables = multilabel_confusion_matrix(sample.similar.astype(int), sample.predicted.astype(int), samplewise=True)
    (_, false_positive), (false_negative, hit) = tables.transpose(1, 2, 0)
    ranks = rankdata(sample.score, axis=1)
    with np.errstate(invalid="ignore"):  # 0 / 0 is NaN, which means undefined here
        values = {
            "pearson": _pearson(sample.label, sample.score),
            "spearman": _pearson(rankdata(sample.label, axis=1), ranks),
            "f1": 2 * hit / (2 * hit + false_positive + false_negative),
            "precision": hit / (hit + false_positive),
            "recall": hit / (hit + false_negative),
            "accuracy": np.mean(sample.similar == sample.predicted, axis=1),
            "auc": _auc(sample.similar, ranks),
            "average_precision": _average_precision(sample.similar, sample.score),
            "mae": np.mean(np.abs(sample.score - sample.label), axis=1),
        }
    if sample.order_gap is not None:
        values["order_gap"] = np.mean(sample.order_gap, axis=1)
    return values


def bootstrap_statistics(sample: Sample, bootstrap: int, seed: int) -> dict[str, "np.ndarray"]:
    """Every metric of each of `bootstrap` resamples; the same rows and seed give the same resamples."""
    import numpy as np

    parts = [statistics(sample.take(index)) for index in resamples(len(sample.label), bootstrap, seed)]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]} if parts else {}


def interval(values: "np.ndarray | None") -> tuple[float | None, float | None]:
    """The 95 % percentile interval of resampled values, those left out that are NaN."""
    import numpy as np

    if values is None or np.isnan(values).all():
        return None, None
    low, high = np.nanpercentile(values, [2.5, 97.5])
    return float(low), float(high)


def correlation_standard_error(r: float, rows: int) -> float:
    """The standard error of a Pearson correlation r on so many rows, (1 - r²) / √(n - 1).

    Source: Fisher 1915, the large-sample error under normality; also Bonett and Wright 2000.
    """
    return (1 - r * r) / math.sqrt(rows - 1)


def resamples(rows: int, number: int, seed: int) -> Iterator["np.ndarray"]:
    """Row numbers (k, rows) of `number` resamples, drawn with replacement, some at a time."""
    import numpy as np

    generator = np.random.default_rng(seed)
    size = max(1, CHUNK_CELLS // rows)
    for start in range(0, number, size):
        yield generator.integers(rows, size=(min(size, number - start), rows))


def _pearson(x: "np.ndarray", y: "np.ndarray") -> "np.ndarray":
    """Pearson correlation of each row of x (k, n) with the same row of y; NaN where either is constant."""
    import numpy as np
    from scipy.stats import pearsonr

    values = np.full(len(x), np.nan)
    varied = (np.ptp(x, axis=1) > CONSTANT_RANGE) & (np.ptp(y, axis=1) > CONSTANT_RANGE)
    if varied.any():
        values[varied] = pearsonr(x[varied], y[varied], axis=1).statistic
    return values


def _auc(similar: "np.ndarray", ranks: "np.ndarray") -> "np.ndarray":
    """The share of pairs of a similar and another row that scores put in order, ties counted half (Mann-Whitney)."""
    positive = similar.sum(axis=1)
    found: np.ndarray = ((ranks * similar).sum(axis=1) - positive * (positive + 1) / 2) / (
        positive * (similar.shape[1] - positive)
    )
    return found


def _average_precision(similar: "np.ndarray", score: "np.ndarray") -> "np.ndarray":
    """The mean precision at the scores of the similar rows; rows of equal score come together."""
    import numpy as np

    order = np.argsort(-score, axis=1, kind="stable")
    score, similar = np.take_along_axis(score, order, axis=1), np.take_along_axis(similar, order, axis=1)
    ends = np.concatenate([score[:, 1:] != score[:, :-1], np.ones((len(score), 1), bool)], axis=1)
    places = np.where(ends, np.arange(score.shape[1]), score.shape[1])
    end = np.minimum.accumulate(places[:, ::-1], axis=1)[:, ::-1]
    precision = np.take_along_axis(np.cumsum(similar, axis=1), end, axis=1) / (end + 1)
    found: np.ndarray = (precision * similar).sum(axis=1) / similar.sum(axis=1)
    return found


def _why_undefined(name: str, sample: Sample) -> str:
    import numpy as np

    if name in ("pearson", "spearman"):
        return f"all {'scores' if np.ptp(sample.score) <= CONSTANT_RANGE else 'labels'} are the same"
    if name in ("auc", "average_precision"):
        return f"{'no' if name == 'average_precision' or not sample.similar.any() else 'every'} row is truly similar"
    no_prediction, no_truth = "no score reaches the threshold", "no row is truly similar"
    return {"precision": no_prediction, "recall": no_truth}.get(name, f"{no_prediction} and {no_truth}")
