"""Several teachers, cross- and bi-encoders, and students of either mode."""

import json
import re
import sqlite3
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from datasets import Dataset

from sts.augment.silver import SilverSettings
from sts.cli import run
from sts.errors import UsageError
from sts.models import BiScorer, CrossScorer, ScorerInfo, load_scorer
from sts.models.info import read_info, write_info
from sts.models.network import new_bi_network, new_cross_network
from sts.models.torch_runtime import TorchRuntime
from sts.pairs import load_pairs
from sts.train.command import train
from sts.train.distillation import Distillation, find_distillation, silver_pairs, warnings_of_other_splits
from sts.train.record import check_resume
from sts.train.settings import TrainSettings

SMALL = "--epochs 1 --max-steps 8 --batch-size 16 --max-length 48 --validation-fraction 0.1 --precision fp32".split()
SENTENCES = ["숙소는 역에서 가까워요.", "역에서 가까운 숙소예요.", "불 꺼 줘.", "조명을 꺼 줄래?", "네", "아니요"]
CURVE = {"32": {"rise": 2.0, "fall": 0.5, "shift": 0.5}}


@pytest.fixture(scope="module")
def cross(tiny_encoder, tmp_path_factory):
    """The folder of a cross-encoder that scores in both orders, which nobody trained."""
    folder = tmp_path_factory.mktemp("cross")
    torch.manual_seed(1)
    info = ScorerInfo("cross", "tiny", "a test", "linear", 48, orders="both")
    CrossScorer(TorchRuntime(new_cross_network(tiny_encoder, head="linear", max_length=48), "fp32"), info).save(folder)
    return folder


@pytest.fixture(scope="module")
def bi(tiny_encoder, tmp_path_factory):
    """The folder of a bi-encoder, which nobody trained."""
    folder = tmp_path_factory.mktemp("bi")
    info = ScorerInfo("bi", "tiny", "a test", None, 48, orders=None, pooling="mean", calibration=CURVE)
    network = new_bi_network(tiny_encoder, pooling="mean", prompt="", max_length=48)
    BiScorer(TorchRuntime(network, "fp32"), info).save(folder)
    return folder


@pytest.fixture(autouse=True)
def _own_cache(monkeypatch, tmp_path):
    monkeypatch.setenv("STS_CACHE", str(tmp_path / "cache"))


def scored_by(tmp_path):
    with sqlite3.connect(tmp_path / "cache" / "teacher-scores.sqlite3") as connection:
        found = {name for (name,) in connection.execute("SELECT DISTINCT teacher FROM score")}
    connection.close()
    return found


def label(student, distillation, tmp_path):
    """Silver pairs for a student that has no network, so that nobody can use it."""
    pairs = Dataset.from_dict({"sentence1": SENTENCES[::2], "sentence2": SENTENCES[1::2], "label": [4.0, 3.0, 0.0]})
    info = ScorerInfo(student, "tiny", "a test", None, 48)
    return silver_pairs(
        None, info, [pairs, None], distillation, "fp32", seed=1, work=tmp_path / "work", say=lambda line: None
    )


@pytest.mark.parametrize(("student", "orders"), [("cross", "both"), ("bi", "sorted")])
def test_the_label_is_the_mean_of_a_cross_and_a_bi_encoder(student, orders, cross, bi, tmp_path):
    silver = label(student, Distillation((cross, bi), SilverSettings(), bi), tmp_path)
    columns = silver.pairs["sentence1"][:], silver.pairs["sentence2"][:]
    teachers = load_scorer(cross, orders=orders), load_scorer(bi)
    first, second = (teacher.score(*columns).scores for teacher in teachers)
    np.testing.assert_allclose(silver.pairs["label"], (first + second) / 2, atol=0.05)
    assert np.abs(first - second).max() > 0.2
    assert scored_by(tmp_path) == {teacher.fingerprint for teacher in teachers}


def test_the_silver_encoder_finds_the_nearest(cross, bi, tmp_path):
    settings = SilverSettings(silver_nearest=1, silver_bm25=0, silver_random=0)
    silver = label("cross", Distillation((cross,), settings, bi), tmp_path)
    vectors = load_scorer(bi, precision="fp32").encode(SENTENCES).vectors
    closeness = vectors @ vectors.T - 2 * np.eye(len(SENTENCES))
    nearest = {frozenset((a, int(row.argmax()))) for a, row in enumerate(closeness)}
    known = {frozenset((a, a + 1)) for a in (0, 2, 4)}
    found = {frozenset(map(SENTENCES.index, (row["sentence1"], row["sentence2"]))) for row in silver.pairs}
    assert found == nearest - known
    assert found


def test_a_cross_encoder_is_taught_by_several(cross, bi, tiny_encoder, tmp_path, capsys):
    import pandas

    output = tmp_path / "scorer"
    words = ["--mode", "cross", "--base-model", tiny_encoder, "--data", "sample", "--output", output, *SMALL]
    words += [
        "--teacher",
        cross,
        bi,
        "--silver-encoder",
        bi,
        "--silver-pairs",
        "60",
        "--seed",
        "1",
        "--split-seed",
        "5",
    ]
    assert run(train, "train", [*map(str, words), "--learning-rate", "1e-3"]) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[:3] == [
        f"teacher: {cross}, a cross-encoder from tiny",
        f"teacher: {bi}, a bi-encoder from tiny",
        f"nearest sentences by: {bi}",
    ]
    assert not [line for line in said if line.startswith("warning")], "they do not say how they were trained"
    assert [line for line in said if line.endswith("seed 1, split seed 5")]
    info = read_info(output)
    assert info.data["silver"]["teachers"] == [str(cross), str(bi)]
    assert info.data["silver"]["silver_encoder"] == str(bi)
    assert info.settings["split_seed"] == 5
    report = (output / "report.md").read_text(encoding="utf-8")
    assert "60 pairs of training sentences, labelled with the mean score of 2 teachers" in report
    assert f"- Teacher: {cross}\n- Teacher: {bi}\n- Nearest sentences found by: {bi}\n" in report
    assert "| split_seed | 5 | the user (default None) |" in report
    with sqlite3.connect(tmp_path / "cache" / "teacher-scores.sqlite3") as connection:
        rows = connection.execute("SELECT sentence1, sentence2 FROM score").fetchall()
    connection.close()
    assert len(rows) == 2 * 60
    held = set()
    for name in ("hard", "random"):
        frame = pandas.read_csv(output / "validation" / f"{name}.csv")
        held |= {*frame["sentence1"], *frame["sentence2"]}
    assert not held & {sentence for pair in rows for sentence in pair}


def test_a_cross_encoder_needs_no_encoder_without_the_nearest(cross, tmp_path):
    settings = SilverSettings(silver_nearest=0, silver_random=2)
    taught = find_distillation("cross", [cross], None, settings)
    assert {*label("cross", taught, tmp_path).origin} <= {"bm25", "random"}


@pytest.mark.parametrize(
    ("mode", "teachers", "encoder", "settings", "message"),
    [
        ("cross", ["CROSS"], None, {}, r"--silver-nearest is 3, .* give --silver-encoder, .* or --silver-nearest 0"),
        ("cross", ["CROSS"], "CROSS", {}, "--silver-encoder .* is a cross-encoder, which makes no vectors"),
        ("bi", ["CROSS"], "CROSS", {}, "--silver-encoder .* is a cross-encoder"),
        ("bi", ["CROSS"], "BI", {"silver_nearest": 0}, "--silver-nearest is 0; leave one of them out"),
        ("bi", ["CROSS", "BI", "CROSS/../CROSS"], None, {}, "is given twice; name each teacher once"),
        ("bi", [], None, {}, "--teacher names no folder; give one or more, or leave the option out"),
        ("bi", None, "BI", {}, "options of silver pairs go with --teacher"),
        ("bi", None, None, {"silver_pairs": 5}, "options of silver pairs go with --teacher"),
    ],
)
def test_teachers_that_can_not_teach(mode, teachers, encoder, settings, message, cross, bi):
    places = {"CROSS": cross, "BI": bi, "CROSS/../CROSS": cross / ".." / cross.name, None: None}
    folders = None if teachers is None else [places[name] for name in teachers]
    with pytest.raises(UsageError, match=message):
        find_distillation(mode, folders, places[encoder], SilverSettings(**settings))


def test_a_resumed_training_has_the_same_teachers(tmp_path):
    one = Distillation((Path("a"), Path("b")), SilverSettings(), Path("c"))
    (tmp_path / "run.json").write_text(json.dumps({"silver": one.to_dict()}), encoding="utf-8")
    check_resume(tmp_path, {"silver": one.to_dict()})
    for other in (replace(one, teachers=(Path("a"),)), replace(one, silver_encoder=None)):
        with pytest.raises(UsageError, match=r"this is another training .* silver was"):
            check_resume(tmp_path, {"silver": other.to_dict()})


def test_teachers_of_another_split_are_warned_of(tmp_path):
    data = load_pairs(["sample"], announce=lambda line: None)
    own = {"seed": 1, "split_seed": 5, "validation_fraction": 0.05}
    trained = {
        "same": (own, data.fingerprint),
        "same-by-seed": (own | {"seed": 5, "split_seed": None}, data.fingerprint),
        "older": ({"seed": 1}, data.fingerprint),
        "other-split": (own | {"split_seed": 0}, data.fingerprint),
        "other-data": (own, "0" * 64),
        "untold": ({}, None),
    }
    for name, (settings, fingerprint) in trained.items():
        (tmp_path / name).mkdir()
        known = {} if fingerprint is None else {"fingerprint": fingerprint}
        write_info(tmp_path / name, ScorerInfo("cross", "tiny", "a test", "linear", 48, settings=settings, data=known))
    taught = Distillation(tuple(tmp_path / name for name in trained), SilverSettings())
    lines = warnings_of_other_splits(taught, data, TrainSettings(seed=2, split_seed=5))
    assert [re.search(r"--teacher \S*/(\S+) has perhaps seen", line)[1] for line in lines] == [
        "older",
        "other-split",
        "other-data",
    ]
    assert "it was trained with split seed 0, here 5; give both trainings the same" in lines[1]
    assert "it was trained with other data; give" in lines[2]
