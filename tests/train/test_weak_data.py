"""Training on pairs of which a range of scores is known."""

import json

import numpy as np
import pytest

from sts.cli import run
from sts.models import load_scorer
from sts.train import trainer
from sts.train.command import train
from sts.train.ranges import RangeCoSENTLoss, RangeCrossEntropyLoss

LEARNT = [("사과가 아주 달다", "배가 아주 크다"), ("문이 닫혔다", "문이 열렸다")]


@pytest.fixture
def weak_file(tmp_path):
    """Pairs that must score high."""
    path = tmp_path / "weak.csv"
    rows = [f"{first},{second},4,5" for first, second in LEARNT]
    path.write_text("\n".join(["sentence1,sentence2,label_min,label_max", *rows]) + "\n", encoding="utf-8")
    return path


def words(mode, tiny_encoder, weak_file, output, *more):
    given = ["--mode", mode, "--base-model", str(tiny_encoder), "--data", "sample", "--weak-data", str(weak_file)]
    return [*given, "--max-length", "48", "--precision", "fp32", "--output", str(output), *more]


@pytest.mark.parametrize("mode", ["cross", "bi"])
def test_a_training_takes_them_in_and_says_so(mode, tiny_encoder, weak_file, tmp_path, monkeypatch, capsys):
    output, losses, make = tmp_path / "scorer", [], trainer._loss
    monkeypatch.setattr(trainer, "_loss", lambda *given, **more: losses.append(make(*given, **more)) or losses[-1])
    assert run(train, "train", words(mode, tiny_encoder, weak_file, output, "--max-steps", "3")) == 0
    assert "weak data: 2 pairs, 0 left out for held-out sentences" in capsys.readouterr().out
    assert isinstance(losses[0], RangeCrossEntropyLoss if mode == "cross" else RangeCoSENTLoss)
    info = json.loads((output / "sts.json").read_text(encoding="utf-8"))
    assert info["data"]["weak"]["pairs"] == 2
    assert "Weak data, in every epoch" in (output / "report.md").read_text(encoding="utf-8")
    scores = load_scorer(output).score(*map(list, zip(*LEARNT, strict=True))).scores
    assert np.isfinite(scores).all()


def test_a_loss_without_ranges_is_refused(tiny_encoder, weak_file, tmp_path, capsys):
    assert run(train, "train", words("cross", tiny_encoder, weak_file, tmp_path / "out", "--loss", "mse")) == 2
    assert "--weak-data goes with --loss bce or cosent, not with mse" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ("가,나,4,3", "label_min not above label_max"),
        ("가,나,x,3", "must be numbers"),
        (",나,1,3", "'sentence1' is empty"),
    ],
)
def test_a_row_that_can_not_be_used_stops_it(tiny_encoder, weak_file, tmp_path, capsys, row, problem):
    with weak_file.open("a", encoding="utf-8") as stream:
        stream.write(row + "\n")
    assert run(train, "train", words("cross", tiny_encoder, weak_file, tmp_path / "out")) == 2
    message = capsys.readouterr().err
    assert problem in message
    assert "line 4" in message
