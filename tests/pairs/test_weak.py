"""Weak labels: which annotation becomes which range, and what is refused."""

import csv
import json

import numpy as np
import pytest

from sts.cli import run
from sts.errors import DataError
from sts.models.scorer import Scored
from sts.pairs.rows import BadRow
from sts.pairs.weak import RANGES, duplicate_pairs, nli_pairs, paraphrase_pairs, round_trip_pairs
from sts.pairs.weak_command import weak


def write(path, *rows):
    path.write_text("\n".join("\t".join(row) for row in rows) + "\n", encoding="utf-8")
    return path


@pytest.fixture
def nli(tmp_path):
    rows = [("불이 켜졌다.", "불이 꺼졌다.", "contradiction"), ("비가 온다.", "날씨가 궂다.", "entailment")]
    return write(tmp_path / "nli.tsv", ("premise", "hypothesis", "label"), *rows)


@pytest.fixture
def sets(tmp_path):
    rows = [(str(number), f"묶음 {number}의 문장 {place}") for number in range(4) for place in range(5)]
    return write(tmp_path / "sets.tsv", ("set_id", "sentence"), *rows)


def test_an_nli_label_is_a_range(nli):
    first, second = nli_pairs(nli)
    assert (first.sentence1, first.sentence2, first.source) == ("불이 켜졌다.", "불이 꺼졌다.", "contradiction")
    assert (first.label_min, first.label_max) == RANGES["contradiction"]
    assert (second.label_min, second.label_max) == RANGES["entailment"]


def test_another_nli_label_is_a_bad_row(tmp_path):
    path = write(tmp_path / "nli.csv", ("sentence1,sentence2,gold_label",), ("가,나,2",), ("가,나,Neutral",))
    bad, good = nli_pairs(path)
    assert isinstance(bad, BadRow)
    assert "line 2" in str(bad)
    assert "'2'; it must be entailment, neutral, contradiction" in str(bad)
    assert good.source == "neutral"


def test_a_translation_that_came_back_as_it_went_says_nothing(tmp_path):
    decomposed = "\u1107\u1161\u11bc"  # 방, in its letters
    path = write(tmp_path / "a.tsv", ("sentence", "round_trip"), ("방", decomposed), ("방이 넓다.", "방이 크다."))
    assert [(pair.sentence1, pair.sentence2) for pair in round_trip_pairs(path)] == [("방이 넓다.", "방이 크다.")]


@pytest.mark.parametrize(("name", "first", "second"), [("is_duplicate", "1", "0"), ("different", "0", "1")])
def test_a_flag_is_read_as_its_column_is_called(tmp_path, name, first, second):
    path = write(tmp_path / "q.tsv", ("question1", "question2", name), ("가", "나", first), ("다", "라", second))
    assert [pair.source for pair in duplicate_pairs(path)] == ["duplicate", "different"]


def test_a_flag_may_be_true_or_false(tmp_path):
    path = tmp_path / "q.jsonl"
    rows = [{"sentence1": "가", "sentence2": "나", "duplicate": flag} for flag in (True, False)]
    path.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    assert [pair.source for pair in duplicate_pairs(path)] == ["duplicate", "different"]


def test_a_large_set_is_drawn_from_without_making_all_its_pairs(tmp_path):
    rows = [(str(number), f"{number} {place}") for number in range(2) for place in range(20_000)]
    path = write(tmp_path / "large.tsv", ("set_id", "sentence"), *rows)
    found = list(paraphrase_pairs(path, pairs_per_set=50, near_misses=50, generator=np.random.default_rng(1)))
    assert len({(pair.sentence1, pair.sentence2) for pair in found}) == 150
    assert all(pair.sentence1 != pair.sentence2 for pair in found)


def test_every_pair_of_a_small_set_comes_once(sets):
    found = list(paraphrase_pairs(sets, pairs_per_set=99, near_misses=99, generator=np.random.default_rng(1)))
    assert len(found) == 4 * 10 + 3 * 25
    assert len({frozenset((pair.sentence1, pair.sentence2)) for pair in found}) == len(found)


def test_a_flag_that_means_the_opposite_of_its_name_is_found(tmp_path):
    same = [(f"언제 문을 여나요 {n}", f"문을 언제 여나요 {n}", "0") for n in range(60)]
    other = [(f"언제 문을 여나요 {n}", f"주차 되는 곳 {n}", "1") for n in range(60)]
    path = write(tmp_path / "q.tsv", ("sentence1", "sentence2", "is_duplicate"), *same, *other)
    with pytest.raises(DataError, match="the flag seems to mean the opposite"):
        list(duplicate_pairs(path))
    right = write(tmp_path / "r.tsv", ("sentence1", "sentence2", "different"), *same, *other)
    assert len(list(duplicate_pairs(right))) == 120


def test_pairs_of_a_set_and_near_misses_of_the_next_one(sets):
    draw = {"pairs_per_set": 3, "near_misses": 2}
    found = list(paraphrase_pairs(sets, **draw, generator=np.random.default_rng(1)))
    number = {kind: [pair for pair in found if pair.source == kind] for kind in ("paraphrase", "near_miss")}
    assert (len(number["paraphrase"]), len(number["near_miss"])) == (4 * 3, 3 * 2)
    assert all(a.sentence1[3] == a.sentence2[3] for a in number["paraphrase"])
    assert all(int(a.sentence1[3]) + 1 == int(a.sentence2[3]) for a in number["near_miss"])
    assert found == list(paraphrase_pairs(sets, **draw, generator=np.random.default_rng(1)))


def test_the_command_writes_all_of_them_once(nli, sets, tmp_path, capsys):
    output = tmp_path / "weak.jsonl"
    words = ["--nli", str(nli), str(nli), "--paraphrase-sets", str(sets), "--near-misses", "0", "--output", str(output)]
    assert run(weak, "pairs weak", words) == 0
    rows = [json.loads(line) for line in output.read_text(encoding="utf-8").splitlines()]
    assert len(rows) == 2 + 4 * 5
    assert set(rows[0]) == {"sentence1", "sentence2", "label_min", "label_max", "source"}
    assert "22 pairs (1 contradiction, 1 entailment, 20 paraphrase)" in capsys.readouterr().out


def test_a_teacher_s_score_is_brought_into_the_range(nli, tmp_path, monkeypatch, capsys):
    class Teacher:
        def score(self, first, second, progress=False):
            scores = np.array([4.0, 3.25], np.float32)
            return Scored(scores, *[np.zeros(2, bool)] * 4)

    monkeypatch.setattr("sts.models.load_scorer", lambda folder: Teacher())
    output = tmp_path / "weak.csv"
    words = ["--nli", str(nli), "--teacher", str(tmp_path), "--output", str(output)]
    assert run(weak, "pairs weak", words) == 0
    rows = list(csv.DictReader(output.read_text(encoding="utf-8-sig").splitlines()))
    assert [float(row["label"]) for row in rows] == [RANGES["contradiction"][1], 3.25]
    assert "1 of 2 of its scores lay outside" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "nothing to read"),
        (["--nli", "a.tsv", "--pairs-per-set", "-1"], "numbers from 0 on"),
        (["--nli", "a.tsv", "--seed", "-1"], "numbers from 0 on"),
        (["--nli", "out.tsv"], "is an input file"),
        (["--nli", "missing.tsv"], "no such file"),
    ],
)
def test_what_can_not_be_done_is_said(tmp_path, monkeypatch, capsys, words, message):
    monkeypatch.chdir(tmp_path)
    assert run(weak, "pairs weak", [*words, "--output", "out.tsv"]) == 2
    assert message in capsys.readouterr().err
