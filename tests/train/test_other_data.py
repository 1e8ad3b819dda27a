"""Trainings on other people's pairs: units, few pairs, pairs that hang together; nothing is trained here."""

import pytest

from sts.cli import run
from sts.errors import DataError
from sts.pairs import load_pairs
from sts.pairs.split import inverted_labels
from sts.train.command import train
from sts.train.data import describe, hold_out
from sts.train.settings import TrainSettings


class Stopped(Exception):
    """The training would have begun."""


def write(path, rows):
    lines = [f"{one},{two},{label}" for one, two, label in rows]
    path.write_text("\n".join(["sentence1,sentence2,label", *lines]) + "\n", encoding="utf-8")
    return str(path)


def loaded(path, rows):
    return load_pairs([write(path, rows)], announce=lambda line: None).pairs


@pytest.fixture
def call(tiny_encoder, tmp_path, monkeypatch):
    """Runs the command up to where the training would begin; the recipe, or the exit code."""
    recipes = []

    def stop(recipe, **_):
        recipes.append(recipe)
        raise Stopped

    def command(*words):
        monkeypatch.setattr("sts.train.run.train_scorer", stop)
        words = ["--base-model", str(tiny_encoder), "--output", str(tmp_path / "out"), *words]
        try:
            return run(train, "sts train", words)
        except Stopped:
            return recipes[-1]

    return command


def test_min_max_has_the_same_ends_for_training_and_validation(call, tmp_path):
    data = write(tmp_path / "a.csv", [(f"가 {n}", f"나 {n}", 10 * (n % 6)) for n in range(12)])
    own = write(tmp_path / "v.csv", [("다", "라", 0), ("마", "바", 50), ("사", "아", 100)])
    recipe = call("--data", data, "--validation-data", own, "--label-scale", "min-max")
    assert recipe.validation.pairs["label"][:] == [0.0, 2.5, 5.0]
    assert max(recipe.data.pairs["label"]) == 2.5  # 50 of 100


def test_labels_of_another_unit_in_intermediate_data_are_told_what_helps_there(call, tmp_path, capsys):
    data = write(tmp_path / "a.csv", [(f"가 {n}", f"나 {n}", n % 6) for n in range(12)])
    more = write(tmp_path / "i.csv", [(f"다 {n}", f"라 {n}", n % 2) for n in range(60)])
    assert call("--data", data, "--intermediate-data", more) == 2
    error = capsys.readouterr().err
    assert "i.csv: the labels (0, 1) look like binary" in error
    assert "pairs convert" in error  # --label-scale is about the other files


@pytest.mark.parametrize(
    ("count", "label", "message"),
    [
        (30, lambda n: n % 6, "needs 50 validation pairs, some similar and some not; there are 12, "),
        (1200, lambda n: 5, "some similar and some not; there are 120, 120 of them similar"),
    ],
)
def test_what_fixes_no_threshold_is_told_before_the_training(
    tiny_encoder, tmp_path, monkeypatch, capsys, count, label, message
):
    def stop(*_, **__):
        raise Stopped

    monkeypatch.setattr("sts.train.run.planned_trainer", stop)
    data = write(tmp_path / "a.csv", [(f"가 {n}", f"나 {n}", label(n)) for n in range(count)])
    words = ["--base-model", str(tiny_encoder), "--max-length", "64", "--output", str(tmp_path / "out")]
    assert run(train, "sts train", [*words, "--data", data, "--fit-threshold"]) == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("hubs", [1, 2])
def test_pairs_that_all_share_a_sentence_are_told_as_that(call, tmp_path, hubs):
    pairs = loaded(tmp_path / "a.csv", [(f"허브 {n % hubs}", f"잎 {n}", n % 6) for n in range(240)])
    with pytest.raises(DataError) as raised:
        hold_out(pairs, TrainSettings())
    assert "240 pairs" in str(raised.value)
    assert "share" in str(raised.value)
    assert "--validation-data" in str(raised.value)


SHAPES = {
    "12 hubs": [(f"허브 {n % 12}", f"잎 {n}", n * 7 % 6) for n in range(240)],
    "a chain": [(f"고리 {n}", f"고리 {n + 1}", n * 7 % 6) for n in range(240)],
    "clusters": [
        (f"말 {c * 5 + a}", f"말 {c * 5 + b}", (c + a * b) % 6) for c in range(24) for a in range(5) for b in range(a)
    ],
    "one pair with many labels": [(f"가 {n // 6}", f"나 {n // 6}", n % 6) for n in range(240)],
    "apart": [(f"가 {n}", f"나 {n}", n * 7 % 6) for n in range(240)],
    "itself": [(f"가 {n}", f"가 {n}", 5) for n in range(240)],
}


@pytest.mark.parametrize("rows", SHAPES.values(), ids=SHAPES)
def test_groups_are_held_out_whole_and_little_is_lost(tmp_path, rows):
    pairs = loaded(tmp_path / "a.csv", rows)
    held = hold_out(pairs, TrainSettings())
    parts = [held.train, *held.validation.values()]
    sentences = [{text for name in ("sentence1", "sentence2") for text in part[name]} for part in parts]
    assert not any(sentences[a] & sentences[b] for a in range(3) for b in range(a))
    assert sum(map(len, parts)) + held.dropped == len(pairs)
    assert held.dropped <= len(pairs) / 10
    assert len(held.train) >= len(pairs) / 2
    assert all(len(part) >= 10 for part in parts)


@pytest.mark.parametrize("count", [10, 12, 20, 30])
def test_few_pairs_are_split_too_and_choose_no_checkpoint(tmp_path, count):
    held = hold_out(loaded(tmp_path / "a.csv", [(f"가 {n}", f"나 {n}", n % 6) for n in range(count)]), TrainSettings())
    assert not held.chooses
    assert len(held.train) >= count / 2
    told = describe(held)
    assert f"{len(held.first)} hard pairs" in told[0]
    assert "too few to choose a checkpoint by (50 are needed), so the last one is kept" in told[1]


@pytest.mark.parametrize("overlap", [0, 1])
def test_where_the_overlap_does_not_vary_nothing_is_said_of_its_correlation(tmp_path, overlap):
    texts = [f"{chr(0xAC00 + n)}{chr(0xAD00 + n)}" for n in range(60)]
    pairs = loaded(tmp_path / "a.csv", [(text, text if overlap else text[::-1], n % 6) for n, text in enumerate(texts)])
    assert inverted_labels(pairs) is None
    assert "overlap-label r nan" not in describe(hold_out(pairs, TrainSettings()))[0]
