"""Ways of training compared over several runs."""

import numpy as np
import pytest

from sts.evaluate.metrics import measure
from sts.evaluate.runs import compare_runs

ROWS = 200


@pytest.fixture
def label():
    return np.random.default_rng(0).uniform(0, 5, ROWS)


def noisy(label, size, seed):
    return label + np.random.default_rng(seed).normal(0, size, len(label))


def test_the_difference_is_that_of_the_means(label):
    a, b = [noisy(label, 0.5, seed) for seed in (1, 2, 3)], [noisy(label, 2.0, seed) for seed in (4, 5)]
    found = compare_runs(label, a, b, bootstrap=200)
    assert found.a == pytest.approx([np.corrcoef(label, score)[0, 1] for score in a])
    assert found.value == pytest.approx(np.mean(found.a) - np.mean(found.b))
    assert 0 < found.low < found.value < found.high


def test_runs_that_agree_leave_the_rows_alone_uncertain(label):
    a, b = noisy(label, 0.5, 1), noisy(label, 1.0, 2)
    one, three = compare_runs(label, [a], [b]), compare_runs(label, [a] * 3, [b] * 3)
    assert (three.low, three.high) == pytest.approx((one.low, one.high))


def test_a_way_does_not_differ_from_itself(label):
    runs = [noisy(label, 1.0, seed) for seed in (1, 2, 3)]
    found = compare_runs(label, runs, runs)
    assert found.value == 0
    assert found.low < 0 < found.high


def test_the_spread_of_few_runs_is_not_shown_too_small(label):
    """Where only the runs differ, the interval's standard error is that of a mean of three."""
    rng = np.random.default_rng(7)
    # the same rows ordered alike: a run's Pearson hardly depends on the rows drawn
    label = np.tile([0.0, 5.0], 5000)
    noise = np.tile([1.0, 1.0, -1.0, -1.0], 2500)
    spreads = []
    for _ in range(30):
        runs = [label + noise * rng.uniform(1, 3) for _ in range(3)]
        found = compare_runs(label, runs, [label], bootstrap=300)
        sd = np.std([measure(label, run, threshold=3.0, bootstrap=0).pearson.value for run in runs], ddof=1)
        spreads.append((found.high - found.low) / (sd / np.sqrt(3)))
    # about a normal's 3.92; without the factor it is 3.3
    assert 3.6 < np.mean(spreads) < 4.4
