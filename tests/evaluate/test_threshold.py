import json
import shutil

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, average_precision_score, f1_score, roc_auc_score

from sts.bundled import BUNDLED_BI, BUNDLED_CROSS
from sts.cli import run
from sts.errors import DataError, UsageError
from sts.evaluate import measure
from sts.evaluate.command import evaluate
from sts.evaluate.metrics import make_sample
from sts.evaluate.threshold import best_thresholds, curve, fitted, store_threshold, threshold_record
from sts.models.info import ScorerInfo, read_info, write_info


def best(label, score, *, bootstrap=0, seed=0):
    return best_thresholds(make_sample(label, score, threshold=3.0), bootstrap=bootstrap, seed=seed)


def drawn(seed, *, ties):
    generator = np.random.default_rng(seed)
    label = np.round(generator.uniform(0, 5, 200), 1)
    score = np.clip(label + generator.normal(0, 1.5, 200), 0, 5)
    return label, np.round(score, 1) if ties else score


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("seed", range(5))
def test_areas_agree_with_scikit_learn(seed, ties):
    label, score = drawn(seed, ties=ties)
    found = measure(label, score, threshold=3.0, bootstrap=0)
    assert found.auc.value == pytest.approx(roc_auc_score(label >= 3, score), abs=1e-12)
    assert found.average_precision.value == pytest.approx(average_precision_score(label >= 3, score), abs=1e-12)


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("seed", range(5))
def test_no_threshold_is_better_than_the_best(seed, ties):
    label, score = drawn(seed, ties=ties)
    found = best(label, score)
    for name, of in (("f1", f1_score), ("accuracy", accuracy_score)):
        values = [of(label >= 3, score >= cut) for cut in [*np.unique(score), np.inf]]
        assert found[name].value == pytest.approx(max(values), abs=1e-12)
        assert of(label >= 3, score >= found[name].threshold) == pytest.approx(found[name].value, abs=1e-12)


def test_the_best_threshold_by_hand():
    # similar are the last two; from 2.0 on: three called, two right, F1 4/5, four of five right; from 3.0: all right
    found = best([0, 1, 2, 4, 5], [0.5, 1.0, 2.0, 3.0, 4.0])
    assert (found["f1"].threshold, found["f1"].value) == (2.5, 1.0)
    assert (found["accuracy"].threshold, found["accuracy"].value) == (2.5, 1.0)
    assert found["f1"].low is None


def test_equal_scores_are_all_called_similar_or_none():
    found = best([0, 5, 0, 5], [1, 2, 2, 3])
    # from 3: F1 2/3; from 2: two of three, F1 4/5
    assert found["f1"].value == pytest.approx(0.8)
    assert found["f1"].threshold == 1.5


def test_where_scores_say_nothing_the_most_accurate_is_to_call_none_similar():
    label, score = [5, *[0] * 9], [3.0] * 10
    found = best(label, score)["accuracy"]
    assert found.value == pytest.approx(0.9)
    assert accuracy_score(np.array(label) >= 3, np.array(score) >= found.threshold) == pytest.approx(0.9)


def test_all_of_one_class_have_no_best_threshold():
    assert best([5, 4, 3], [1, 2, 3]) == {}
    assert best([0, 1, 2], [1, 2, 3]) == {}
    found = measure([5, 4, 3], [1, 2, 3], threshold=3.0, bootstrap=0)
    assert found.auc.value is None
    assert found.auc.undefined


def test_the_interval_holds_the_threshold_and_its_seed_decides_it():
    label, score = drawn(1, ties=False)
    once, again = (best(label, score, bootstrap=200, seed=3) for _ in range(2))
    assert once == again
    for each in once.values():
        assert each.low < each.high
        assert each.low <= each.threshold <= each.high
    assert best(label, score, bootstrap=200, seed=4) != once


def test_resamples_of_one_class_alone_do_not_disturb_the_interval():
    found = best([5, *[0] * 7], [4, 1, 1, 1, 1, 1, 1, 1], bootstrap=100)
    assert found["f1"].threshold == 2.5
    assert np.isfinite([found["f1"].low, found["f1"].high]).all()


def test_the_curve_agrees_with_scikit_learn():
    label, score = drawn(2, ties=True)
    cuts = np.array([0.0, 1.5, 3.0, 6.0])
    found = curve(score, label >= 3, cuts)
    for place, cut in enumerate(cuts):
        assert found["F1"][place] == pytest.approx(f1_score(label >= 3, score >= cut))
        assert found["accuracy"][place] == pytest.approx(accuracy_score(label >= 3, score >= cut))
    assert np.isnan(found["precision"][-1])


def test_a_threshold_is_fitted_to_enough_pairs_of_both_classes():
    label, score = drawn(3, ties=False)
    found = best(label, score)
    assert fitted(found, 200) == round(found["f1"].threshold, 4)
    with pytest.raises(DataError, match=r"^--fit-threshold: 49 pairs are too few to choose a threshold by; give 50"):
        fitted(found, 49)
    with pytest.raises(DataError, match=r"^--fit-threshold: all pairs are of one class, similar or not; give pairs of"):
        fitted({}, 50)


def test_a_fitted_threshold_lies_on_the_scale():
    assert fitted(best([0, 5] * 30, [-9, -8] * 30), 60) == 0.0
    assert fitted(best([0, 5] * 30, [7, 9] * 30), 60) == 5.0


def scorer_folder(path):
    path.mkdir()
    write_info(path, ScorerInfo("cross", "tiny", "a test", "linear", 16, metrics={"hard": {"rows": 3}}))
    return path


def test_a_threshold_is_stored_with_how_it_was_chosen(tmp_path):
    folder = scorer_folder(tmp_path / "scorer")
    record = threshold_record(best([0, 5], [1, 4]), 2, "pairs.csv")
    assert store_threshold(folder, 2.5, record) == 3.0
    info = read_info(folder)
    assert info.threshold == 2.5
    assert info.metrics["hard"] == {"rows": 3}
    assert info.metrics["threshold"] == {
        "data": "pairs.csv",
        "rows": 2,
        "f1": {"threshold": 2.5, "low": None, "high": None, "value": 1.0},
        "accuracy": {"threshold": 2.5, "low": None, "high": None, "value": 1.0},
    }


@pytest.mark.parametrize(("folder", "name"), [(BUNDLED_CROSS, "bundled-cross"), (BUNDLED_BI, "bundled-bi")])
def test_the_bundled_scorers_stay_as_they_are(folder, name):
    before = (folder / "sts.json").read_bytes()
    with pytest.raises(UsageError, match=rf"--fit-threshold: {name} comes with the package and stays as it is; copy"):
        store_threshold(folder, 2.5, {})
    assert (folder / "sts.json").read_bytes() == before


def pairs(path, count, label):
    rows = [f"가 {n},{'가 ' + str(n) if n % 2 else '나'},{label(n)}" for n in range(count)]
    path.write_text("\n".join(["sentence1,sentence2,label", *rows]) + "\n", encoding="utf-8")
    return path


def call(*words):
    return run(evaluate, "sts evaluate", [str(word) for word in words])


def test_the_command_stores_a_fitted_threshold_and_scores_by_it(tmp_path, capsys):
    folder = tmp_path / "copy"
    shutil.copytree(BUNDLED_BI, folder)
    data = pairs(tmp_path / "a.csv", 60, lambda n: n % 2)
    words = ["--model", folder, "--data", data, "--label-scale", "binary", "--bootstrap", "0", "--json"]
    assert call(*words, "--fit-threshold") == 0
    captured = capsys.readouterr()
    found = json.loads(captured.out)["best_thresholds"]["f1"]
    assert found["value"] == 1.0  # the same sentence, or another one
    info = read_info(folder)
    assert info.threshold == round(found["threshold"], 4)
    assert info.metrics["threshold"]["rows"] == 60
    assert f"similar from {info.threshold:g} on, stored in its sts.json (before: 3)" in captured.err
    assert call(*words) == 0
    assert json.loads(capsys.readouterr().out)["metrics"]["f1"]["value"] == 1.0


@pytest.mark.parametrize(
    ("count", "label", "message"),
    [
        (10, lambda n: 5 * (n % 2), "--fit-threshold: 10 pairs are too few to choose a threshold by; give 50 or more"),
        (60, lambda n: 5, "--fit-threshold: all pairs are of one class, similar or not; give pairs of both"),
    ],
)
def test_the_command_fits_no_threshold_to_what_can_not_show_it(tmp_path, capsys, count, label, message):
    folder = tmp_path / "copy"
    shutil.copytree(BUNDLED_BI, folder)
    before = (folder / "sts.json").read_bytes()
    data = pairs(tmp_path / "a.csv", count, label)
    assert call("--model", folder, "--data", data, "--bootstrap", "0", "--fit-threshold") == 2
    assert f"sts evaluate: {message}" in capsys.readouterr().err
    assert (folder / "sts.json").read_bytes() == before


@pytest.mark.parametrize("top", [1, 100])
def test_scores_of_another_unit_are_told(tmp_path, capsys, top):
    label, score = drawn(4, ties=False)
    path = tmp_path / "p.csv"
    rows = [f"{a},{b / 5 * top:.4f}" for a, b in zip(label, score, strict=True)]
    path.write_text("\n".join(["label,score", *rows]) + "\n", encoding="utf-8")
    assert call("--predictions", path, "--bootstrap", "0") == 0
    notes = [line for line in capsys.readouterr().out.splitlines() if line.startswith("note: ")]
    assert notes
    assert "scores" in notes[0]
