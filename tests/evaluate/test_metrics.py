import numpy as np
import pytest
from scipy.stats import spearmanr
from sklearn.metrics import accuracy_score, f1_score, precision_score, recall_score

from sts.errors import DataError
from sts.evaluate import Estimate, measure
from sts.evaluate import metrics as module
from sts.evaluate.metrics import (
    bootstrap_statistics,
    correlation_standard_error,
    make_sample,
    measure_by_source,
)


def test_correlations_and_error_by_hand():
    result = measure([0, 2, 4, 5], [1, 2, 3, 4], threshold=3.0, bootstrap=0)
    # deviations from the means 2.75 and 2.5: sum of products 8.5, of squares 14.75 and 5
    assert result.pearson.value == pytest.approx(8.5 / (14.75 * 5) ** 0.5)
    assert result.spearman.value == pytest.approx(1.0)
    assert result.mae.value == pytest.approx(0.75)
    assert result.rows == 4


def test_classes_by_hand():
    # truth - - + +, predicted + - + -: one of each kind
    result = measure([1, 2, 4, 5], [4, 1, 4, 2], threshold=3.0, bootstrap=0)
    assert [result.f1.value, result.precision.value, result.recall.value, result.accuracy.value] == [0.5] * 4


def test_the_threshold_itself_is_similar_on_both_sides():
    result = measure([3.0, 2.9], [3.0, 2.9], threshold=3.0, bootstrap=0)
    assert result.precision.value == result.recall.value == 1.0


def test_the_threshold_moves_predictions_and_not_the_truth():
    result = measure([1, 2, 3, 5], [1, 2, 3.4, 3.6], threshold=3.5, bootstrap=0)
    assert (result.precision.value, result.recall.value) == (1.0, 0.5)


def test_a_binary_label_overrules_the_label_where_it_is_given():
    result = measure([2, 2, 4, 4], [4, 1, 4, 1], threshold=3.0, binary_label=[1, None, None, 0], bootstrap=0)
    assert result.f1.value == 1.0


def test_order_gap_by_hand():
    result = measure([1, 2, 3], [1, 2, 3], threshold=3.0, swapped_score=[1.5, 2, 2], bootstrap=0)
    assert result.order_gap == Estimate(0.5)
    assert measure([1, 2], [1, 2], threshold=3.0, bootstrap=0).order_gap is None


def test_agrees_with_the_libraries_on_values_with_ties():
    generator = np.random.default_rng(1)
    label = np.round(generator.uniform(0, 5, 300), 1)
    score = np.clip(np.round(label + generator.normal(0, 1, 300), 1), 0, 5)
    result = measure(label, score, threshold=3.0, bootstrap=0)
    truth, predicted = label >= 3, score >= 3
    assert result.pearson.value == pytest.approx(np.corrcoef(label, score)[0, 1])
    assert result.spearman.value == pytest.approx(spearmanr(label, score).statistic)
    assert result.f1.value == pytest.approx(f1_score(truth, predicted))
    assert result.precision.value == pytest.approx(precision_score(truth, predicted))
    assert result.recall.value == pytest.approx(recall_score(truth, predicted))
    assert result.accuracy.value == pytest.approx(accuracy_score(truth, predicted))


def test_interval_of_two_rows_is_known():
    # two rows with errors 0 and 1: resampled means are 0, 1/2, 1 with chances 1/4, 1/2, 1/4
    result = measure([1, 2], [1, 3], threshold=3.0, bootstrap=500)
    assert result.mae == Estimate(0.5, 0.0, 1.0)


def test_interval_is_as_wide_as_the_standard_error_says():
    generator = np.random.default_rng(0)
    label = np.clip(generator.normal(2.5, 0.8, 800), 0, 5)
    score = np.clip(label + generator.normal(0, 0.5, 800), 0, 5)
    pearson = measure(label, score, threshold=3.0).pearson
    expected = 2 * 1.96 * correlation_standard_error(pearson.value, 800)
    assert pearson.high - pearson.low == pytest.approx(expected, rel=0.15)
    assert pearson.low < pearson.value < pearson.high


def test_seed_decides_the_interval():
    label, score = [0, 1, 2, 3, 4, 5], [1, 0, 2.5, 3.5, 4, 4]
    first, again, other = (measure(label, score, threshold=3.0, bootstrap=50, seed=seed) for seed in (1, 1, 2))
    assert first == again
    assert first.pearson != other.pearson


def test_without_bootstrap_there_is_no_interval():
    result = measure([0, 2, 4], [0, 2, 5], threshold=3.0, bootstrap=0)
    assert {(estimate.low, estimate.high) for estimate in result.estimates().values()} == {(None, None)}


def test_work_in_chunks_yields_every_resample(monkeypatch):
    monkeypatch.setattr(module, "CHUNK_CELLS", 7)
    sample = make_sample([1, 2, 3], [1, 2, 4], threshold=3.0)
    assert bootstrap_statistics(sample, 11, 42)["mae"].shape == (11,)


def test_constant_scores_have_no_correlation():
    result = measure([0, 2, 4], [2.0, 2.0, 2.0], threshold=3.0, bootstrap=20)
    assert result.pearson == result.spearman == Estimate(None, undefined="all scores are the same")
    assert str(result.pearson) == "undefined"
    assert result.to_dict()["pearson"]["value"] is None
    assert result.mae.value == pytest.approx(4 / 3)


def test_scores_that_differ_by_rounding_are_constant():
    result = measure([0, 2, 4], [2.0, np.nextafter(2.0, 3), 2.0], threshold=3.0, bootstrap=20)
    assert result.pearson.undefined == "all scores are the same"


def test_constant_labels_have_no_correlation():
    assert measure([2, 2], [1, 3], threshold=3.0, bootstrap=5).spearman.undefined == "all labels are the same"


def test_classes_that_do_not_occur_are_undefined():
    no_positive = measure([0, 1], [0, 1], threshold=3.0, bootstrap=20)
    assert no_positive.precision.undefined == "no score reaches the threshold"
    assert no_positive.recall.undefined == "no row is truly similar"
    assert no_positive.f1.undefined == "no score reaches the threshold and no row is truly similar"
    assert no_positive.accuracy.value == 1.0
    missed = measure([0, 5], [0, 1], threshold=3.0, bootstrap=0)
    assert (missed.f1.value, missed.recall.value, missed.precision.value) == (0.0, 0.0, None)


def test_resamples_that_leave_a_metric_undefined_do_not_count():
    # one row of three is similar; resamples without it define no recall, all others a recall of 1
    assert measure([0, 1, 5], [0, 1, 5], threshold=3.0, bootstrap=200).recall == Estimate(1.0, 1.0, 1.0)


def test_estimates_as_text():
    assert str(Estimate(0.5)) == "0.5000"
    assert str(Estimate(0.5, 0.25, 0.75)) == "0.5000 (0.2500 to 0.7500)"


def test_standard_error_by_hand():
    assert correlation_standard_error(0.93, 519) == pytest.approx(0.0059, abs=5e-5)


@pytest.mark.parametrize(
    ("label", "score", "options", "message"),
    [
        ([1], [1], {}, "1 rows with a label; at least 2"),
        ([], [], {}, "0 rows with a label"),
        ([1, 2], [1], {}, r"score has shape \(1,\); one value for each of the 2 labels"),
        ([1, 2], [1, float("nan")], {}, "row 1: score is nan; only finite"),
        ([float("inf"), 2], [1, 2], {}, "row 0: label is inf"),
        ([1, 2], [1, 2], {"swapped_score": [1]}, "swapped_score has shape"),
        ([1, 2], [1, 2], {"binary_label": [1]}, "1 binary labels for 2 labels"),
    ],
)
def test_what_can_not_be_measured(label, score, options, message):
    with pytest.raises(DataError, match=message):
        measure(label, score, threshold=3.0, **options)


def test_by_source():
    source = ["b"] * 10 + [None] * 3 + ["a"] * 12
    label = np.tile([0.0, 5.0], 13)[:25]
    score = np.where(np.array(source) == "a", 5 - label, label)
    result = measure_by_source(source, label, score, threshold=3.0, swapped_score=score, bootstrap=0)
    assert list(result) == ["(none)", "a", "b"]
    assert result["(none)"] == 3
    assert (result["a"].rows, result["b"].rows) == (12, 10)
    assert result["a"].pearson.value == pytest.approx(-1)
    assert result["b"].pearson.value == pytest.approx(1)
    assert result["b"].order_gap.value == 0
