"""A whole study: its trials, its report, and what its best settings are worth."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sts.errors import Interrupted, StudyError
from sts.files import write_json
from sts.stop import StopRequest
from sts.text import find_pipeline
from sts.train.data import HeldOut
from sts.train.record import Recipe, identify
from sts.tune.final import BEST_FILE, Outcome, finish, write_best
from sts.tune.report import write_report
from sts.tune.space import Space, Value, default_values
from sts.tune.storage import STUDY_FILE, open_storage, study_record
from sts.tune.study import best_trial, check_not_all_failed, open_study, read_values, run_trials
from sts.tune.trial import CHECKS, Objective

if TYPE_CHECKING:
    from optuna import Study
    from optuna.trial import FrozenTrial

FINAL_LOCK = "final.lock"


@dataclass(frozen=True)
class Tuning:
    """What a study is about.

    Attributes:
        name: of the study in its storage.
        recipe: the training; its settings stand where the space has none, and are what is tried first.
        held: all pairs to train on, and the validation parts.
        space: what is searched.
        trials: how many the study is to have.
        fraction: share of the pairs that a trial trains on.
        seeds: trainings a trial.
        output: the study's folder.
        place: the storage, as it may be shown.
        options: options of `sts.train` that `best.yaml` is to name.
    """

    name: str
    recipe: Recipe
    held: HeldOut
    space: Space
    trials: int
    fraction: float
    seeds: int
    output: Path
    place: str
    options: dict[str, Any]

    def contract(self) -> dict[str, Any]:
        """What whoever joins the study must say too, for trials to be comparable."""
        same = identify(self.recipe, find_pipeline(self.recipe.settings.text_pipeline))
        searched = {name: value for name, value in same.items() if name not in self.space.entries}
        return searched | {
            "space": self.space.entries,
            "fraction": self.fraction,
            "seeds": self.seeds,
            "checks": CHECKS,
            "study_seed": self.recipe.settings.seed,
        }

    def part(self) -> HeldOut:
        """What a trial sees: the validation parts, and a share of the pairs that the seed draws."""
        import numpy as np

        if self.fraction == 1:
            return self.held
        generator = np.random.default_rng(self.recipe.settings.seed)
        size = max(1, round(len(self.held.train) * self.fraction))
        rows = np.sort(generator.permutation(len(self.held.train))[:size])
        return replace(self.held, train=self.held.train.select(rows))

    def about(self) -> list[str]:
        """What the report says of it, in lines."""
        recipe = self.recipe
        lines = [
            f"A {recipe.mode}-encoder from {recipe.encoder.name}; data: {recipe.data.summary()}",
            f"A trial trains {self.seeds} time{'s' * (self.seeds > 1)} on {len(self.part().train):,} of "
            f"{len(self.held.train):,} pairs and is measured {CHECKS} times on {len(self.held.first):,} "
            f"{self.held.name} pairs; its value is the best of these Pearson correlations"
            + (", the mean over its trainings" if self.seeds > 1 else ""),
            "Sampler: TPE, multivariate and grouped; pruner: below the median of the trials before; seed "
            f"{recipe.settings.seed}",
            f"Storage: {self.place}",
        ]
        if recipe.intermediate:
            lines.insert(1, f"Intermediate task, first epoch only: {recipe.intermediate.summary()}")
        return lines


def first_trials(
    defaults: dict[str, Value], files: list[Path], space: Space, say: Callable[[str], None]
) -> list[dict[str, Value]]:
    """What to try before anything is searched: the defaults, so that the study can only do better, and files.

    Raises:
        DataError: a file that can't be read, or holds what the space has not.
    """
    outside = space.outside(defaults)
    first = [] if outside else [defaults]
    if outside:
        shown = ", ".join(f"{name} {defaults[name]}" for name in outside)
        say(f"the defaults are not in the space and are not tried: {shown}")
    return first + [read_values(path, space) for path in files]


def run_study(
    tuning: Tuning,
    storage: str | None,
    first: list[dict[str, Value]],
    *,
    budget: float | None,
    worker: bool,
    log_to: str,
    say: Callable[[str], None],
) -> "tuple[FrozenTrial, Outcome] | None":
    """Run a study to its end, or to where its time is over, then measure and keep the best settings.

    Args:
        tuning: what it is about.
        storage: as `open_storage` has it.
        first: values to try first.
        budget: seconds in which trials may begin; None is no limit.
        worker: whether to leave the rest to another process when the trials are done.
        log_to: where a trial's curves go.
        say: prints a line.

    Returns:
        The best trial, and what its settings were worth; None where another process finds that out.

    Raises:
        StudyError: the storage can't be used, or all trials failed.
        UsageError: the study exists and is about something else.
        Interrupted: Ctrl-C or SIGTERM; the study can go on.
    """
    import optuna

    optuna.logging.set_verbosity(optuna.logging.CRITICAL)  # what fails is told in lines of this project
    with open_storage(storage, tuning.output) as opened, _told_by(tuning.place):
        study, new = open_study(tuning.name, opened, tuning.contract(), first)
        write_json(tuning.output / STUDY_FILE, study_record(tuning.name, storage))
        part = tuning.part()
        say(
            f"{'a new study' if new else 'joining the study'}: trials on {len(part.train):,} of "
            f"{len(tuning.held.train):,} pairs; watch it with: optuna-dashboard {_dashboard(storage, tuning.place)}"
        )
        objective = Objective(tuning.recipe, part, tuning.space, tuning.seeds, tuning.trials, tuning.output, log_to)
        stop = StopRequest("stopping after this trial (once more to stop at once)")
        local = storage is None or "://" not in storage
        try:
            with stop:
                run_trials(
                    study,
                    objective,
                    deadline=None if budget is None else time.monotonic() + budget,
                    stop=stop,
                    one_process=storage is None or storage.endswith(".db"),
                    one_machine=local,
                    say=say,
                )
        finally:
            _report(tuning, study, None)
        if stop.requested:
            raise Interrupted("stopped; the same command goes on")
        check_not_all_failed(study)
        best = best_trial(study)
        if best is None:
            raise StudyError("no trial is complete; the same command with more --trials or --time-budget goes on")
        if worker:
            say("the trials are done; --worker leaves the rest to another process")
            return None
        outcome = _finish(tuning, study, best, say)
        if outcome is None:
            return None
        _report(tuning, study, outcome)
    return best, outcome


def _finish(tuning: Tuning, study: "Study", best: "FrozenTrial", say: Callable[[str], None]) -> Outcome | None:
    """Write `best.yaml`, and train with it; None where another process of this machine does so already."""
    from filelock import FileLock, Timeout

    name = f"{tuning.name}, trial {best.number}"
    recipe = replace(tuning.recipe, study=name)
    try:
        with FileLock(tuning.output / FINAL_LOCK, timeout=0):
            about = f"found by the study {tuning.name}, trial {best.number}: Pearson {best.value:.4f}"
            write_best(tuning.output / BEST_FILE, recipe, best.params, tuning.options, about)
            try:
                return finish(
                    recipe,
                    tuning.held,
                    best.params,
                    default_values(tuning.recipe.settings, tuning.space),
                    trial=best.number,
                    output=tuning.output,
                    say=say,
                )
            except Interrupted as error:
                raise Interrupted("stopped while training the best settings; the same command goes on") from error
    except Timeout:
        say(f"another process trains the best settings, of trial {best.number}, into {tuning.output}; this one is done")
        return None


def _report(tuning: Tuning, study: "Study", outcome: Outcome | None) -> None:
    from sts.quiet import quiet_libraries

    if not study.get_trials(deepcopy=False):
        return
    with quiet_libraries():
        write_report(tuning.output, study, tuning.space, tuning.about(), outcome)


def _dashboard(storage: str | None, place: str) -> str:
    return f"sqlite:///{place}" if storage is None or storage.endswith(".db") else place


@contextmanager
def _told_by(place: str) -> Iterator[None]:
    """Turn a storage's own errors into one line."""
    from optuna.exceptions import StorageInternalError
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield
    except (SQLAlchemyError, StorageInternalError) as error:
        first = (str(error).splitlines() or [type(error).__name__])[0]
        raise StudyError(
            f"{place}: the study's storage failed ({first}); what it holds stays, and the same command goes on"
        ) from error
