"""A study: made or joined, and its trials run one after the other until there are enough."""

import time
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tqdm import tqdm

from sts.errors import DataError, StudyError, UsageError
from sts.stop import StopRequest
from sts.tune.space import Space, Value
from sts.tune.trial import Objective
from sts.tune.trials import counted, reason, repeat, repeat_dead, superseded, this_worker

if TYPE_CHECKING:
    from optuna import Study
    from optuna.samplers import BaseSampler
    from optuna.storages import BaseStorage
    from optuna.trial import FrozenTrial

# what a study is about, for whoever joins it
CONTRACT = "sts"
# seconds that a joining process waits for the first one to have said it
WAIT_FOR_CONTRACT = 30.0
# seconds between looks at other workers' trials
POLL = 1.0
# trials that are never pruned, and trials that must have reached a check before it prunes others
UNPRUNED_TRIALS, COMPARED_TRIALS = 5, 3


def open_study(
    name: str, storage: "BaseStorage", contract: dict[str, Any], first: "list[dict[str, Value]]"
) -> "tuple[Study, bool]":
    """Make a study, or join it where it exists already.

    Args:
        name: its name in the storage.
        storage: where it is kept.
        contract: what it is about; who joins must say the same.
        first: values to try before any others.

    Returns:
        The study, and whether it is new.

    Raises:
        UsageError: there is one of this name that is about something else.
    """
    import optuna

    pruner = optuna.pruners.MedianPruner(UNPRUNED_TRIALS, n_warmup_steps=1, n_min_trials=COMPARED_TRIALS)
    try:
        study = optuna.create_study(study_name=name, storage=storage, direction="maximize", pruner=pruner)
    except optuna.exceptions.DuplicatedStudyError:
        study = optuna.load_study(study_name=name, storage=storage, pruner=pruner)
        _check_contract(study, name, contract)
        return study, False
    for values in first:
        study.enqueue_trial(values)
    study.set_user_attr(CONTRACT, contract)
    return study, True


def _check_contract(study: "Study", name: str, contract: dict[str, Any]) -> None:
    waited_until = time.monotonic() + WAIT_FOR_CONTRACT
    while CONTRACT not in study.user_attrs:
        if time.monotonic() > waited_until:  # who made the study died before saying what it is about
            study.set_user_attr(CONTRACT, contract)
        time.sleep(0.1)
    before = study.user_attrs[CONTRACT]
    changed = [
        f"{key} was {before.get(key)!r} and is {contract.get(key)!r}"
        for key in sorted({*before, *contract})
        if before.get(key) != contract.get(key)
    ]
    if changed:
        raise UsageError(
            f"--study {name}: its trials can't be compared with those of this command: {'; '.join(changed)}; "
            "give the same options, or another --study"
        )


def run_trials(
    study: "Study",
    objective: Objective,
    *,
    deadline: float | None,
    stop: StopRequest,
    one_process: bool,
    one_machine: bool,
    say: Callable[[str], None],
) -> None:
    """Run trials until the study has as many as it should, beside any other process that does the same.

    Args:
        study: the study.
        objective: what a trial does; says how many there should be.
        deadline: on `time.monotonic`'s clock, when to begin no more; None means never.
        stop: no trial begins after it was requested.
        one_process: whether nobody else works on the study, so that its seed decides every trial.
        one_machine: whether all who do run here.
        say: prints a line.

    Raises:
        KeyboardInterrupt: the person stopped in the middle of a trial, which is queued again.
    """
    target = objective.target
    waiting = False
    with tqdm(total=target, unit="trial", desc="study", smoothing=0, disable=None) as bar:
        while True:
            for number in repeat_dead(study, one_machine=one_machine):
                say(f"trial {number}: the process that ran it is no more; it is run again")
            trials = study.get_trials(deepcopy=False)
            objective.tidy({trial.number for trial in trials if trial.state.is_finished()})
            done = counted(trials)
            bar.update(len(done) - bar.n)
            late = deadline is not None and time.monotonic() > deadline
            if len(done) >= target or stop.requested or late:
                break
            if len(done) + _elsewhere(trials) >= target:
                if not waiting:
                    say("the last trials are being run by other processes; waiting for them")
                waiting = True
                time.sleep(POLL)
                continue
            study.sampler = _sampler(objective.recipe.settings.seed, len(trials), one_process)
            _run_one(study, objective, say)


def _elsewhere(trials: "list[FrozenTrial]") -> int:
    """Trials that are running, all of them in other processes."""
    return sum(trial.state.name == "RUNNING" for trial in trials)


def _sampler(seed: int, trials: int, one_process: bool) -> "BaseSampler":
    """TPE (Bergstra et al. 2011; multivariate and grouped: Falkner et al. 2018), its chance drawn anew for each trial.

    So a study that was interrupted goes on as if it had not been. Processes that share a study draw
    differently, or they would begin with the same trials.
    """
    import warnings

    import numpy as np
    from optuna.samplers import TPESampler

    worker = 0 if one_process else zlib.crc32(repr(this_worker()).encode())
    drawn = int(np.random.SeedSequence([seed, trials, worker]).generate_state(1)[0])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # "experimental", since 2020
        return TPESampler(
            seed=drawn,
            multivariate=True,
            group=True,
            constant_liar=not one_process,  # what others are just trying is not tried again
            warn_independent_sampling=False,
        )


def _run_one(study: "Study", objective: Objective, say: Callable[[str], None]) -> None:
    from optuna.exceptions import UpdateFinishedTrialError

    numbers: list[int] = []

    def remembered(trial: Any) -> float:
        numbers.append(trial.number)
        return objective(trial)

    try:
        study.optimize(remembered, n_trials=1, catch=(Exception,))
    except UpdateFinishedTrialError:
        say(f"trial {numbers[-1]}: gave no sign of life for too long; another process runs it again")
        return
    except KeyboardInterrupt:
        if numbers:
            repeat(study, study.get_trials(deepcopy=False)[numbers[-1]])
        raise
    say(describe(study.get_trials(deepcopy=False)[numbers[-1]], study))


def describe(trial: "FrozenTrial", study: "Study") -> str:
    """A finished trial in a line."""
    values = ", ".join(f"{name} {_short(value)}" for name, value in trial.params.items())
    state = trial.state.name
    if state == "COMPLETE":
        best = best_trial(study)
        held = "the best so far" if best and best.number == trial.number else f"best is trial {best and best.number}"
        outcome = f"pearson {trial.value:.4f} ({held})"
    elif state == "PRUNED":
        outcome = f"pruned at {max(trial.intermediate_values.values(), default=float('nan')):.4f}"
    else:
        outcome = "given back" if trial.user_attrs.get("surplus") else f"failed: {reason(trial)}"
    return f"trial {trial.number}: {outcome}, {trial.user_attrs.get('seconds', 0):.0f} s; {values or 'no values'}"


def best_trial(study: "Study") -> "FrozenTrial | None":
    """The complete trial of the highest value, the earliest of several; None where none is complete."""
    trials = study.get_trials(deepcopy=False)
    again = superseded(trials)
    complete = [trial for trial in trials if trial.state.name == "COMPLETE" and trial.number not in again]
    return max(complete, key=lambda trial: (trial.value, -trial.number), default=None)


def check_not_all_failed(study: "Study") -> None:
    """Raise where the study has trials and none of them worked.

    Raises:
        StudyError: quotes the first failure.
    """
    done = counted(study.get_trials(deepcopy=False))
    failed = [trial for trial in done if trial.state.name == "FAIL"]
    if done and len(failed) == len(done):
        raise StudyError(
            f"all {len(done)} trials failed; the first one: {reason(failed[0])}; the table of the report has them all"
        )


def read_values(path: Path, space: Space) -> dict[str, Value]:
    """Values to try first, from a file such as an earlier `best.yaml`.

    Raises:
        DataError: the file can't be read, or lacks a value that the space has.
    """
    import yaml

    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise DataError(f"--enqueue {path}: can't be read ({' '.join(str(error).split())})") from error
    if not isinstance(content, dict):
        raise DataError(f"--enqueue {path}: must hold settings and their values, such as a best.yaml")
    values = {name: content[name] for name in space.entries if name in content}
    if "augment" in space.entries:
        values["augment"] = " ".join(content.get("augment") or ["none"])
    outside = space.outside(values)
    if outside:
        shown = ", ".join(f"{name} ({values.get(name, 'not given')})" for name in outside)
        raise DataError(f"--enqueue {path}: not in the space that is searched: {shown}")
    return values


def _short(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)
