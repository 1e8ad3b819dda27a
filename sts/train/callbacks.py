"""What happens beside the steps of a training: validation, progress, records, and a clean stop."""

import json
import math
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tqdm import tqdm
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from sts.errors import TrainingError
from sts.files import write_text
from sts.stop import StopRequest
from sts.train.plan import Plan

COLUMNS = ("epoch", "step", "loss", "pearson", "spearman", "f1", "mae")


class Schedule(TrainerCallback):
    """Validates, and saves where checkpoints are wanted, at fixed steps, the last one among them."""

    def __init__(self, evaluations: int, *, checkpoints: bool = True) -> None:
        self.evaluations, self.checkpoints = evaluations, checkpoints

    def on_step_end(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        **_: Any,
    ) -> None:
        """Ask for a validation and a checkpoint where they are due."""
        due = {round(state.max_steps * number / self.evaluations) for number in range(1, self.evaluations + 1)}
        if state.global_step in due:
            control.should_evaluate = True
            control.should_save = self.checkpoints


class GracefulStop(TrainerCallback):
    """Lets a training end with a checkpoint where that was asked for."""

    def __init__(self, stop: StopRequest) -> None:
        self.stop = stop

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        """Save and stop where that was asked for."""
        if self.stop.requested:
            control.should_save = control.should_training_stop = True


class Records(TrainerCallback):
    """Shows progress, prints a row for each validation, and keeps `metrics.jsonl`.

    Args:
        path: where `metrics.jsonl` goes. It is written whole from the trainer's own history, which
            a checkpoint restores, so that it is right after an interruption too.
        plan: says which epoch a step belongs to.
        accumulation: batches a step.
        say: prints a line.
        choosing: whether the best checkpoint is kept, and not the last.
    """

    def __init__(
        self, path: Path, plan: Plan, accumulation: int, say: Callable[[str], None], *, choosing: bool = True
    ) -> None:
        self.choosing = choosing
        self.path, self.plan, self.accumulation, self.say = path, plan, accumulation, say
        self.bar: tqdm[Any] | None = None
        self.pairs = [len(batch) for batch in plan.batches]

    def _batches(self, step: int) -> int:
        return min(step * self.accumulation, len(self.pairs))

    def on_train_begin(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        """Draw the bar from where the training starts."""
        done = sum(self.pairs[: self._batches(state.global_step)])
        # into a log file, a line now and then is enough
        pause = 0.1 if sys.stderr.isatty() else 30
        self.bar = tqdm(
            total=sum(self.pairs),
            initial=done,
            unit="pair",
            desc="training",
            smoothing=0.1,
            mininterval=pause,
            leave=None,  # not below a study's bar
        )
        self.say("".join(f"{name:>10}" for name in COLUMNS))
        for entry in state.log_history:
            self._row(entry, state)

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        """Move the bar."""
        if self.bar is not None:
            step = state.global_step
            self.bar.update(sum(self.pairs[self._batches(step - 1) : self._batches(step)]))

    def on_log(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        """Record what the trainer just logged.

        Raises:
            TrainingError: the loss is not a finite number.
        """
        entry = state.log_history[-1]
        entry["epoch"] = round(self.plan.epoch_at(self._batches(int(entry["step"]))), 4)
        loss = entry.get("loss")
        if loss is not None and not math.isfinite(loss):
            raise TrainingError(
                f"step {entry['step']}: the loss is {loss}; lower --learning-rate, raise --warmup-ratio, "
                "or try --precision fp32"
            )
        if self.bar is not None and loss is not None:
            self.bar.set_postfix(loss=f"{loss:.4f}", refresh=False)
        self._row(entry, state)
        write_text(self.path, "".join(json.dumps(line) + "\n" for line in state.log_history))

    def _row(self, entry: dict[str, Any], state: TrainerState) -> None:
        if "eval_pearson" not in entry:
            return
        losses = [line["loss"] for line in state.log_history if "loss" in line and line["step"] <= entry["step"]]
        values = [f"{entry['epoch']:.2f}", str(entry["step"]), f"{losses[-1]:.4f}" if losses else "-"]
        values += [f"{entry[f'eval_{name}']:.4f}" for name in COLUMNS[3:]]
        best = max(
            line["eval_pearson"]
            for line in state.log_history
            if "eval_pearson" in line and line["step"] <= entry["step"]
        )
        self.say(
            "".join(f"{value:>10}" for value in values)
            + ("  best" if self.choosing and entry["eval_pearson"] >= best else "")
        )

    def on_train_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        """Close the bar."""
        if self.bar is not None:
            self.bar.close()
