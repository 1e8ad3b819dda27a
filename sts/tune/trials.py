"""The trials of a study: which count, whose process has died, and which are to be run again."""

import os
import socket
import warnings
from copy import deepcopy
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from optuna import Study, Trial
    from optuna.trial import FrozenTrial

from sts.tune.storage import MAX_RETRIES

# seconds after which a trial without a worker's name counts as dead; the name is its first record
NAMELESS = 60


@lru_cache(maxsize=1)
def this_worker() -> dict[str, Any]:
    """This process, told from every other one, on any machine and at any time."""
    import psutil

    # two processes may have one number, but not at one time
    return {"host": socket.gethostname(), "pid": os.getpid(), "started": psutil.Process().create_time()}


def counted(trials: "list[FrozenTrial]") -> "list[FrozenTrial]":
    """The finished trials that count: not those that were begun again, nor one too many that was given back."""
    again = superseded(trials)
    return [
        trial
        for trial in trials
        if trial.state.is_finished() and trial.number not in again and not trial.user_attrs.get("surplus")
    ]


def superseded(trials: "list[FrozenTrial]") -> set[int]:
    """Numbers of trials whose process died and which another trial repeats."""
    from optuna.storages import RetryHeartbeatStaleTrialCallback

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # "experimental", since 2021
        return {number for trial in trials for number in RetryHeartbeatStaleTrialCallback.retry_history(trial)}


def reason(trial: "FrozenTrial") -> str:
    """Why a failed trial failed."""
    return str(trial.user_attrs.get("reason", "its process died"))


def is_surplus(study: "Study", number: int, target: int) -> bool:
    """Whether trial `number` is one more than the study is to have.

    Two workers may begin a trial at the same moment where one was left; the later number gives way. A
    repeated trial never does, for it takes the place of one that counted.
    """
    trials = study.get_trials(deepcopy=False)
    again = superseded(trials)
    own = next(trial for trial in trials if trial.number == number)
    if own.system_attrs.get("retry_history"):
        return False
    before = [
        trial
        for trial in trials
        if trial.number < number
        and trial.state.name != "WAITING"
        and trial.number not in again
        and not trial.user_attrs.get("surplus")
    ]
    return len(before) >= target


def repeat_dead(study: "Study", *, one_machine: bool) -> list[int]:
    """Fail the trials of processes that are no more, and queue them again; their numbers.

    A process of this machine is looked up; those of other machines give signs of life through the
    database, which Optuna itself checks. A journal file has none, so it is for one machine.

    Args:
        study: the study.
        one_machine: whether all its workers run here.
    """
    import optuna

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        optuna.storages.fail_stale_trials(study)
    running = study.get_trials(deepcopy=False, states=[optuna.trial.TrialState.RUNNING])
    return [trial.number for trial in running if not _alive(trial, one_machine) and repeat(study, trial)]


def repeat(study: "Study", trial: "FrozenTrial") -> bool:
    """Fail a trial and queue it again; False where another worker was first."""
    from optuna.exceptions import UpdateFinishedTrialError
    from optuna.storages import RetryHeartbeatStaleTrialCallback
    from optuna.trial import TrialState

    try:
        if not trial.state.is_finished():
            study.tell(trial.number, state=TrialState.FAIL)
    except (UpdateFinishedTrialError, ValueError):  # both mean that it has ended meanwhile
        return False
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        # it changes what it is given, which may be the storage's own
        RetryHeartbeatStaleTrialCallback(max_retry=MAX_RETRIES)(study, deepcopy(trial))
    return True


def name_worker(trial: "Trial") -> None:
    """Record that this process runs the trial."""
    trial.set_user_attr("worker", this_worker() | {"trial": trial.number})


def _alive(trial: "FrozenTrial", one_machine: bool) -> bool:
    import psutil

    worker = trial.user_attrs.get("worker")
    # a repeated trial comes with the name of the worker that died
    if worker is None or worker["trial"] != trial.number:
        begun = trial.datetime_start
        return not one_machine or begun is None or (datetime.now() - begun).total_seconds() < NAMELESS
    if worker["host"] != this_worker()["host"]:
        return True
    try:
        process = psutil.Process(worker["pid"])
        same = abs(process.create_time() - worker["started"]) < 1
        return same and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False
