"""A bi-encoder's training: what it does otherwise than a cross-encoder's, which `test_command.py` covers."""

import contextlib
import json
import re
import signal
import sqlite3

import numpy as np
import pytest

from sts.cli import run
from sts.evaluate.command import evaluate
from sts.models import BiScorer, load_scorer
from sts.train.command import train
from sts.train.settings import TrainSettings

SMALL = "--epochs 2 --batch-size 16 --max-length 48 --validation-fraction 0.2 --precision fp32 --data sample".split()


def run_train(*words):
    return run(train, "train", [*map(str, words), *SMALL])


@pytest.fixture(scope="module")
def cross(tiny_encoder, tmp_path_factory):
    output = tmp_path_factory.mktemp("cross") / "scorer"
    assert run_train("--base-model", tiny_encoder, "--output", output, "--learning-rate", "1e-3") == 0
    return output


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    """A folder for the teacher's scores."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def taught(tiny_encoder, cross, cache, tmp_path_factory):
    """A bi-encoder with Matryoshka dimensions, taught by the cross-encoder."""
    output = tmp_path_factory.mktemp("bi") / "scorer"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STS_CACHE", str(cache))
        words = ["--mode", "bi", "--base-model", tiny_encoder, "--output", output, "--matryoshka-dims", "16", "8"]
        assert run_train(*words, "--teacher", cross, "--silver-pairs", "300") == 0
    return output


def learn_to_count(tmp_path, tiny_encoder, loss, pooling):
    """Train on pairs whose label is how many of the first sentence's 가 and 나 the second one has too."""
    generator = np.random.default_rng(0)
    rows = ["sentence1,sentence2,label"]
    for number in range(500):
        label = int(generator.integers(0, 6))
        other = [chr(0xAC00 + 4 * int(code)) for code in generator.integers(100, 2000, 10)]
        first, second = ["가"] * 5, ["가"] * label + ["나"] * (5 - label)
        rows.append(f"{''.join(first)}{other[number % 10]},{''.join(second)}{other[(number + 1) % 10]},{label}")
    data, output = tmp_path / "data.csv", tmp_path / "scorer"
    data.write_text("\n".join(rows) + "\n", encoding="utf-8")
    words = ["--mode", "bi", "--base-model", str(tiny_encoder), "--data", str(data), "--output", str(output)]
    words += ["--loss", loss, "--pooling", pooling, "--learning-rate", "1e-3", "--zero-label-fraction", "1"]
    words += ["--epochs", "3", "--batch-size", "16", "--max-length", "48", "--validation-fraction", "0.1"]
    assert run(train, "train", [*words, "--precision", "fp32"]) == 0
    return output


@pytest.mark.parametrize(("loss", "pooling"), [("cosent", "mean"), ("angle", "cls"), ("mse", "mean")])
def test_each_loss_learns_what_can_be_learnt(tmp_path, tiny_encoder, loss, pooling):
    output = learn_to_count(tmp_path, tiny_encoder, loss, pooling)
    info = json.loads((output / "sts.json").read_text())
    assert (info["mode"], info["pooling"], info["settings"]["loss"]) == ("bi", pooling, loss)
    metrics = info["metrics"]["hard"]
    assert metrics["pearson"]["value"] > 0.8
    assert metrics["mae"]["value"] < 0.8, "the calibrated score lies near the label"
    assert metrics["order_gap"]["value"] == 0


def test_the_folder_is_a_scorer_like_any_other(taught, capsys):
    scorer = load_scorer(taught, precision="fp32")
    assert isinstance(scorer, BiScorer)
    assert list(scorer.info.calibration) == ["32", "16", "8"]
    kept = json.loads((taught / "sts.json").read_text())["metrics"]["hard"]["pearson"]["value"]
    words = ["--model", str(taught), "--data", str(taught / "validation" / "hard.csv"), "--precision", "fp32", "--json"]
    assert run(evaluate, "evaluate", [*words, "--bootstrap", "0"]) == 0
    assert json.loads(capsys.readouterr().out)["metrics"]["pearson"]["value"] == pytest.approx(kept, abs=1e-4)


def test_the_report_tells_silver_pairs_and_cut_vectors(taught, cross):
    report = (taught / "report.md").read_text(encoding="utf-8")
    assert "300 pairs of training sentences, labelled by the teacher" in report
    assert "Trained on 514 pairs" in report
    assert (taught / "plots" / "silver.png").is_file()
    assert "| 8 dimensions |" in report
    assert "| pooling | mean | default |" in report
    assert "| head |" not in report
    assert f"- Teacher: {cross}\n- Nearest sentences found by: the vectors of this model" in report
    silver = json.loads((taught / "sts.json").read_text())["data"]["silver"]
    assert (silver["teachers"], silver["silver_encoder"], silver["silver_pairs"]) == ([str(cross)], None, 300)


def test_silver_pairs_have_the_teachers_scores_and_no_held_out_sentence(taught, cross, cache):
    import pandas

    with sqlite3.connect(cache / "teacher-scores.sqlite3") as connection:
        rows = connection.execute("SELECT sentence1, sentence2, score FROM score").fetchall()
    connection.close()
    assert len(rows) == 300
    teacher = load_scorer(cross)
    scores = teacher.score([a for a, _, _ in rows], [b for _, b, _ in rows]).scores
    np.testing.assert_allclose(scores, [score for _, _, score in rows], atol=0.05)
    held = set()
    for name in ("hard", "random"):
        frame = pandas.read_csv(taught / "validation" / f"{name}.csv")
        held |= {*frame["sentence1"], *frame["sentence2"]}
    assert not held & {sentence for a, b, _ in rows for sentence in (a, b)}


def test_an_interrupted_training_ends_where_a_whole_one_ends(taught, cross, cache, tiny_encoder, tmp_path, monkeypatch):
    import os

    from sts.train.callbacks import GracefulStop

    before = GracefulStop.on_step_end

    def interrupt(self, args, state, control, **more):
        if state.global_step == 30:
            os.kill(os.getpid(), signal.SIGINT)
        before(self, args, state, control, **more)

    monkeypatch.setenv("STS_CACHE", str(cache))
    output = tmp_path / "scorer"
    words = ["--mode", "bi", "--base-model", tiny_encoder, "--output", output, "--matryoshka-dims", "16", "8"]
    words += ["--teacher", cross, "--silver-pairs", "300"]
    with monkeypatch.context() as patch:
        patch.setattr(GracefulStop, "on_step_end", interrupt)
        assert run_train(*words) == 130
    assert run_train(*words, "--resume") == 0
    first, second = (["네, 좋아요.", "불을 꺼 줘."], ["그래요.", "조명을 켜 줘."])
    scores = [load_scorer(folder, precision="fp32").score(first, second).scores for folder in (taught, output)]
    np.testing.assert_allclose(scores[0], scores[1], atol=1e-4)


def test_both_modes_are_compared_in_one_table(taught, cross, capsys):
    words = ["--compare", cross, taught, "--data", "sample-test", "--bootstrap", "20", "--orders", "one"]
    assert run(evaluate, "evaluate", list(map(str, words))) == 0
    table = capsys.readouterr().out
    for title in ("Pearson", "Order gap", "Pairs/s", "MB on disk"):
        assert title in table
    assert run(evaluate, "evaluate", [*map(str, words), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["b"]["cost"]["pairs_per_second"] > 0
    weights = (taught / "model.safetensors").stat().st_size / 1e6
    assert weights < found["b"]["cost"]["megabytes"] < 3 * weights
    assert found["comparison"]["b"]["order_gap"]["value"] == 0


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--mode", "cross", "--loss", "cosent"], "--loss is cosent; --mode cross knows bce, mse"),
        (["--mode", "bi", "--loss", "bce"], "--loss is bce; --mode bi knows cosent, angle, mse"),
        (["--mode", "bi", "--head", "bilstm"], "--head goes with --mode cross; this is --mode bi"),
        (["--mode", "bi", "--orders", "one"], "--orders goes with --mode cross"),
        (["--mode", "cross", "--pooling", "cls"], "--pooling goes with --mode bi"),
        (["--mode", "cross", "--matryoshka-dims", "8"], "--matryoshka-dims goes with --mode bi"),
        (["--mode", "bi", "--matryoshka-dims", "64"], "--matryoshka-dims has 64; this encoder's vectors have 32"),
        (["--mode", "bi", "--matryoshka-dims", "0"], r"--matryoshka-dims is \[0\], allowed is 1 or more each"),
        (["--mode", "bi", "--silver-pairs", "5"], "options of silver pairs go with --teacher"),
        (["--mode", "bi", "--silver-encoder", "TAUGHT"], "options of silver pairs go with --teacher"),
        (["--mode", "cross", "--teacher", "CROSS"], "--silver-nearest is 3, and a cross-encoder makes no vectors"),
        (["--mode", "bi", "--teacher", "nowhere"], "nowhere: no such scorer folder"),
    ],
)
def test_options_that_do_not_go_together(words, message, tiny_encoder, cross, taught, tmp_path, capsys):
    places = {"CROSS": str(cross), "TAUGHT": str(taught)}
    words = [places.get(word, word) for word in words]
    with contextlib.suppress(SystemExit):  # of the parser, about a value of the settings
        assert run_train("--base-model", tiny_encoder, "--output", tmp_path / "a", *words) == 2
    said = capsys.readouterr().err
    assert re.search(message, said)
    assert not (tmp_path / "a.partial").exists()


def test_auto_is_each_modes_first_loss():
    assert TrainSettings().for_mode("cross").loss == "bce"
    assert TrainSettings().for_mode("bi").loss == "cosent"
