"""One training, from pairs to a saved scorer."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sts.encoders import Encoder
from sts.errors import Interrupted, TrainingError
from sts.evaluate import Metrics, measure
from sts.files import write_json
from sts.models import BiScorer, CrossScorer, ScorerInfo
from sts.models.info import Mode
from sts.models.network import read_network
from sts.models.precision import choose_precision
from sts.pairs import LoadedPairs
from sts.quiet import quiet_libraries
from sts.text import find_pipeline
from sts.train.data import (
    Augmentation,
    Distillation,
    HeldOut,
    describe,
    hold_out,
    new_pairs,
    prepared,
    rows_to_train_on,
    sentences_and_label,
    silver_pairs,
    without,
)
from sts.train.modes import new_network, scorer_of, tokenized
from sts.train.plan import Plan, make_plan
from sts.train.record import RUN_FILE, check_resume, identify, last_checkpoint, make_info
from sts.train.result import TrainingResult, Validated
from sts.train.settings import TrainSettings

if TYPE_CHECKING:
    from datasets import Dataset

    from sts.models.network import Network
    from sts.train.callbacks import GracefulStop
    from sts.train.trainer import PlannedTrainer


def train_scorer(
    encoder: Encoder,
    data: LoadedPairs,
    settings: TrainSettings,
    *,
    work: Path,
    say: Callable[[str], None],
    intermediate: LoadedPairs | None = None,
    augmentation: Augmentation | None = None,
    distillation: Distillation | None = None,
    held_out: HeldOut | None = None,
    resume: bool = False,
    mode: Mode = "cross",
    log_to: str = "none",
) -> TrainingResult:
    """Train a scorer on pairs and measure its best checkpoint.

    Args:
        encoder: the base model.
        data: labelled pairs; two validation splits are held out from them.
        settings: how to train; see `TrainSettings.for_mode`.
        work: folder for checkpoints and `metrics.jsonl`; it outlives an interruption.
        say: prints a line.
        intermediate: pairs that are mixed into the first epoch only.
        augmentation: makes new pairs of those that are trained on.
        distillation: puts their sentences together anew, labelled by a teacher; mode `bi` only.
        held_out: the split of the data, where it is not to be drawn from the settings' seed.
        resume: go on from the last complete checkpoint in `work`.
        mode: `cross` or `bi`.
        log_to: `tensorboard`, `wandb` or `none`.

    Raises:
        DataError: too few pairs to hold some out and train on the others.
        UsageError: settings that the encoder can't honour, or a `resume` that does not fit `work`.
        TrainingError: the loss or the scores degenerate.
        Interrupted: Ctrl-C or SIGTERM; a checkpoint was written.
    """
    import numpy as np
    from datasets import concatenate_datasets
    from transformers import set_seed

    from sts.train.callbacks import GracefulStop
    from sts.train.embedding import train_used_rows
    from sts.train.trainer import freeze

    settings = settings.for_mode(mode)
    precision = choose_precision(settings.precision)
    pipeline = find_pipeline(settings.text_pipeline)
    identity = identify(mode, encoder, data, intermediate, settings, pipeline, augmentation, distillation)
    if resume:
        check_resume(work, identity)
    held = held_out or hold_out(data.pairs, settings)
    generator = np.random.default_rng(settings.seed)
    kept = rows_to_train_on(held.train, settings, generator)
    left_out = len(held.train) - len(kept)
    extra = without(intermediate.pairs, held.sentences()) if intermediate else None
    say(describe(held))
    set_seed(settings.seed)
    network = new_network(mode, encoder, settings)
    freeze(network, settings.freeze_layers)
    info = make_info(mode, encoder, data, intermediate, settings, pipeline, augmentation, distillation)
    write_json(work / RUN_FILE, identity)  # not before: a training that can't start leaves nothing behind
    train, counts, silver = held.train, None, None
    added = []
    if augmentation is not None:
        new = new_pairs(
            train.select(kept), augmentation, seed=settings.seed, held_out=held.sentences(), work=work, say=say
        )
        added, counts = [new.pairs], new.counts
    if distillation is not None:
        silver = silver_pairs(
            network, info, [train, extra], distillation, precision, seed=settings.seed, work=work, say=say
        )
        added.append(silver.pairs)
    if added:
        train = concatenate_datasets([sentences_and_label(part) for part in (train, *added)])
        kept = np.concatenate([kept, np.arange(len(held.train), len(train))])
    parts = [prepared(part, pipeline) for part in (train, extra, held.hard) if part is not None]
    used, lengths = zip(*(tokenized(mode, network, info.prompt, part) for part, _ in parts), strict=True)
    train_used_rows(network, set().union(*used))
    longest = [length for part in lengths[:-1] for length in part]
    plan = make_plan(parts[0][0], kept, parts[1][0] if extra is not None else None, settings, longest, generator)
    mixed = f", {len(extra):,} intermediate pairs in the first epoch" if extra is not None else ""
    say(
        f"training a {mode}-encoder: {len(kept):,} pairs ({left_out:,} of label 0 left out){mixed}, "
        f"{settings.epochs} epochs, {len(plan.batches):,} batches of {settings.batch_size}, {precision}, "
        f"text pipeline {pipeline.name}, seed {settings.seed}"
    )
    stop = GracefulStop()
    trainer = _trainer(network, plan, settings, precision, work, held.hard, info, stop, say, log_to)
    _run(trainer, stop, last_checkpoint(work) if resume else None)
    best = _scorer(_best_network(trainer, info), info, held.hard, precision, settings)
    say("measuring the best checkpoint on both validation splits, in both orders")
    return TrainingResult(
        best,
        _validate(best, held.hard, settings.seed),
        _validate(best, held.random, settings.seed),
        _by_dimension(best, held.hard, settings.seed),
        trainer.state.log_history,
        left_out,
        len(kept),
        sum(length > settings.max_length for length in longest),
        trainer.state.best_global_step or 0,
        sum(left_as_is for _, left_as_is in parts[:-1]),
        counts,
        silver,
    )


def _trainer(
    network: "Network",
    plan: Plan,
    settings: TrainSettings,
    precision: str,
    work: Path,
    validation: "Dataset",
    info: ScorerInfo,
    stop: "GracefulStop",
    say: Callable[[str], None],
    log_to: str,
) -> "PlannedTrainer":
    from transformers import EarlyStoppingCallback
    from transformers.integrations import TensorBoardCallback

    from sts.train.callbacks import Records, Schedule
    from sts.train.trainer import make_trainer

    def validate(model: "Network") -> dict[str, float]:
        try:
            scorer = _scorer(model, info, validation, precision, settings)
        except TrainingError:  # of its calibration: the cosines do not rise with the labels
            return {"pearson": -1.0, "spearman": -1.0, "f1": 0.0, "mae": 5.0}
        scores = scorer.score(validation["sentence1"], validation["sentence2"])
        metrics = measure(validation["label"][:], scores.scores, threshold=info.threshold, bootstrap=0).to_dict()
        values = {name: metrics[name]["value"] for name in ("pearson", "spearman", "f1", "mae")}
        # the same score for every pair has no correlation; it is the worst checkpoint there can be
        return {name: -1.0 if value is None or math.isnan(value) else value for name, value in values.items()}

    callbacks: list[Any] = [
        stop,
        Schedule(settings.epochs * settings.evaluations_per_epoch),
        EarlyStoppingCallback(settings.patience),
        Records(work / "metrics.jsonl", plan, settings.gradient_accumulation, say),
    ]
    if log_to == "tensorboard":
        from torch.utils.tensorboard import SummaryWriter

        callbacks.append(TensorBoardCallback(SummaryWriter(str(work / "tensorboard"))))
    return make_trainer(
        info.mode,
        network,
        info.prompt,
        plan,
        settings,
        precision=precision,
        folder=work / "checkpoints",
        validate=validate,
        callbacks=callbacks,
        report_to=["wandb"] if log_to == "wandb" else [],
    )


def _run(trainer: "PlannedTrainer", stop: "GracefulStop", checkpoint: Path | None) -> None:
    """Train to the end of the plan, or to where somebody stops it."""
    with quiet_libraries():
        try:
            trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
        finally:
            stop.release()
    if stop.requested:
        raise Interrupted(
            f"stopped at step {trainer.state.global_step} of {trainer.state.max_steps}; --resume goes on from there"
        )


def _scorer(
    network: "Network", info: ScorerInfo, validation: "Dataset", precision: str, settings: TrainSettings
) -> CrossScorer | BiScorer:
    columns = (validation[name][:] for name in ("sentence1", "sentence2", "label"))
    return scorer_of(network, info, *columns, precision=precision, settings=settings)


def _validate(scorer: CrossScorer | BiScorer, pairs: "Dataset", seed: int) -> Validated:
    forward = scorer.score(pairs["sentence1"], pairs["sentence2"], progress=True).scores
    backward = scorer.score(pairs["sentence2"], pairs["sentence1"], progress=True).scores
    metrics = measure(pairs["label"][:], forward, threshold=scorer.info.threshold, swapped_score=backward, seed=seed)
    return Validated(pairs, forward, metrics)


def _by_dimension(scorer: CrossScorer | BiScorer, pairs: "Dataset", seed: int) -> dict[int, Metrics]:
    """A bi-encoder's metrics with its vectors cut to each number of dimensions, where there are several."""
    sizes = [int(size) for size in scorer.info.calibration or {}]
    if not isinstance(scorer, BiScorer) or len(sizes) < 2:
        return {}
    found = {}
    for size in sizes:
        cut = BiScorer(scorer.network, scorer.info, precision=scorer.precision, dimension=size)
        scores = cut.score(pairs["sentence1"], pairs["sentence2"]).scores
        found[size] = measure(pairs["label"][:], scores, threshold=scorer.info.threshold, seed=seed)
    return found


def _best_network(trainer: "PlannedTrainer", info: ScorerInfo) -> "Network":
    state = trainer.state
    if state.best_model_checkpoint is None or state.best_metric is None or state.best_metric <= -1:
        raise TrainingError(
            "no checkpoint tells pairs apart: each gives the same score to every validation pair; "
            "lower --learning-rate, train longer, or check that the labels vary"
        )
    return read_network(Path(state.best_model_checkpoint), info)
