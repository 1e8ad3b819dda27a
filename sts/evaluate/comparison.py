"""Whether one model is better than another: a paired bootstrap of their difference."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from sts.errors import DataError
from sts.evaluate.metrics import (
    Metrics,
    bootstrap_statistics,
    correlation_standard_error,
    interval,
    make_sample,
    summarize,
)
from sts.pairs.rows import SIMILAR_FROM

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

LOWER_IS_BETTER = ("mae", "order_gap")


@dataclass(frozen=True)
class Difference:
    """A metric of A minus that of B.

    Attributes:
        value: the difference; None where either metric is undefined.
        low, high: 95 % percentile interval over paired resamples; None where the value is.
        a_better: share of the resamples in which A is better, 0 to 1; ties count half.
        verdict: what the interval allows to say.
    """

    value: float | None
    low: float | None
    high: float | None
    a_better: float | None
    verdict: str


@dataclass(frozen=True)
class Comparison:
    """Two sets of scores of the same rows.

    Attributes:
        rows: number of rows.
        a, b: the metrics of each.
        differences: A minus B, by metric.
    """

    rows: int
    a: Metrics
    b: Metrics
    differences: dict[str, Difference]

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)


def compare(
    label: "ArrayLike",
    score_a: "ArrayLike",
    score_b: "ArrayLike",
    *,
    thresholds: tuple[float, float] = (SIMILAR_FROM, SIMILAR_FROM),
    binary_label: Sequence[int | None] | None = None,
    swapped_scores: "tuple[ArrayLike, ArrayLike] | None" = None,
    bootstrap: int = 2000,
    seed: int = 42,
) -> Comparison:
    """Compare two models' scores of the same n rows.

    Each resample draws rows and measures both models on them, so that what makes a row hard for
    both drops out of the difference (Koehn 2004, https://aclanthology.org/W04-3250, and Efron and
    Tibshirani 1993).

    Args:
        label: true similarities (n,), 0 to 5.
        score_a: scores (n,) of A.
        score_b: scores (n,) of B.
        thresholds: the scores of A and of B from which on they predict "similar".
        binary_label: as for `measure`.
        swapped_scores: scores (n,) of A and of B with the sentences exchanged.
        bootstrap: number of resamples, 1 or more.
        seed: decides the resamples.

    Raises:
        DataError: as `measure`, or `bootstrap` below 1.
    """
    if bootstrap < 1:
        raise DataError(f"bootstrap is {bootstrap}; a comparison needs 1 resample or more")
    swapped = swapped_scores or (None, None)
    measured, resampled = [], []
    for score, threshold, other_order in zip((score_a, score_b), thresholds, swapped, strict=True):
        sample = make_sample(label, score, threshold=threshold, binary_label=binary_label, swapped_score=other_order)
        # the same seed draws the same rows for A and B
        resampled.append(bootstrap_statistics(sample, bootstrap, seed))
        measured.append(summarize(sample, resampled[-1]))
    a, b = measured
    differences = {}
    for name, estimate in a.estimates().items():
        other = b.estimates()[name]
        if estimate.value is None or other.value is None:
            differences[name] = Difference(
                None, None, None, None, f"undefined: {estimate.undefined or other.undefined}"
            )
        else:
            paired = resampled[0][name] - resampled[1][name]
            differences[name] = _difference(name, estimate.value - other.value, paired, a.rows)
    return Comparison(a.rows, a, b, differences)


def _difference(name: str, value: float, resampled: Any, rows: int) -> Difference:
    import numpy as np

    low, high = interval(resampled)
    if low is None or high is None:
        return Difference(value, None, None, None, f"no resample of these {rows} rows defines both")
    sign = -1 if name in LOWER_IS_BETTER else 1
    gain = sign * resampled[~np.isnan(resampled)]
    better = float(np.mean(gain > 0) + np.mean(gain == 0) / 2)
    if low > 0 or high < 0:
        verdict = "A is better" if sign * low > 0 else "B is better"
    else:
        verdict = f"no difference that these {rows:,} rows can show"
    return Difference(value, low, high, better, verdict)


def resolution(metrics: Metrics) -> str:
    """In a sentence, how small a difference in Pearson so many rows can show."""
    if metrics.pearson.value is None:
        return f"With {metrics.rows:,} rows and no defined correlation, there is no standard error to state."
    error = correlation_standard_error(metrics.pearson.value, metrics.rows)
    return (
        f"With {metrics.rows:,} rows and a Pearson correlation of {metrics.pearson.value:.3f}, its standard error is "
        f"about {error:.4f}; another model whose Pearson differs by less than {2 * error:.3f} may well differ by "
        "chance alone."
    )
