import json
from dataclasses import replace

import numpy as np
import pytest

from sts.evaluate.evaluation import assess, read_scores, score_pairs
from sts.evaluate.metrics import measure, measure_by_source
from sts.evaluate.report import write_report
from sts.evaluate.tables import metrics_table, source_note, source_table
from sts.pairs import load_pairs


@pytest.fixture
def loaded(pairs_file):
    return load_pairs([str(pairs_file)], announce=lambda line: None, deduplicate=False)


@pytest.fixture
def evaluation(loaded, scorers, tmp_path):
    scorer, *_ = scorers.values()
    scores = score_pairs(tmp_path / "plain", scorer, loaded, threshold=None, batch_size=4)
    return assess(scores, loaded, bootstrap=50, seed=1)


def test_a_model_is_scored_in_both_orders(evaluation):
    scores = evaluation.scores
    # 0.1 for a longer first sentence: pair 6 as it is, pairs 2 and 3 the other way round
    assert scores.predictions.score.tolist() == pytest.approx([0, 1, 2, 3, 4, 3.1])
    assert scores.swapped_score.tolist() == pytest.approx([0, 1.1, 2.1, 3, 4, 3])
    assert evaluation.metrics.order_gap.value == pytest.approx(0.3 / 6)
    assert scores.truncated == 1
    assert scores.predictions.guid == [f"p{row}" for row in range(6)]


def test_a_model_that_knows_one_order_is_scored_once(loaded, tmp_path, scorers, monkeypatch):
    scorer, *_ = scorers.values()
    scorer.info = replace(scorer.info, orders="sorted")
    score, calls = scorer.score, []
    monkeypatch.setattr(scorer, "score", lambda *pairs, **options: calls.append(pairs) or score(*pairs, **options))
    scores = score_pairs(tmp_path / "plain", scorer, loaded, threshold=None, batch_size=4)
    assert sum(len(first) > 1 for first, _ in calls) == 1
    assert scores.swapped_score.tolist() == scores.predictions.score.tolist()


def test_rows_without_guid_are_named_by_their_number(tmp_path, scorers):
    path = tmp_path / "bare.csv"
    path.write_text("sentence1,sentence2,label\na b,a b,1\na b,c d,4\n", encoding="utf-8")
    loaded = load_pairs([str(path)], announce=lambda line: None)
    scorer, *_ = scorers.values()
    scores = score_pairs(tmp_path / "plain", scorer, loaded, threshold=1.5, batch_size=4, both_orders=False)
    assert scores.predictions.guid == ["0", "1"]
    assert scores.predictions.binary_label.tolist() == [0, 1]
    assert scores.predictions.binary_score.tolist() == [1, 0]
    assert scores.swapped_score is None


def test_training_data_is_called_so(loaded, scorers, tmp_path):
    scorer, *_ = scorers.values()
    scorer.info.data["fingerprint"] = loaded.fingerprint
    scores = score_pairs(tmp_path / "plain", scorer, loaded, threshold=None, batch_size=4)
    assert scores.notes == (
        "These are the pairs that the model was trained on; the result says little about other pairs.",
    )


def test_a_file_whose_classes_contradict_its_scores_is_noted(predictions_file):
    path = predictions_file("p.csv", 0, 1, 2, 3, 4, 5)
    assert read_scores(path, threshold=None).notes == ()
    (note,) = read_scores(path, threshold=4.5).notes
    assert note.startswith("In 2 rows, the predicted class is not what the score and the threshold 4.5 say")


def test_the_report_folder(tmp_path, evaluation, loaded):
    write_report(tmp_path / "out", evaluation)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "metrics.json",
        "plots",
        "predictions.csv",
        "report.md",
    ]
    assert not list(tmp_path.glob(".out*"))
    stored = json.loads((tmp_path / "out" / "metrics.json").read_text(encoding="utf-8"))
    model = str(tmp_path / "plain")
    assert stored["scored_by"] == {"model": model, "mode": "cross", "base_model": "base of plain", "max_length": 16}
    assert stored["data"] == {"description": loaded.description, "rows": 6, "fingerprint": loaded.fingerprint}
    assert (stored["threshold"], stored["bootstrap"], stored["seed"], stored["truncated"]) == (3.0, 50, 1, 1)
    assert stored["metrics"] == json.loads(json.dumps(evaluation.metrics.to_dict()))
    report = (tmp_path / "out" / "report.md").read_text(encoding="utf-8")
    for name in ("scatter", "errors", "errors_by_label", "residuals"):
        assert f"(plots/{name}.png)" in report
        assert (tmp_path / "out" / "plots" / f"{name}.png").read_bytes().startswith(b"\x89PNG")
    assert loaded.fingerprint in report
    assert "1 of 6 pairs" in report


def test_the_largest_errors_come_first_and_hold_their_sentences(tmp_path, evaluation):
    write_report(tmp_path / "out", evaluation)
    worst = (tmp_path / "out" / "report.md").read_text(encoding="utf-8").split("## The 6 largest errors")[1]
    rows = worst.strip().splitlines()
    assert rows[0] == "| guid | true | predicted | error | sentence 1 | sentence 2 |"
    assert rows[2] == r"| p5 | 5.00 | 3.10 | -1.90 | 파이프 \| 와 \*별\* | 파이프 \| 와 별 |"
    assert rows[3].startswith("| p2 | 2.50 | 2.00 | -0.50 | 오늘 날씨 좋다 |")


def test_a_report_replaces_the_one_before(tmp_path, evaluation):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "old.txt").write_text("old")
    write_report(tmp_path / "out", evaluation)
    assert not (tmp_path / "out" / "old.txt").exists()


def test_a_failure_leaves_what_was_there(tmp_path, evaluation, monkeypatch):
    def fail(*_):
        raise OSError("disk full")

    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "old.txt").write_text("old")
    monkeypatch.setattr("sts.plots.residuals", fail)
    with pytest.raises(OSError, match="disk full"):
        write_report(tmp_path / "out", evaluation)
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["old.txt"]
    assert not list(tmp_path.glob(".out*"))


def test_metrics_table_says_what_is_undefined():
    rows = metrics_table(measure([1, 2], [2, 2], threshold=3.0, bootstrap=0)).rows
    assert rows[0] == ["Pearson", "undefined", "all scores are the same"]
    assert rows[-1] == ["MAE", "0.5000", ""]


def test_source_table_says_where_rows_are_too_few():
    label = np.array([0.0, 5.0] * 6)
    result = measure_by_source(["a"] * 10 + ["b"] * 2, label, label, threshold=3.0, bootstrap=0)
    assert source_table(result).rows == [
        ["a", "10", "1.0000", "1.0000", "1.0000", "0.0000"],
        ["b", "2", "too few rows", "", "", ""],
    ]
    assert "fewer than 10 rows" in source_note(result)
    assert source_note({"a": result["a"]}) == ""
