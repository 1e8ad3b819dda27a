"""One trial: a training, or several with different seeds, watched and cut short where it is hopeless."""

import math
import shutil
import statistics
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from sts.errors import TrainingError
from sts.quiet import quiet_libraries
from sts.train.data import HeldOut
from sts.train.record import Recipe
from sts.tune.space import Space, with_values
from sts.tune.trials import is_surplus, name_worker

if TYPE_CHECKING:
    from optuna import Trial

# validations a training, whatever its length, so that trials can be compared on the way
CHECKS = 4


class SurplusTrial(Exception):
    """Another worker has begun the study's last trial."""


@dataclass(frozen=True)
class Objective:
    """Trains with the settings of a trial, and returns Pearson's r on the hard split.

    Attributes:
        recipe: the training; its settings stand where the space has none.
        held: the pairs to train on, as many as a trial sees, and the validation parts.
        space: what is searched.
        seeds: trainings a trial, each with the next seed; the trial's value is their mean.
        target: trials that the study is to have.
        folder: takes the trials' files while they run, and what TensorBoard shows.
        log_to: `tensorboard`, `wandb` or `none`.
    """

    recipe: Recipe
    held: HeldOut
    space: Space
    seeds: int
    target: int
    folder: Path
    log_to: str

    def __call__(self, trial: "Trial") -> float:
        """Run a trial; its value is the mean over its seeds of the best checkpoint's Pearson, -1 to 1.

        Raises:
            TrialPruned: it was worse than half of the trials before it were at the same point.
            Exception: whatever made it fail, which is recorded with the trial.
        """
        from optuna import TrialPruned

        name_worker(trial)
        if is_surplus(trial.study, trial.number, self.target):
            trial.set_user_attr("surplus", True)
            raise SurplusTrial
        begun = time.monotonic()
        try:
            return self._run(trial)
        except TrialPruned:
            raise
        except Exception as error:
            trial.set_user_attr("reason", describe_failure(error))
            raise
        finally:
            trial.set_user_attr("seconds", round(time.monotonic() - begun, 1))
            _release_memory()

    def tidy(self, ended: set[int]) -> None:
        """Remove what killed processes have left of trials that have ended."""
        for place in (self.folder / "trials").glob("trial-*"):
            if int(place.name.split("-")[1]) in ended:
                shutil.rmtree(place, ignore_errors=True)

    def _run(self, trial: "Trial") -> float:
        values = self.space.suggest(trial)
        settings, augmentation = with_values(self.recipe.settings, values)
        found: list[float] = []
        for number in range(self.seeds):
            seeded = replace(settings, seed=self.recipe.settings.seed + number)
            recipe = replace(self.recipe, settings=seeded, augmentation=augmentation)
            found.append(self._train(trial, recipe, found))
            trial.set_user_attr("pearson_by_seed", found)
        return statistics.mean(found)

    def _train(self, trial: "Trial", recipe: Recipe, before: list[float]) -> float:
        """Train once; `before` are the results of the trial's former seeds."""
        from optuna import TrialPruned

        from sts.train.prepare import prepare
        from sts.train.run import planned_trainer
        from sts.tune.watch import Watch

        name = f"trial-{trial.number:04d}" + (f"-seed-{recipe.settings.seed}" if self.seeds > 1 else "")
        work = self.folder / "trials" / name
        shutil.rmtree(work, ignore_errors=True)
        watch = Watch(trial, before, CHECKS)
        try:
            with quiet_libraries():
                ready = prepare(recipe, work=work, say=_silent, held_out=self.held)
                trainer = planned_trainer(
                    ready,
                    work,
                    _silent,
                    evaluations=CHECKS,
                    callbacks=[watch],
                    checkpoints=False,
                    log_to=self.log_to,
                    run_name=name,
                )
                trainer.train()
            if (work / "tensorboard").is_dir():
                shutil.copytree(work / "tensorboard", self.folder / "tensorboard" / name, dirs_exist_ok=True)
        finally:
            shutil.rmtree(work, ignore_errors=True)
            if self.log_to == "wandb":
                import wandb

                wandb.finish()
        if watch.pruned:
            raise TrialPruned
        best = trainer.state.best_metric
        if best is None or not math.isfinite(best) or best <= -1:
            raise TrainingError("the model gives the same score to every validation pair")
        return float(best)


def describe_failure(error: BaseException) -> str:
    """Why a trial failed, in a line."""
    first = (str(error).strip().splitlines() or [""])[0]
    if isinstance(error, MemoryError) or "out of memory" in first.lower() or "can't allocate memory" in first.lower():
        return f"out of memory: {first or 'no more to be had'}"
    return first if isinstance(error, TrainingError) else f"{type(error).__name__}: {first}".removesuffix(": ")


def _silent(line: str) -> None:
    """A trial's own lines would drown the study's."""


def _release_memory() -> None:
    """Give a failed trial's memory back before the next one begins."""
    import gc

    import torch

    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
