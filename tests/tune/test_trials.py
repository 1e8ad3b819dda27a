"""Which trials count, and what becomes of those whose process died; without any training."""

import subprocess
import sys

import optuna
import pytest
from optuna.trial import TrialState

from sts.tune.trials import counted, is_surplus, name_worker, reason, repeat, repeat_dead, superseded, this_worker


@pytest.fixture
def study():
    return optuna.create_study(direction="maximize", sampler=optuna.samplers.RandomSampler(seed=0))


def begun(study, **worker):
    """A running trial with a value, named after a worker."""
    trial = study.ask()
    trial.suggest_float("x", 0, 1)
    if worker:
        trial.set_user_attr("worker", this_worker() | {"trial": trial.number} | worker)
    else:
        name_worker(trial)
    return trial


def dead_process():
    """The number of a process that is no more."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def states(study):
    return [trial.state.name for trial in study.get_trials()]


def test_a_living_process_keeps_its_trial(study):
    begun(study)
    assert repeat_dead(study, one_machine=True) == []
    assert states(study) == ["RUNNING"]


@pytest.mark.parametrize("worker", ["gone", "reused"])
def test_a_dead_process_loses_its_trial_and_another_repeats_it(study, worker):
    trial = begun(study, **({"pid": dead_process()} if worker == "gone" else {"started": 1.0}))
    assert repeat_dead(study, one_machine=True) == [0]
    assert states(study) == ["FAIL", "WAITING"]
    assert counted(study.get_trials()) == []
    again = study.ask()
    assert again.suggest_float("x", 0, 1) == trial.params["x"]
    assert superseded(study.get_trials()) == {0}


def test_a_zombie_is_dead(study):
    process = subprocess.Popen([sys.executable, "-c", ""])
    import psutil

    started = psutil.Process(process.pid).create_time()
    begun(study, pid=process.pid, started=started)
    while psutil.Process(process.pid).status() != psutil.STATUS_ZOMBIE:
        pass
    assert repeat_dead(study, one_machine=True) == [0]
    process.wait()


def test_a_process_of_another_machine_is_left_to_its_signs_of_life(study):
    begun(study, host="elsewhere", pid=dead_process())
    assert repeat_dead(study, one_machine=False) == []


def test_a_repeated_trial_is_not_taken_for_its_dead_one(study):
    begun(study, pid=dead_process())
    repeat_dead(study, one_machine=True)
    study.ask()  # it comes with the dead worker's name, until it gets its own
    assert repeat_dead(study, one_machine=True) == []


def test_a_trial_that_kills_its_process_three_times_counts_as_failed(study):
    for _ in range(3):
        begun(study, pid=dead_process())
        repeat_dead(study, one_machine=True)
    assert states(study) == ["FAIL", "FAIL", "FAIL"]
    (last,) = counted(study.get_trials())
    assert (last.number, reason(last)) == (2, "its process died")


def test_of_two_who_find_a_dead_trial_one_repeats_it(study):
    begun(study, pid=dead_process())
    seen = study.get_trials()[0]
    assert repeat(study, seen)
    assert not repeat(study, seen)
    assert states(study) == ["FAIL", "WAITING"]


def test_the_later_of_two_last_trials_gives_way(study):
    trials = [begun(study) for _ in range(4)]
    assert [is_surplus(study, trial.number, 3) for trial in trials] == [False, False, False, True]
    trials[3].set_user_attr("surplus", True)
    study.tell(trials[3], state=TrialState.FAIL)
    for trial in trials[:3]:
        study.tell(trial, 0.5)
    assert [trial.number for trial in counted(study.get_trials())] == [0, 1, 2]


def test_a_repeated_trial_never_gives_way(study):
    begun(study)
    begun(study, pid=dead_process())
    repeat_dead(study, one_machine=True)
    again = study.ask()
    assert not is_surplus(study, again.number, 2)
    assert is_surplus(study, begun(study).number, 2)
