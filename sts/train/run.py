"""One training, from pairs to a saved scorer."""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sts.errors import Interrupted, TrainingError
from sts.evaluate import Metrics, measure
from sts.evaluate.metrics import make_sample
from sts.evaluate.threshold import best_thresholds, fitted, threshold_record
from sts.models import BiScorer, CrossScorer
from sts.models.network import read_network
from sts.quiet import quiet_libraries
from sts.stop import StopRequest
from sts.train.data import HeldOut
from sts.train.modes import scorer_of
from sts.train.prepare import Prepared, prepare
from sts.train.record import Recipe, last_checkpoint
from sts.train.result import TrainingResult, Validated

if TYPE_CHECKING:
    from datasets import Dataset

    from sts.models.network import Network
    from sts.train.trainer import PlannedTrainer


SAME_SCORES = (
    "no checkpoint tells pairs apart: each gives the same score to every validation pair; lower --learning-rate, train "
    "longer, or check that the labels vary"
)


def train_scorer(
    recipe: Recipe,
    *,
    work: Path,
    say: Callable[[str], None],
    held_out: HeldOut | None = None,
    resume: bool = False,
    log_to: str = "none",
) -> TrainingResult:
    """Train a scorer on pairs and measure its best checkpoint.

    Args:
        recipe: what is trained; two validation splits are held out from its pairs, unless it has its own.
        work: folder for checkpoints and `metrics.jsonl`; it outlives an interruption.
        say: prints a line.
        held_out: the split of the data, where it is not to be drawn as the settings say.
        resume: go on from the last complete checkpoint in `work`.
        log_to: `tensorboard`, `wandb` or `none`.

    Raises:
        DataError: too few pairs to hold some out and train on the others.
        UsageError: settings that the encoder can't honour, or a `resume` that does not fit `work`.
        TrainingError: the loss or the scores degenerate.
        Interrupted: Ctrl-C or SIGTERM; a checkpoint was written.
    """
    from sts.train.callbacks import GracefulStop

    ready = prepare(recipe, work=work, say=say, held_out=held_out, resume=resume)
    settings, held = recipe.settings, ready.held
    stop = StopRequest("stopping after this step; a checkpoint is written first (once more to stop at once)")
    evaluations = settings.epochs * settings.evaluations_per_epoch
    trainer = planned_trainer(ready, work, say, evaluations=evaluations, callbacks=[GracefulStop(stop)], log_to=log_to)
    checkpoint = last_checkpoint(work) if resume else None
    with quiet_libraries(), stop:
        trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
    if stop.requested:
        raise Interrupted(
            f"stopped at step {trainer.state.global_step} of {trainer.state.max_steps}; --resume goes on from there"
        )
    network, step = _kept_network(trainer, ready, work)
    kept = _scorer(network, ready)
    exchanged = "" if kept.info.one_order else ", and with their sentences exchanged"
    say(f"measuring the checkpoint of step {step} on the validation pairs{exchanged}")
    kept = _with_threshold(kept, held, say) if settings.fit_threshold else kept
    validated = {name: _validate(kept, part, settings.seed) for name, part in held.validation.items()}
    scores = validated[held.name].scores
    if len(scores) > 1 and float(scores.max() - scores.min()) == 0:
        raise TrainingError(SAME_SCORES)
    return TrainingResult(
        kept,
        validated,
        _by_dimension(kept, held.first, settings.seed),
        trainer.state.log_history,
        ready.left_out,
        ready.trained_on,
        ready.truncated,
        step,
        ready.left_as_is,
        ready.counts,
        ready.silver,
    )


def planned_trainer(
    ready: Prepared,
    work: Path,
    say: Callable[[str], None],
    *,
    evaluations: int,
    callbacks: Sequence[Any],
    checkpoints: bool = True,
    log_to: str = "none",
    run_name: str | None = None,
) -> "PlannedTrainer":
    """A trainer that goes through a prepared training, validating it on the hard split on the way.

    Args:
        ready: the training.
        work: folder for `metrics.jsonl` and checkpoints.
        say: prints a line.
        evaluations: how often to validate, evenly from the beginning to the end.
        callbacks: what else happens on the way.
        checkpoints: whether each validation leaves a checkpoint.
        log_to: `tensorboard`, `wandb` or `none`.
        run_name: what `wandb` calls it; None leaves that to it.
    """
    from transformers import EarlyStoppingCallback
    from transformers.integrations import TensorBoardCallback

    from sts.train.callbacks import Records, Schedule
    from sts.train.trainer import make_trainer

    settings, validation = ready.recipe.settings, ready.held.first

    def validate(model: "Network") -> dict[str, float]:
        try:
            scorer = _scorer(model, ready)
        except TrainingError:  # of its calibration: the cosines do not rise with the labels
            return {"pearson": -1.0, "spearman": -1.0, "f1": 0.0, "mae": 5.0}
        scores = scorer.score(validation["sentence1"], validation["sentence2"])
        if len(validation) < 2:
            return {"pearson": -1.0, "spearman": -1.0, "f1": 0.0, "mae": 5.0}
        metrics = measure(validation["label"][:], scores.scores, threshold=ready.info.threshold, bootstrap=0).to_dict()
        values = {name: metrics[name]["value"] for name in ("pearson", "spearman", "f1", "mae")}
        # the same score for every pair has no correlation; it is the worst checkpoint there can be
        return {name: -1.0 if value is None or math.isnan(value) else value for name, value in values.items()}

    everything: list[Any] = [
        *callbacks,
        Schedule(evaluations, checkpoints=checkpoints),
        *([EarlyStoppingCallback(settings.patience)] if ready.held.chooses else []),
        Records(work / "metrics.jsonl", ready.plan, settings.gradient_accumulation, say, choosing=ready.held.chooses),
    ]
    if log_to == "tensorboard":
        from torch.utils.tensorboard import SummaryWriter

        everything.append(TensorBoardCallback(SummaryWriter(str(work / "tensorboard"))))
    return make_trainer(
        ready.info.mode,
        ready.network,
        ready.info.prompt,
        ready.plan,
        settings,
        precision=ready.precision,
        folder=work / "checkpoints",
        validate=validate,
        callbacks=everything,
        report_to=["wandb"] if log_to == "wandb" else [],
        run_name=run_name,
    )


def _scorer(network: "Network", ready: Prepared) -> CrossScorer | BiScorer:
    pairs = ready.held.to_calibrate() if ready.info.mode == "bi" else ready.held.first
    columns = (pairs[name][:] for name in ("sentence1", "sentence2", "label"))
    return scorer_of(network, ready.info, *columns, precision=ready.precision, settings=ready.recipe.settings)


def _validate(scorer: CrossScorer | BiScorer, pairs: "Dataset", seed: int) -> Validated:
    forward = scorer.score(pairs["sentence1"], pairs["sentence2"], progress=True).scores
    backward = forward
    if not scorer.info.one_order:
        backward = scorer.score(pairs["sentence2"], pairs["sentence1"], progress=True).scores
    if len(pairs) < 2:
        return Validated(pairs, forward, None)
    metrics = measure(pairs["label"][:], forward, threshold=scorer.info.threshold, swapped_score=backward, seed=seed)
    return Validated(pairs, forward, metrics)


def _by_dimension(scorer: CrossScorer | BiScorer, pairs: "Dataset", seed: int) -> dict[int, Metrics]:
    """A bi-encoder's metrics with its vectors cut to each number of dimensions, where there are several."""
    sizes = [int(size) for size in scorer.info.calibration or {}]
    if not isinstance(scorer, BiScorer) or len(sizes) < 2:
        return {}
    found = {}
    for size in sizes:
        cut = BiScorer(scorer.runtime, scorer.info, dimension=size)
        scores = cut.score(pairs["sentence1"], pairs["sentence2"]).scores
        found[size] = measure(pairs["label"][:], scores, threshold=scorer.info.threshold, seed=seed)
    return found


def _kept_network(trainer: "PlannedTrainer", ready: Prepared, work: Path) -> "tuple[Network, int]":
    """The network of the best checkpoint, or of the last where too few pairs are there to choose by; and its step."""
    state = trainer.state
    if not ready.held.chooses:
        checkpoint = last_checkpoint(work)
        if checkpoint is None:
            raise TrainingError(f"{work}: holds no checkpoint; train again")
        return read_network(checkpoint, ready.info), state.global_step
    if state.best_model_checkpoint is None or state.best_metric is None or state.best_metric <= -1:
        raise TrainingError(SAME_SCORES)
    return read_network(Path(state.best_model_checkpoint), ready.info), state.best_global_step or 0


def _with_threshold(
    scorer: CrossScorer | BiScorer, held: HeldOut, say: Callable[[str], None]
) -> CrossScorer | BiScorer:
    """The scorer with the threshold that is best by F1 on all validation pairs.

    Raises:
        DataError: these are too few, or of one class.
    """
    import numpy as np

    parts = list(held.validation.values())
    scores = np.concatenate([scorer.score(part["sentence1"], part["sentence2"]).scores for part in parts])
    label = np.concatenate([part["label"][:] for part in parts])
    best = best_thresholds(make_sample(label, scores, threshold=scorer.info.threshold), bootstrap=500, seed=0)
    threshold = fitted(best, len(label))
    say(f"similar from {threshold:g} on, by {len(label):,} validation pairs")
    record = threshold_record(best, len(label), "the validation pairs")
    info = replace(scorer.info, threshold=threshold, metrics=scorer.info.metrics | {"threshold": record})
    return type(scorer)(scorer.runtime, info)
