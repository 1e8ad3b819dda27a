"""A whole small study by its command, and everything that can go wrong with one."""

import contextlib
import csv
import json
import os
import re
import signal

import optuna
import pytest
import yaml

from sts.cli import run
from sts.models import load_scorer
from sts.models.info import read_info
from sts.train.command import train


@pytest.fixture(scope="module")
def study(call, tmp_path_factory):
    """The folder of a study of four trials, two of them searched."""
    output = tmp_path_factory.mktemp("study") / "out"
    assert call("--study", "klein", "--output", output, "--trials", 4, "--search", "augment") == 0
    return output


def trials_of(output):
    with (output / "trials.csv").open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def stored(output, name="klein"):
    return optuna.load_study(study_name=name, storage=f"sqlite:///{output / 'study.db'}")


def test_the_first_trial_has_the_defaults_and_all_are_counted(study):
    rows = trials_of(study)
    assert [row["trial"] for row in rows] == ["0", "1", "2", "3"]
    assert {row["state"] for row in rows} <= {"complete", "pruned"}
    assert (float(rows[0]["learning_rate"]), rows[0]["batch_size"], rows[0]["augment"]) == (5e-5, "16", "none")


def test_best_yaml_is_taken_by_a_training_and_gives_the_studys_own_result(study, tmp_path, capsys):
    config = yaml.safe_load((study / "best.yaml").read_text(encoding="utf-8"))
    best = stored(study).best_trial
    assert config["learning_rate"] == best.params["learning_rate"]
    assert config["study"] == f"klein, trial {best.number}"
    assert run(train, "train", ["--config", str(study / "best.yaml"), "--output", str(tmp_path / "scorer")]) == 0
    trained = read_info(tmp_path / "scorer")
    assert trained.study == config["study"]
    results = [
        json.loads(path.read_text())["hard"]["pearson"]
        for path in (study / "final").glob("*-seed-42/result.json")
        if "default" not in path.parent.name or len(list((study / "final").iterdir())) == 3
    ]
    assert trained.metrics["hard"]["pearson"]["value"] == pytest.approx(results[0], abs=1e-6)


def test_the_model_scores_and_tells_where_its_settings_come_from(study):
    scorer = load_scorer(study / "model")
    assert len(scorer.score(["네."], ["그래요."]).scores) == 1
    assert (study / "model" / "report.md").is_file()
    assert not list((study / "final").glob("*/scorer")), "one copy of the model is enough"


def test_the_report_is_one_page_with_all_plots_and_trials(study):
    page = (study / "report.html").read_text(encoding="utf-8")
    assert page.count("data:image/svg+xml") >= 2 * 5
    assert not re.search(r"""(src|href)=["']?http""", page)
    text = (study / "report.md").read_text(encoding="utf-8")
    for heading in ("Result", "History", "Importance", "Settings", "Settings together", "On the way", "Trials"):
        assert f"## {heading}\n" in text
    for picture in re.findall(r"\(plots/(\w+\.png)\)", text):
        assert (study / "plots" / picture).is_file()


def test_the_same_command_with_more_trials_goes_on(study, call, capsys):
    words = ["--study", "klein", "--output", study, "--search", "augment", "--json"]
    assert call(*words, "--trials", 5) == 0
    outcome = json.loads(capsys.readouterr().out)
    assert len(trials_of(study)) == 5
    assert outcome["study"] == "klein"
    assert outcome["best_trial"]["pearson"] == stored(study).best_value
    assert len(outcome["tuned"]["hard"]) == 3
    assert read_info(study / "model").settings["seed"] == outcome["kept_seed"]
    # whichever seed it was trained with, the pairs that it was chosen on are the study's
    assert read_info(study / "model").settings["split_seed"] == 42
    before = [path.stat().st_mtime_ns for path in sorted((study / "final").glob("*/result.json"))]
    assert call(*words, "--trials", 5) == 0
    assert before == [path.stat().st_mtime_ns for path in sorted((study / "final").glob("*/result.json"))]


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (
            ["--search", "augment", "--seed", "7"],
            r"--study klein: its trials can't be compared .*study_seed was 42 and is 7",
        ),
        ([], r"space was .* and is"),
        (["--search", "augment", "--fraction", "0.5"], r"fraction was 0\.3 and is 0\.5"),
    ],
)
def test_who_joins_must_mean_the_same_study(study, call, capsys, more, message):
    assert call("--study", "klein", "--output", study, *more) == 2
    assert re.search(message, capsys.readouterr().err)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--trials", "0"], r"--trials is 0, allowed is 1 or more"),
        (["--fraction", "0"], r"--fraction is 0\.0, allowed is above 0"),
        (["--seeds", "0"], r"--seeds is 0"),
        (["--time-budget", "soon"], r"--time-budget is 'soon'; give hours"),
        (["--search", "seed"], r"--search seed: .*space\.yaml has no such optional setting; it has loss, augment"),
        (["--storage", "trials.txt"], r"--storage trials\.txt: must be a file ending in \.db"),
        (["--storage", "nosuch://here"], r"nosuch"),
    ],
)
def test_wrong_options_are_told_in_a_line(call, tmp_path, capsys, more, message):
    assert call("--study", "x", "--output", tmp_path / "out", *more) == 2
    told = capsys.readouterr().err
    assert re.search(message, told)
    assert "Traceback" not in told


def test_a_folder_with_something_else_is_left_alone(call, tmp_path, capsys):
    (tmp_path / "letter.txt").write_text("dear", encoding="utf-8")
    assert call("--study", "x", "--output", tmp_path) == 2
    assert "holds something else than a study" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["letter.txt"]


@pytest.mark.parametrize("text", ["[]", "{", '"x"', '{"study": "x"}'])
def test_a_broken_study_file_is_told_in_a_line(call, tmp_path, capsys, text):
    (tmp_path / "study.json").write_text(text, encoding="utf-8")
    assert call("--study", "x", "--output", tmp_path) == 2
    assert f"{tmp_path / 'study.json'}: names no study" in capsys.readouterr().err


def test_a_folder_belongs_to_one_study_and_to_none_whose_storage_failed(call, tmp_path, capsys):
    output, broken = tmp_path / "out", tmp_path / "broken.db"
    broken.write_bytes(b"no database, but longer than a header" * 10)
    assert call("--study", "x", "--output", output, "--storage", broken) == 2
    assert "broken.db: can't be opened" in capsys.readouterr().err
    output.mkdir(exist_ok=True)
    (output / "study.json").write_text('{"study": "y", "storage": "study.db"}', encoding="utf-8")
    assert call("--study", "x", "--output", output) == 2
    assert "holds the study y in study.db; this is x in study.db" in capsys.readouterr().err
    (output / "study.json").unlink()
    assert call("--study", "x", "--output", output, "--trials", 1, "--time-budget", "1s", "--worker") == 0


def test_what_a_killed_process_left_of_an_ended_trial_is_removed(call, tmp_path):
    words = ["--study", "x", "--output", tmp_path, "--trials", 1, "--worker"]
    assert call(*words) == 0
    left = [tmp_path / "trials" / name for name in ("trial-0000", "trial-0000-seed-43", "trial-0001")]
    for place in left:
        place.mkdir()
    assert call(*words) == 0
    assert [place.exists() for place in left] == [False, False, True]  # the last one is not known to have ended


def test_a_study_whose_trials_all_fail_ends_with_the_first_reason(call, tmp_path, capsys):
    words = ["--study", "x", "--output", tmp_path / "out", "--trials", 2, "--text-pipeline", "none"]
    space = tmp_path / "space.yaml"
    space.write_text("always: {freeze_layers: {low: 3, high: 9}}", encoding="utf-8")
    assert call(*words, "--space", space) == 2
    told = capsys.readouterr().err
    assert "all 2 trials failed; the first one: UsageError: --freeze-layers is" in told
    rows = trials_of(tmp_path / "out")
    assert [row["state"] for row in rows] == ["fail", "fail"]
    assert "the encoder has 2 layers" in rows[0]["why it failed"]


def test_one_failed_trial_does_not_end_the_study(call, tmp_path, monkeypatch):
    from sts.tune.trial import Objective

    run_trial, number = Objective._train, []

    def sometimes(self, *arguments):
        number.append(1)
        if len(number) == 2:
            raise MemoryError("4 GB wanted")
        return run_trial(self, *arguments)

    monkeypatch.setattr(Objective, "_train", sometimes)
    output = tmp_path / "out"
    assert call("--study", "x", "--output", output, "--trials", 3, "--worker") == 0
    rows = trials_of(output)
    assert [row["state"] == "fail" for row in rows] == [False, True, False]
    assert rows[1]["why it failed"] == "out of memory: 4 GB wanted"


def test_a_loss_that_is_no_number_is_a_failed_trial(call, tmp_path, monkeypatch):
    from sts.train.trainer import BinaryCrossEntropyLoss

    forward = BinaryCrossEntropyLoss.forward
    monkeypatch.setattr(BinaryCrossEntropyLoss, "forward", lambda *arguments: forward(*arguments) * float("nan"))
    assert call("--study", "x", "--output", tmp_path / "out", "--trials", 1, "--worker") == 2
    (row,) = trials_of(tmp_path / "out")
    assert row["state"] == "fail"
    assert "the loss is nan; lower --learning-rate" in row["why it failed"]


@contextlib.contextmanager
def ctrl_c(times):
    """Press Ctrl-C at so many of the first validations of trial 1."""
    from sts.tune.watch import Watch

    before = Watch.on_evaluate

    def on_evaluate(self, *arguments, **more):
        if self.trial.number == 1 and len(self.seen) < times:
            os.kill(os.getpid(), signal.SIGINT)
        before(self, *arguments, **more)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Watch, "on_evaluate", on_evaluate)
        yield


def test_ctrl_c_ends_after_the_trial_and_the_study_goes_on(call, tmp_path, capsys):
    output = tmp_path / "out"
    words = ["--study", "x", "--output", output, "--worker", "--trials", 3]
    with ctrl_c(1):
        assert call(*words) == 130
    assert "the same command goes on" in capsys.readouterr().err
    assert [row["state"] in ("complete", "pruned") for row in trials_of(output)] == [True, True]
    assert call(*words) == 0
    assert len(trials_of(output)) == 3


def test_a_second_ctrl_c_ends_at_once_and_the_trial_is_run_again(call, tmp_path):
    output = tmp_path / "out"
    words = ["--study", "x", "--output", output, "--worker", "--trials", 2]
    with ctrl_c(2):
        assert call(*words) == 130
    trials = stored(output, "x").get_trials()
    assert [trial.state.name for trial in trials] == ["COMPLETE", "FAIL", "WAITING"]
    assert call(*words) == 0
    rows = trials_of(output)
    assert [row["trial"] for row in rows] == ["0", "2"]
    assert float(rows[1]["learning_rate"]) == pytest.approx(trials[1].params["learning_rate"], rel=0.01)


def test_several_seeds_a_trial_and_mode_bi(call, tmp_path):
    output = tmp_path / "out"
    words = ["--mode", "bi", "--study", "x", "--output", output, "--trials", 2, "--seeds", 2, "--search", "loss"]
    assert call(*words, "--worker", "--log-to", "tensorboard") == 0
    for trial in stored(output, "x").get_trials():
        if trial.state.name == "COMPLETE":
            by_seed = trial.user_attrs["pearson_by_seed"]
            assert trial.value == pytest.approx(sum(by_seed) / 2)
            assert len(by_seed) == 2
            assert list((output / "tensorboard" / f"trial-{trial.number:04d}-seed-43").glob("events*"))


def test_the_time_budget_begins_no_more_trials(call, tmp_path, capsys):
    output = tmp_path / "out"
    assert call("--study", "x", "--output", output, "--trials", 50, "--time-budget", "1s", "--worker") == 0
    assert len(trials_of(output)) < 50
