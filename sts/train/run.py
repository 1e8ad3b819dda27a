"""One training, from pairs to a saved scorer."""

import json
import math
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sts import __version__
from sts.encoders import Encoder
from sts.errors import Interrupted, TrainingError, UsageError
from sts.evaluate import Metrics, measure
from sts.files import write_json
from sts.models import DEFAULT_THRESHOLD, CrossScorer, ScorerInfo
from sts.models.network import new_network, read_network
from sts.models.precision import choose_precision
from sts.pairs import LoadedPairs, Split, hard_split, random_split
from sts.quiet import quiet_libraries
from sts.train.plan import Plan, make_plan
from sts.train.settings import TrainSettings

if TYPE_CHECKING:
    import numpy as np
    from datasets import Dataset
    from sentence_transformers import CrossEncoder

    from sts.train.callbacks import GracefulStop
    from sts.train.trainer import PlannedTrainer

RUN_FILE = "run.json"
PACKAGES = ("torch", "transformers", "sentence-transformers", "tokenizers", "datasets")


@dataclass(frozen=True)
class Validated:
    """A validation split's pairs, their scores in either order, and what these amount to."""

    pairs: "Dataset"
    scores: "np.ndarray"
    metrics: Metrics


@dataclass(frozen=True)
class TrainingResult:
    """What a training ended with.

    Attributes:
        scorer: the best checkpoint by Pearson on the hard split.
        hard, random: its results on the two validation splits.
        history: the trainer's records, one a logging step or validation.
        left_out: label-0 pairs that were not trained on.
        trained_on: pairs that were, those of the intermediate task not counted.
        truncated: training pairs that were cut at the maximal length.
        best_step: the step of the checkpoint that was kept.
    """

    scorer: CrossScorer
    hard: Validated
    random: Validated
    history: list[dict[str, Any]]
    left_out: int
    trained_on: int
    truncated: int
    best_step: int


def train_scorer(
    encoder: Encoder,
    data: LoadedPairs,
    settings: TrainSettings,
    *,
    work: Path,
    say: Callable[[str], None],
    intermediate: LoadedPairs | None = None,
    resume: bool = False,
    mode: str = "cross",
    log_to: str = "none",
) -> TrainingResult:
    """Train a scorer on pairs and measure its best checkpoint.

    Args:
        encoder: the base model.
        data: labelled pairs; two validation splits are held out from them.
        settings: how to train.
        work: folder for checkpoints and `metrics.jsonl`; it outlives an interruption.
        say: prints a line.
        intermediate: pairs that are mixed into the first epoch only.
        resume: go on from the last complete checkpoint in `work`.
        mode: `cross`, a cross-encoder.
        log_to: `tensorboard`, `wandb` or `none`.

    Raises:
        DataError: too few pairs to hold some out and train on the others.
        UsageError: settings that the encoder can't honour, or a `resume` that does not fit `work`.
        TrainingError: the loss or the scores degenerate.
        Interrupted: Ctrl-C or SIGTERM; a checkpoint was written.
    """
    from transformers import set_seed

    from sts.train.callbacks import GracefulStop
    from sts.train.embedding import train_used_rows
    from sts.train.trainer import freeze

    precision = choose_precision(settings.precision)
    identity = _identity(encoder, data, intermediate, settings)
    if resume:
        _check_resume(work, identity)
    size = max(10, round(len(data.pairs) * settings.validation_fraction))
    hard = hard_split(data.pairs, size, seed=settings.seed)
    chance = random_split(hard.train, size, seed=settings.seed)
    extra = _without(intermediate.pairs, hard, chance) if intermediate else None
    set_seed(settings.seed)
    network = new_network(encoder.folder, head=settings.head, max_length=settings.max_length)
    freeze(network, settings.freeze_layers)
    tokens = _tokens(network, chance.train) + (_tokens(network, extra) if extra is not None else [])
    train_used_rows(network, chain.from_iterable(tokens + _tokens(network, hard.validation)))
    lengths = [len(ids) for ids in tokens]
    plan = make_plan(chance.train, extra, settings, lengths)
    _announce(say, mode, plan, hard, chance, extra, settings, precision)
    info = _info(mode, encoder, data, intermediate, settings)
    write_json(work / RUN_FILE, identity)  # not before: a training that can't start leaves nothing behind
    stop = GracefulStop()
    trainer = _trainer(network, plan, settings, precision, work, hard.validation, info, stop, say, log_to)
    _run(trainer, stop, _last_checkpoint(work) if resume else None)
    best = CrossScorer(_best_network(trainer, info), info, precision=precision)
    say("measuring the best checkpoint on both validation splits, in both orders")
    return TrainingResult(
        best,
        _validate(best, hard.validation, settings.seed),
        _validate(best, chance.validation, settings.seed),
        trainer.state.log_history,
        plan.left_out,
        len(chance.train) - plan.left_out,
        sum(length > settings.max_length for length in lengths),
        trainer.state.best_global_step or 0,
    )


def _trainer(
    network: "CrossEncoder",
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

    def validate(model: "CrossEncoder") -> dict[str, float]:
        scores = CrossScorer(model, info, precision=precision).score(validation["sentence1"], validation["sentence2"])
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
        network,
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


def _validate(scorer: CrossScorer, pairs: "Dataset", seed: int) -> Validated:
    forward = scorer.score(pairs["sentence1"], pairs["sentence2"], progress=True).scores
    backward = scorer.score(pairs["sentence2"], pairs["sentence1"], progress=True).scores
    metrics = measure(pairs["label"][:], forward, threshold=scorer.info.threshold, swapped_score=backward, seed=seed)
    return Validated(pairs, forward, metrics)


def _best_network(trainer: "PlannedTrainer", info: ScorerInfo) -> "CrossEncoder":
    state = trainer.state
    if state.best_model_checkpoint is None or state.best_metric is None or state.best_metric <= -1:
        raise TrainingError(
            "no checkpoint tells pairs apart: each gives the same score to every validation pair; "
            "lower --learning-rate, train longer, or check that the labels vary"
        )
    return read_network(Path(state.best_model_checkpoint), info)


def _without(pairs: "Dataset", *splits: Split) -> "Dataset":
    """The pairs of an intermediate task that share no sentence with any validation pair."""
    held = {sentence for split in splits for name in ("sentence1", "sentence2") for sentence in split.validation[name]}
    rows = zip(pairs["sentence1"], pairs["sentence2"], strict=True)
    return pairs.select([row for row, (a, b) in enumerate(rows) if a not in held and b not in held])


def _tokens(network: "CrossEncoder", pairs: "Dataset") -> list[list[int]]:
    """Token ids of each pair, not cut."""
    return network.tokenizer(pairs["sentence1"][:], pairs["sentence2"][:], verbose=False)["input_ids"]


def _announce(
    say: Callable[[str], None],
    mode: str,
    plan: Plan,
    hard: Split,
    chance: Split,
    extra: "Dataset | None",
    settings: TrainSettings,
    precision: str,
) -> None:
    from sts.pairs.split import overlap_pearson

    say(
        f"validation: {len(hard.validation)} hard pairs (overlap-label r {overlap_pearson(hard.validation):.2f}), "
        f"{len(chance.validation)} random pairs; "
        f"{hard.dropped + chance.dropped} pairs dropped that share a sentence with them"
    )
    mixed = f", {len(extra):,} intermediate pairs in the first epoch" if extra is not None else ""
    say(
        f"training a {mode}-encoder: {len(chance.train) - plan.left_out:,} pairs "
        f"({plan.left_out:,} of label 0 left out){mixed}, "
        f"{settings.epochs} epochs, {len(plan.batches):,} batches of {settings.batch_size}, {precision}, "
        f"seed {settings.seed}"
    )


def _info(
    mode: str, encoder: Encoder, data: LoadedPairs, intermediate: LoadedPairs | None, settings: TrainSettings
) -> ScorerInfo:
    described = {"description": data.description, "pairs": len(data.pairs), "fingerprint": data.fingerprint}
    if intermediate:
        described["intermediate"] = {
            "description": intermediate.description,
            "pairs": len(intermediate.pairs),
            "fingerprint": intermediate.fingerprint,
        }
    return ScorerInfo(
        mode=mode,
        base_model=encoder.name,
        base_model_origin=encoder.origin,
        head=settings.head,
        max_length=settings.max_length,
        orders=settings.orders,
        threshold=DEFAULT_THRESHOLD,
        settings=asdict(settings),
        data=described,
        versions=_versions(),
    )


def _versions() -> dict[str, str]:
    from importlib.metadata import version

    return {"korean-sts": __version__} | {name: version(name) for name in PACKAGES}


def _identity(
    encoder: Encoder, data: LoadedPairs, intermediate: LoadedPairs | None, settings: TrainSettings
) -> dict[str, Any]:
    """What makes two trainings the same one."""
    return {
        "base_model": encoder.name,
        "data": data.fingerprint,
        "intermediate_data": intermediate.fingerprint if intermediate else None,
        **asdict(settings),
    }


def _check_resume(work: Path, identity: dict[str, Any]) -> None:
    """Check that the unfinished training in `work` is the one that is asked for."""
    path = work / RUN_FILE
    if not path.is_file():
        raise UsageError(f"--resume: {work} holds no unfinished training; leave --resume out to start one")
    before = json.loads(path.read_text(encoding="utf-8"))
    changed = [
        f"{name} was {before.get(name)!r} and is {value!r}"
        for name, value in identity.items()
        if before.get(name) != value
    ]
    if changed:
        raise UsageError(f"--resume: this is another training than the one in {work}: {'; '.join(changed)}")


def _last_checkpoint(work: Path) -> Path | None:
    """The newest checkpoint that was written to its end: the trainer's state is its last file."""
    complete = []
    for path in (work / "checkpoints").glob("checkpoint-*"):
        try:
            complete.append((json.loads((path / "trainer_state.json").read_text())["global_step"], path))
        except (OSError, ValueError):
            shutil.rmtree(path)  # killed in the middle of writing it
    return max(complete)[1] if complete else None
