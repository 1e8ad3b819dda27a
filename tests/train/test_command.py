import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from sts.cli import run
from sts.evaluate.command import evaluate
from sts.models import load_scorer
from sts.train.command import train

SMALL = [
    "--epochs",
    "2",
    "--batch-size",
    "16",
    "--max-length",
    "48",
    "--validation-fraction",
    "0.2",
    "--precision",
    "fp32",
]


@pytest.fixture(scope="session")
def trained(tiny_encoder, tmp_path_factory):
    """A scorer folder trained on the bundled sample from a tiny, randomly initialised encoder."""
    output = tmp_path_factory.mktemp("train") / "scorer"
    words = ["--base-model", str(tiny_encoder), "--data", "sample", "--output", str(output), *SMALL]
    assert run(train, "train", [*words, "--learning-rate", "1e-3"]) == 0
    return output


def test_the_scorer_folder_holds_all_it_should(trained, tiny_encoder):
    names = {path.relative_to(trained).as_posix() for path in trained.rglob("*") if path.is_file()}
    wanted = {"sts.json", "model.safetensors", "tokenizer.json", "report.md", "metrics.jsonl"}
    wanted |= {f"validation/{name}.csv" for name in ("hard", "random", "hard-predictions", "random-predictions")}
    wanted |= {f"plots/{name}.png" for name in ("loss", "validation", "hard", "random")}
    assert wanted <= names
    assert not [name for name in names if name.endswith((".bin", ".pt", ".pth", ".pkl"))]
    info = json.loads((trained / "sts.json").read_text(encoding="utf-8"))
    assert info["mode"] == "cross"
    assert info["threshold"] == 3.0
    assert info["base_model"] == str(tiny_encoder)
    assert info["settings"]["seed"] == 42
    assert len(info["data"]["fingerprint"]) == 64
    assert info["metrics"]["hard"]["pearson"]["low"] < info["metrics"]["hard"]["pearson"]["high"]
    assert info["versions"]["torch"].startswith("2.")
    assert not trained.with_name("scorer.partial").exists()


def test_the_validation_files_measure_as_the_training_did(trained, capsys):
    kept = json.loads((trained / "sts.json").read_text())["metrics"]["hard"]["pearson"]["value"]
    for words in (
        ["--predictions", str(trained / "validation" / "hard-predictions.csv")],
        ["--model", str(trained), "--data", str(trained / "validation" / "hard.csv"), "--precision", "fp32"],
    ):
        assert run(evaluate, "evaluate", [*words, "--json", "--bootstrap", "0"]) == 0
        measured = json.loads(capsys.readouterr().out)["metrics"]["pearson"]["value"]
        assert measured == pytest.approx(kept, abs=1e-4)


def test_metrics_are_recorded_for_each_validation(trained):
    entries = [json.loads(line) for line in (trained / "metrics.jsonl").read_text().splitlines()]
    checks = [entry for entry in entries if "eval_pearson" in entry]
    assert len(checks) == 4
    assert checks[-1]["epoch"] == 2.0
    assert all(-1 <= entry["eval_pearson"] <= 1 for entry in checks)
    assert sum("loss" in entry for entry in entries) == 28


def test_it_learns_what_can_be_learnt(tmp_path, tiny_encoder):
    """The label is how many of a pair's syllables are 가, which even a tiny encoder can count."""
    generator = np.random.default_rng(0)
    rows = ["sentence1,sentence2,label"]
    for _ in range(600):
        count = int(generator.integers(0, 6))
        syllables = ["가"] * (2 * count) + [
            chr(0xAC00 + 4 * int(code)) for code in generator.integers(20, 2000, 10 - 2 * count)
        ]
        generator.shuffle(syllables)
        rows.append(f"{''.join(syllables[:5])},{''.join(syllables[5:])},{count}")
    data, output = tmp_path / "data.csv", tmp_path / "scorer"
    data.write_text("\n".join(rows) + "\n", encoding="utf-8")
    words = ["--base-model", str(tiny_encoder), "--data", str(data), "--output", str(output), *SMALL]
    words += ["--zero-label-fraction", "1", "--validation-fraction", "0.1"]
    assert run_train(*words, "--learning-rate", "1e-3", "--epochs", "8") == 0
    metrics = json.loads((output / "sts.json").read_text())["metrics"]
    assert metrics["hard"]["pearson"]["value"] > 0.75
    assert metrics["random"]["pearson"]["value"] > 0.6


def test_the_kept_checkpoint_is_the_best_one(trained):
    entries = [json.loads(line) for line in (trained / "metrics.jsonl").read_text().splitlines()]
    best = max(entry["eval_pearson"] for entry in entries if "eval_pearson" in entry)
    kept = json.loads((trained / "sts.json").read_text())["metrics"]["hard"]["pearson"]["value"]
    assert kept == pytest.approx(best, abs=1e-4)


def test_the_report_tells_base_data_settings_and_result(trained):
    report = (trained / "report.md").read_text(encoding="utf-8")
    for words in (
        "Training report: cross-encoder",
        "Data: sample:",
        "| learning_rate | 0.001 | the user (default",
        "| order gap |",
    ):
        assert words in report


LONG = ["--epochs", "6", "--evaluations-per-epoch", "4", "--learning-rate", "1e-3", "--patience", "99"]


def train_in_a_process(tiny_encoder, output, *extra):
    base = ["-m", "sts.train", "--base-model", str(tiny_encoder), "--data", "sample", "--output", str(output)]
    return subprocess.Popen(
        [sys.executable, *base, *SMALL, *LONG, *extra],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )


@pytest.fixture(scope="module")
def whole(tiny_encoder, tmp_path_factory):
    """The scorer of a long training that nobody interrupted."""
    output = tmp_path_factory.mktemp("whole") / "scorer"
    process = train_in_a_process(tiny_encoder, output)
    said, _ = process.communicate(timeout=180)
    assert process.returncode == 0, said
    return output


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_training_ends_where_a_whole_one_ends(tmp_path, tiny_encoder, whole, number):
    broken = tmp_path / "broken"
    process = train_in_a_process(tiny_encoder, broken)
    checkpoints, deadline = tmp_path / "broken.partial" / "checkpoints", time.monotonic() + 120
    while not list(checkpoints.glob("checkpoint-*/trainer_state.json")):
        assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.send_signal(number)
    said, _ = process.communicate(timeout=120)
    if number == signal.SIGKILL:
        assert process.returncode == -signal.SIGKILL
    else:
        assert process.returncode == 130, said
        assert "--resume goes on from there" in said
        assert "Traceback" not in said
    assert not broken.exists()
    resumed = train_in_a_process(tiny_encoder, broken, "--resume")
    said, _ = resumed.communicate(timeout=180)
    assert resumed.returncode == 0, said
    first, second = (["네, 좋아요.", "불을 꺼 줘."], ["그래요.", "조명을 켜 줘."])
    scores = [load_scorer(folder, precision="fp32").score(first, second).scores for folder in (whole, broken)]
    np.testing.assert_allclose(scores[0], scores[1], atol=1e-4)
    histories = []
    for folder in (whole, broken):
        lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
        histories.append([(line["step"], round(line["eval_pearson"], 4)) for line in lines if "eval_pearson" in line])
    assert len(histories[0]) == 24
    assert histories[0] == histories[1]


def test_a_training_that_was_stopped_at_its_report_is_finished(tmp_path, tiny_encoder, monkeypatch):
    def stop(*_):
        raise KeyboardInterrupt

    output = tmp_path / "a"
    words = ["--base-model", str(tiny_encoder), "--data", "sample", "--output", str(output), *SMALL]
    with monkeypatch.context() as patch:
        patch.setattr("sts.train.report.write_report", stop)
        assert run_train(*words) == 130
    assert not output.exists()
    assert run_train(*words, "--resume") == 0
    assert len([line for line in (output / "metrics.jsonl").read_text().splitlines() if "eval_pearson" in line]) == 4


def test_half_a_checkpoint_is_not_resumed_from(tmp_path):
    from sts.train.record import last_checkpoint

    for step, state in ((4, '{"global_step": 4}'), (8, '{"global_st'), (12, None)):
        folder = tmp_path / "checkpoints" / f"checkpoint-{step}"
        folder.mkdir(parents=True)
        if state:
            (folder / "trainer_state.json").write_text(state)
    assert last_checkpoint(tmp_path) == tmp_path / "checkpoints" / "checkpoint-4"
    assert len(list((tmp_path / "checkpoints").iterdir())) == 1


def run_train(*words):
    return run(train, "train", list(words))


def fail(capsys, *words):
    assert run_train(*words) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1, error
    return error


def test_what_a_training_reads_or_did_not_write_is_not_lost(tmp_path, capsys):
    output = tmp_path / "a"
    for folder in (output, tmp_path / "a.partial"):
        folder.mkdir()
        for name in ("report.md", "run.json", "pairs.csv"):
            (folder / name).write_text("{}")
    for words in (
        ("--data", str(output / "pairs.csv")),
        ("--base-model", str(output)),
        ("--augment", "eda", "--thesaurus", str(output / "pairs.csv")),
        ("--intermediate-data", str(tmp_path / "a.partial" / "pairs.csv")),
    ):
        said = fail(capsys, "--output", str(output), "--overwrite", *words)
        assert f"would lose {words[-1]}, an input; name another folder" in said
    assert "holds no sts.json, so it is no earlier result" in fail(capsys, "--output", str(output), "--overwrite")
    assert len(list(tmp_path.glob("*/pairs.csv"))) == 2


def test_outputs_and_unfinished_trainings_are_not_lost(tmp_path, trained, capsys):
    assert "the folder is not empty; name another one, or add --overwrite" in fail(capsys, "--output", str(trained))
    unfinished = tmp_path / "a.partial"
    unfinished.mkdir()
    said = fail(capsys, "--output", str(tmp_path / "a"))
    assert "a.partial is needed for checkpoints and is something else; remove it or change --output" in said
    (unfinished / "run.json").write_text("{}")
    said = fail(capsys, "--output", str(tmp_path / "a"))
    assert "a.partial holds an unfinished training; --resume goes on with it, --overwrite drops it" in said
    said = fail(capsys, "--output", str(tmp_path / "a"), "--resume", "--overwrite")
    assert "--resume goes on with an unfinished training and --overwrite drops it; give one of them" in said


def test_resume_needs_the_same_training(tmp_path, tiny_encoder, capsys):
    words = ["--base-model", str(tiny_encoder), "--data", "sample", "--output", str(tmp_path / "a"), "--resume"]
    assert "a.partial holds no unfinished training; leave --resume out" in fail(capsys, *words)
    (tmp_path / "a.partial").mkdir()
    (tmp_path / "a.partial" / "run.json").write_text(json.dumps({"base_model": "albert-kor", "seed": 42}))
    said = fail(capsys, *words)
    assert "--resume: this is another training than the one in" in said
    assert f"base_model was 'albert-kor' and is '{tiny_encoder} (a folder)'" in said
    assert "seed was" not in said


def test_options_are_checked_before_work_begins(tmp_path, capsys, monkeypatch):
    output = str(tmp_path / "a")
    assert "--epochs is 0, allowed is 1 or more" in fail(capsys, "--output", output, "--epochs", "0")
    assert "--push-to-hub is 'mine'; it must be owner/name" in fail(capsys, "--output", output, "--push-to-hub", "mine")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    said = fail(capsys, "--output", output, "--log-to", "wandb")
    assert "--log-to wandb needs the package wandb, which is not installed: pip install 'korean-sts[wandb]'" in said
    assert not (tmp_path / "a").exists()


def test_a_diverging_loss_stops_the_training(tmp_path, tiny_encoder, capsys, monkeypatch):
    import torch
    from sentence_transformers.cross_encoder.losses import BinaryCrossEntropyLoss

    def nan(self, inputs, labels, **_):
        return self.model.transformers_model.classifier.bias.sum() * torch.nan

    monkeypatch.setattr(BinaryCrossEntropyLoss, "forward", nan)
    said = fail_noisily(capsys, tiny_encoder, tmp_path)
    assert "the loss is nan; lower --learning-rate, raise --warmup-ratio, or try --precision fp32" in said


def test_a_scorer_that_tells_nothing_apart_is_an_error(tmp_path, tiny_encoder, capsys, monkeypatch):
    monkeypatch.setattr("sts.models.cross.MAX_SCORE", 0.0)
    said = fail_noisily(capsys, tiny_encoder, tmp_path)
    assert "no checkpoint tells pairs apart" in said


def fail_noisily(capsys, tiny_encoder, folder):
    words = ["--base-model", str(tiny_encoder), "--data", "sample", "--output", str(folder / "a"), *SMALL]
    assert run_train(*words) == 2
    return capsys.readouterr().err


def test_early_stopping_ends_before_the_plan(tmp_path, tiny_encoder, capsys):
    words = ["--base-model", str(tiny_encoder), "--data", "sample", "--output", str(tmp_path / "a"), *SMALL]
    # a learning rate this small changes nothing, so no validation is better than the first
    assert run_train(*words, "--learning-rate", "1e-20", "--patience", "1") == 0
    lines = [json.loads(line) for line in (tmp_path / "a" / "metrics.jsonl").read_text().splitlines()]
    assert len([line for line in lines if "eval_pearson" in line]) == 2


@pytest.mark.parametrize(
    "extra",
    [
        ["--loss", "mse", "--scheduler", "cosine", "--gradient-accumulation", "2"],
        ["--head", "bilstm", "--scheduler", "constant"],
        ["--freeze-layers", "1", "--log-to", "tensorboard"],
    ],
    ids=["mse", "bilstm", "freeze"],
)
def test_every_setting_reaches_the_training(tmp_path, tiny_encoder, extra):
    output = tmp_path / "a"
    words = ["--base-model", str(tiny_encoder), "--data", "sample", "--output", str(output), *SMALL]
    assert run_train(*words, "--epochs", "1", *extra) == 0
    scores = load_scorer(output, precision="fp32").score(["네", "불을 꺼 줘."], ["아니요", "날씨가 좋아요."]).scores
    assert scores[0] != scores[1]
    if "tensorboard" in extra:
        assert list((output / "tensorboard").glob("events.*"))
        frozen = weights(output)["bert.embeddings.word_embeddings.weight"]
        assert (frozen == weights(tiny_encoder, "bert.")["bert.embeddings.word_embeddings.weight"]).all()


def weights(folder, prefix=""):
    from safetensors.numpy import load_file

    loaded = load_file(folder / "model.safetensors")
    return {name if name.startswith(prefix) else prefix + name: value for name, value in loaded.items()}


def test_freezing_more_layers_than_there_are(tmp_path, tiny_encoder, capsys):
    words = ["--base-model", str(tiny_encoder), "--data", "sample", "--output", str(tmp_path / "a"), *SMALL]
    assert run_train(*words, "--freeze-layers", "9") == 2
    assert "--freeze-layers is 9; the encoder has 2 layers" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_intermediate_data_is_announced_and_written_down(tmp_path, tiny_encoder, capsys):
    extra = tmp_path / "extra.tsv"
    extra.write_text("genre\tscore\tsentence1\tsentence2\nnews\t2.5\t비가 온다.\t눈이 온다.\n", encoding="utf-8")
    output = tmp_path / "a"
    words = ["--base-model", str(tiny_encoder), "--data", "sample", "--output", str(output), *SMALL]
    assert run_train(*words, "--intermediate-data", str(extra)) == 0
    assert "1 intermediate pairs in the first epoch" in capsys.readouterr().out
    assert json.loads((output / "sts.json").read_text(encoding="utf-8"))["data"]["intermediate"]["pairs"] == 1


def test_a_failed_upload_keeps_the_scorer(tmp_path, tiny_encoder, capsys, monkeypatch):
    monkeypatch.setattr(
        "huggingface_hub.HfApi.create_repo", lambda *_, **__: (_ for _ in ()).throw(OSError("no network"))
    )
    output = tmp_path / "a"
    words = ["--base-model", str(tiny_encoder), "--data", "sample", "--output", str(output), *SMALL]
    assert run_train(*words, "--epochs", "1", "--push-to-hub", "me/mine") == 2
    assert "--push-to-hub me/mine: the upload failed (no network); the scorer is complete in" in capsys.readouterr().err
    assert load_scorer(output).info.mode == "cross"


def test_an_upload_sends_the_finished_folder(tmp_path, tiny_encoder, monkeypatch):
    calls = []
    monkeypatch.setattr("huggingface_hub.HfApi.create_repo", lambda self, *a, **k: calls.append((a, k)))
    monkeypatch.setattr("huggingface_hub.HfApi.upload_folder", lambda self, **k: calls.append(k))
    output = tmp_path / "a"
    words = ["--base-model", str(tiny_encoder), "--data", "sample", "--output", str(output), *SMALL]
    assert run_train(*words, "--epochs", "1", "--push-to-hub", "me/mine") == 0
    assert calls == [
        (("me/mine",), {"private": True, "exist_ok": True}),
        {"folder_path": output, "repo_id": "me/mine", "ignore_patterns": ["validation/*"]},
    ]


def test_the_text_pipeline_travels_with_the_scorer(tmp_path, tiny_encoder, capsys):
    """Training's evaluation, `sts.score`, and a copy of the folder elsewhere give the same scores."""
    from sts.score import score

    output = tmp_path / "scorer"
    words = ["--base-model", str(tiny_encoder), "--data", "sample", "--output", str(output), *SMALL]
    assert run_train(*words, "--text-pipeline", "original", "--learning-rate", "1e-3") == 0
    info = json.loads((output / "sts.json").read_text(encoding="utf-8"))
    assert [step["step"] for step in info["text_pipeline"]["steps"]] == ["normalize", "cleanse", "morphemes"]
    assert info["versions"]["kiwipiepy"]
    assert "Text pipeline: original (normalize, cleanse, morphemes)" in (output / "report.md").read_text()
    predicted = [
        float(line.split(",")[3])
        for line in (output / "validation" / "hard-predictions.csv").read_text(encoding="utf-8").splitlines()[1:]
    ]
    copied = shutil.copytree(output, tmp_path / "elsewhere" / "copy")
    shutil.rmtree(output)
    scored = tmp_path / "scored.jsonl"
    arguments = ["--model", str(copied), "--input", str(copied / "validation" / "hard.csv"), "--output", str(scored)]
    assert run(score, "score", [*arguments, "--precision", "fp32"]) == 0
    rows = [json.loads(line) for line in scored.read_text(encoding="utf-8").splitlines()]
    assert [row["score"] for row in rows] == pytest.approx(predicted, abs=2e-4)
    assert len(set(predicted)) > 20
    scorer = load_scorer(copied, precision="fp32")
    # what the pipeline takes away makes no difference; what it keeps does
    texts = ["숙소는 깨끗합니다!!! OK", "숙소가 깨끗하다", "숙소는 더러워요"]
    same, other = scorer.score([texts[0]] * 2, texts[1:]).scores, scorer.score([texts[1]] * 2, texts[1:]).scores
    assert same == pytest.approx(other, abs=1e-6)
    assert list(scorer.score(["OK!", "가요"], ["좋다", "좋다"]).left_as_is) == [True, False]


def test_a_scorer_of_another_analyser_version_says_so(tmp_path, tiny_encoder):
    output = tmp_path / "scorer"
    words = ["--base-model", str(tiny_encoder), "--data", "sample", "--output", str(output), *SMALL]
    assert run_train(*words, "--text-pipeline", "original", "--max-steps", "4") == 0
    path = output / "sts.json"
    path.write_text(path.read_text().replace('"kiwipiepy": "', '"kiwipiepy": "9.'))
    with pytest.warns(UserWarning, match=r"trained with kiwipiepy 9\.0.*pip install kiwipiepy==9\.0"):
        load_scorer(output)


def test_augmentation_makes_pairs_of_the_training_part_alone(tmp_path, tiny_encoder):
    output = tmp_path / "scorer"
    words = ["--base-model", str(tiny_encoder), "--data", "sample", "--output", str(output), *SMALL]
    assert run_train(*words, "--max-steps", "8", "--augment", "sr", "rs", "swap", "--new-per-pair", "2") == 0
    info = json.loads((output / "sts.json").read_text(encoding="utf-8"))
    assert info["data"]["augmentation"]["methods"] == {"sr": 1, "rs": 1, "swap": 1}
    assert info["data"]["augmentation"]["new_per_pair"] == 2
    report = (output / "report.md").read_text(encoding="utf-8")
    assert "Augmentation of the training part (sr, rs, swap)" in report
    trained = int(re.search(r"Trained on ([\d,]+) pairs", report)[1].replace(",", ""))
    made = int(re.search(r"new (\d+)", report)[1])
    assert trained > 400
    assert made > trained / 3


def test_an_interrupted_training_keeps_its_new_pairs(tmp_path, tiny_encoder, monkeypatch):
    output = tmp_path / "scorer"
    words = ["--base-model", str(tiny_encoder), "--data", "sample", "--output", str(output), *SMALL, "--augment", "rs"]
    from sts.errors import TrainingError
    from sts.train import run as train_run

    def fail(*_, **__):
        raise TrainingError("out of luck")

    with monkeypatch.context() as patch:
        patch.setattr(train_run, "planned_trainer", fail)
        assert run_train(*words) == 2
    kept = (tmp_path / "scorer.partial" / "augmented.jsonl").read_text(encoding="utf-8")
    assert len(kept.splitlines()) > 50
    import sts.augment

    monkeypatch.setattr(sts.augment, "augment_dataset", fail)
    assert run_train(*words, "--resume", "--alpha", "0.5") == 2
    assert run_train(*words, "--resume") == 0


def test_options_of_augmentation_need_augmentation(tmp_path, tiny_encoder, capsys):
    words = ["--base-model", str(tiny_encoder), "--data", "sample", "--output", str(tmp_path / "scorer")]
    assert run_train(*words, "--alpha", "0.2") == 2
    assert "options of augmentation go with --augment" in capsys.readouterr().err
    assert run_train(*words, "--augment", "fly") == 2
    assert "method 'fly' is not known" in capsys.readouterr().err
    assert run_train(*words, "--text-pipeline", "orginal") == 2
    assert "neither a preset" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
