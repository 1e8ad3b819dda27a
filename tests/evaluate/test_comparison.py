import numpy as np
import pytest

from sts.errors import DataError
from sts.evaluate import compare, measure
from sts.evaluate.comparison import resolution

LABEL = np.tile([0.0, 1.0, 2.0, 3.0, 4.0, 5.0], 20)
NOISE = np.random.default_rng(3).normal(0, 1.2, len(LABEL))
NOISY = np.clip(LABEL + NOISE, 0, 5)


def test_a_perfect_model_beats_a_noisy_one():
    result = compare(LABEL, LABEL, NOISY, bootstrap=200)
    for name in ("pearson", "spearman", "mae"):
        assert result.differences[name].verdict == "A is better"
        assert result.differences[name].a_better == 1.0
    assert result.differences["mae"].high < 0 < result.differences["pearson"].low
    assert result.differences["pearson"].value == pytest.approx(1 - np.corrcoef(LABEL, NOISY)[0, 1])


def test_exchanging_a_and_b_exchanges_everything():
    forward, backward = compare(LABEL, LABEL, NOISY, bootstrap=100), compare(LABEL, NOISY, LABEL, bootstrap=100)
    assert backward.differences["mae"].verdict == backward.differences["pearson"].verdict == "B is better"
    assert backward.differences["pearson"].low == pytest.approx(-forward.differences["pearson"].high)
    assert (backward.a, backward.b) == (forward.b, forward.a)


def test_the_same_scores_show_no_difference():
    difference = compare(LABEL, NOISY, NOISY, bootstrap=50).differences["pearson"]
    assert (difference.value, difference.low, difference.high, difference.a_better) == (0, 0, 0, 0.5)
    assert difference.verdict == "no difference that these 120 rows can show"


def test_pairing_is_sharper_than_two_intervals():
    # B is A and a constant, the two intervals overlap widely, yet the difference is certain
    worse = np.abs(NOISY - LABEL) + 0.01
    result = compare(np.zeros(120), np.abs(NOISY - LABEL), worse, bootstrap=200)
    assert result.a.mae.high > result.b.mae.low
    assert result.differences["mae"].verdict == "A is better"
    assert result.differences["mae"].value == pytest.approx(-0.01)


def test_each_model_has_its_own_threshold():
    result = compare([0, 5], [0, 4], [0, 4], thresholds=(3.0, 4.5), bootstrap=5)
    assert (result.a.recall.value, result.b.recall.value) == (1.0, 0.0)


def test_order_gaps_are_compared_where_both_are_known():
    result = compare(LABEL, NOISY, NOISY, swapped_scores=(NOISY, NOISY + 0.1), bootstrap=20)
    assert result.differences["order_gap"].value == pytest.approx(-0.1)
    assert result.differences["order_gap"].verdict == "A is better"


def test_an_undefined_metric_has_no_difference():
    difference = compare([0, 1], [0, 1], [2, 2], bootstrap=5).differences["pearson"]
    assert (difference.value, difference.low, difference.a_better) == (None, None, None)
    assert difference.verdict == "undefined: all scores are the same"


def test_a_comparison_needs_resamples():
    with pytest.raises(DataError, match="bootstrap is 0; a comparison needs 1"):
        compare(LABEL, LABEL, NOISY, bootstrap=0)


def test_resolution_states_the_standard_error():
    # (1 - 0.9²) / √(101 - 1) = 0.019
    rows = np.arange(101)
    x = np.cos(2 * np.pi * rows / 101)
    y = 0.9 * x + (1 - 0.81) ** 0.5 * np.sin(2 * np.pi * rows / 101)
    text = resolution(measure(2.5 + x, 2.5 + y, threshold=3.0, bootstrap=0))
    assert "101 rows and a Pearson correlation of 0.900" in text
    assert "about 0.0190" in text
    assert "less than 0.038" in text


def test_resolution_without_a_correlation():
    assert "no standard error" in resolution(measure([1, 2], [2, 2], threshold=3.0, bootstrap=0))
