"""The behaviour suite: its files, its counts and its command."""

import json
from collections import Counter

import numpy as np
import pytest

from sts.cli import run
from sts.errors import DataError
from sts.evaluate.behaviour import HELD_OUT, OPEN, Behaviour, Expectation, Suite, differences, pass_rate, read_suite
from sts.evaluate.command import evaluate
from sts.models.scorer import Scored

HEADER = "phenomenon\tsentence1\tsentence2\tmin\tmax\n"


def behaviour(scores, *ranges, phenomena="antonym"):
    names = [phenomena] * len(ranges) if isinstance(phenomena, str) else phenomena
    found = [Expectation(name, "켜 줘", "꺼 줘", low, high) for name, (low, high) in zip(names, ranges, strict=True)]
    return Behaviour("a", Suite("mine", found, ""), np.array(scores))


@pytest.fixture
def suite_file(tmp_path):
    path = tmp_path / "mine.tsv"
    rows = ["antonym\t불 켜\t불 꺼\t0\t2.5", "style\t불 꺼 줘\t불 꺼 줘 요\t2.5\t5", "style\t가 나 다\t라 마\t4\t5"]
    path.write_text(HEADER + "\n".join(rows) + "\n", encoding="utf-8")
    return path


def test_the_halves_have_twenty_pairs_of_each_phenomenon_and_share_no_sentence():
    halves = [read_suite(name).expectations for name in (OPEN, HELD_OUT)]
    for half in halves:
        counts = Counter(each.phenomenon for each in half)
        assert len(counts) == 15
        assert set(counts.values()) == {20}
    sentences = [sentence for half in halves for each in half for sentence in (each.sentence1, each.sentence2)]
    assert len(set(sentences)) == len(sentences) == 1200


def test_both_ends_of_a_range_are_right():
    found = behaviour([0, 2.5, 2.5001, 3.8, 3.79994, 5], (0, 2.5), (0, 2.5), (0, 2.5), (3.8, 5), (3.8, 5), (3.8, 5))
    # 3.79994 is shown as 3.7999
    assert found.right.tolist() == [True, True, False, True, False, True]


def test_the_failure_farthest_from_its_range_comes_first():
    found = behaviour([3, 1, 5], (0, 2.5), (4, 5), (4, 5))
    assert [score for _, score in found.failures()] == [1, 3]


def test_a_pass_rate_by_hand():
    # Wilson's interval of 8 of 10
    rate = pass_rate(np.array([True] * 8 + [False] * 2))
    assert (rate.pairs, rate.right, rate.share) == (10, 8, 0.8)
    assert (rate.low, rate.high) == pytest.approx((0.4902, 0.9433), abs=1e-4)


def test_the_chance_of_a_difference_by_hand():
    ranges, names = [(0, 2)] * 6, ["role"] * 6
    a, b = behaviour([1] * 6, *ranges, phenomena=names), behaviour([3] * 6, *ranges, phenomena=names)
    # six pairs that A alone gets right: 2 * 0.5 ** 6
    assert differences(a, b) == ({"role": pytest.approx(0.03125)}, pytest.approx(0.03125))
    assert differences(a, a) == ({"role": 1}, 1)


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ("antonym\t불 켜\t불 꺼\t3\t2", "fields 'min' and 'max' are '3' and '2'"),
        ("antonym\t불 켜\t불 꺼\t0\t5.1", "numbers from 0 to 5"),
        ("antonym\t불 켜\t불 꺼\tnan\t5", "numbers from 0 to 5"),
        ("antonym\t\t불 꺼\t0\t2", "field 'sentence1' is empty"),
        ("\t불 켜\t불 꺼\t0\t2", "field 'phenomenon' is empty"),
    ],
)
def test_a_row_that_can_not_be_used_stops_it(tmp_path, row, problem):
    path = tmp_path / "bad.tsv"
    path.write_text(HEADER + "a\t나\t다\t0\t1\n" + row + "\n", encoding="utf-8")
    with pytest.raises(DataError, match=problem) as error:
        read_suite(str(path))
    assert "line 3" in str(error.value)


def test_an_empty_suite_is_refused(tmp_path):
    path = tmp_path / "none.tsv"
    path.write_text(HEADER, encoding="utf-8")
    with pytest.raises(DataError, match="holds no pairs"):
        read_suite(str(path))


def test_the_command_counts_and_writes(scorers, suite_file, tmp_path, capsys):
    model, *_ = scorers
    words = ["--behaviour", "--model", str(model), "--data", str(suite_file), "--output", str(tmp_path / "out")]
    assert run(evaluate, "evaluate", words) == 0
    out = capsys.readouterr().out
    assert out.startswith(f"counting right scores of {model} on {suite_file}: 3 pairs\n")
    rows = {words[0]: words[1:3] for words in map(str.split, out.splitlines()) if len(words) > 2}
    # 1 shared word of "불 켜" and "불 꺼"; 3 and a tenth less of the second; none of the third
    assert (rows["antonym"], rows["style"], rows["all"]) == (["1", "100%"], ["2", "50%"], ["3", "67%"])
    found = json.loads((tmp_path / "out" / "metrics.json").read_text(encoding="utf-8"))
    assert found["total"]["right"] == 2
    assert [each["sentence1"] for each in found["failures"]] == ["가 나 다"]
    assert (tmp_path / "out" / "plots" / "behaviour.png").stat().st_size > 10_000
    assert "가 나 다" in (tmp_path / "out" / "report.md").read_text(encoding="utf-8")
    assert (tmp_path / "out" / "scores.csv").read_text(encoding="utf-8-sig").count("\n") == 4


def test_two_scorers_are_compared(scorers, suite_file, tmp_path, capsys):
    words = ["--behaviour", "--compare", *map(str, scorers), "--data", str(suite_file), "--json"]
    assert run(evaluate, "evaluate", [*words, "--output", str(tmp_path / "out")]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["a"]["total"]["right"], found["b"]["total"]["right"]) == (2, 2)
    assert found["p_of_all"] == 1
    assert found["p"] == {"antonym": 1, "style": 1}
    assert {path.name for path in (tmp_path / "out").glob("*.csv")} == {"scores_a.csv", "scores_b.csv"}


def test_a_score_that_is_no_number_is_no_wrong_answer_but_a_damaged_model(scorers, suite_file, monkeypatch, capsys):
    model, scorer = next(iter(scorers.items()))
    none = np.zeros(3, bool)
    monkeypatch.setattr(scorer, "score", lambda *_, **__: Scored(np.array([1, np.nan, 2]), none, none, none, none))
    assert run(evaluate, "evaluate", ["--behaviour", "--model", str(model), "--data", str(suite_file)]) == 2
    assert "the model is damaged" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--threshold", "2"], "--threshold: not with --behaviour"),
        (["--bootstrap", "10"], "--bootstrap: not with --behaviour"),
        (["--label-scale", "1-5"], "--label-scale"),
        (["--encoding", "cp949"], "--encoding"),
        (["--data", "a.tsv", "b.tsv"], "takes one suite"),
    ],
)
def test_options_that_say_nothing_of_a_suite_are_refused(scorers, words, message, capsys):
    model, *_ = scorers
    assert run(evaluate, "evaluate", ["--behaviour", "--model", str(model), *words]) == 2
    assert message in capsys.readouterr().err


def test_a_file_of_predictions_has_no_behaviour(tmp_path, capsys):
    path = tmp_path / "scores.csv"
    path.write_text("label,score\n1,1\n", encoding="utf-8")
    assert run(evaluate, "evaluate", ["--behaviour", "--predictions", str(path)]) == 2
    assert "measures scorer folders" in capsys.readouterr().err
