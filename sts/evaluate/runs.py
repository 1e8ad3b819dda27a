"""Whether one way of training is better than another, each run with several seeds."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sts.evaluate.metrics import bootstrap_statistics, interval, make_sample
from sts.evaluate.metrics import statistics as statistics_of
from sts.pairs.rows import SIMILAR_FROM

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


@dataclass(frozen=True)
class RunsDifference:
    """A metric's mean over the runs of A, and of B, and their difference.

    Attributes:
        a, b: the metric of each run.
        low, high: 95 % interval of the difference of means, over rows and over seeds; None where no resample
            defines it.
    """

    a: list[float]
    b: list[float]
    low: float | None
    high: float | None

    @property
    def value(self) -> float:
        """Mean of A less mean of B."""
        return statistics.mean(self.a) - statistics.mean(self.b)

    def __str__(self) -> str:
        return f"{self.value:+.4f}" + (f" ({self.low:+.4f} to {self.high:+.4f})" if self.low is not None else "")


def compare_runs(
    label: "ArrayLike",
    scores_a: "Sequence[ArrayLike]",
    scores_b: "Sequence[ArrayLike]",
    *,
    metric: str = "pearson",
    bootstrap: int = 2000,
    seed: int = 42,
) -> RunsDifference:
    """Compare two ways of training by their runs' scores of the same n rows.

    A paired bootstrap: each resample draws rows, the same for every run, and draws runs of A and of B,
    for a run's luck is part of what is uncertain. Drawing from n runs shows their spread too small, by
    √((n - 1) / n) (Davison and Hinkley 1997), which matters for three and is made up for.

    Args:
        label: true similarities (n,), 0 to 5.
        scores_a: scores (n,) of each run of A.
        scores_b: scores (n,) of each run of B.
        metric: one of `Metrics`.
        bootstrap: number of resamples.
        seed: decides the resamples.

    Raises:
        DataError: as `measure`.
    """
    import numpy as np

    values, means = [], []
    generator = np.random.default_rng(seed)
    for scores in (scores_a, scores_b):
        samples = [make_sample(label, score, threshold=SIMILAR_FROM) for score in scores]
        values.append([float(statistics_of(sample)[metric][0]) for sample in samples])
        # the same seed draws the same rows for every run
        resampled = np.stack([bootstrap_statistics(sample, bootstrap, seed)[metric] for sample in samples])
        runs, columns = len(samples), np.arange(bootstrap)
        drawn = np.mean([resampled[generator.integers(runs, size=bootstrap), columns] for _ in range(runs)], axis=0)
        middle = resampled.mean(axis=0)
        means.append(middle + (drawn - middle) * np.sqrt(runs / max(1, runs - 1)))
    low, high = interval(means[0] - means[1])
    return RunsDifference(values[0], values[1], low, high)
