"""What a study sees of a training that runs."""

import statistics
from typing import TYPE_CHECKING, Any

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

if TYPE_CHECKING:
    from optuna import Trial


class Watch(TrainerCallback):
    """Reports each validation to the study, and stops the training where the study's pruner says so.

    Args:
        trial: takes the reports, at steps 1, 2, … over all its trainings.
        before: results of the trial's former seeds.
        checks: validations a training.
    """

    def __init__(self, trial: "Trial", before: list[float], checks: int) -> None:
        self.trial, self.before, self.checks = trial, before, checks
        self.seen: list[float] = []
        self.pruned = False

    def on_evaluate(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        metrics: dict[str, float] | None = None,
        **_: Any,
    ) -> None:
        """Report the best Pearson so far; a trial of several seeds reports the mean with its former ones."""
        self.seen.append((metrics or {})["eval_pearson"])
        step = len(self.before) * self.checks + len(self.seen)
        self.trial.report(statistics.mean([*self.before, max(self.seen)]), step)
        last = len(self.seen) == self.checks
        # a whole training's result is kept: nothing is saved by throwing it away
        if not last and self.trial.should_prune():
            self.pruned = control.should_training_stop = True
