"""The trainer: sentence-transformers' own, fed by a plan, without what makes it slow on CPUs."""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import torch
from sentence_transformers import (
    CrossEncoderTrainer,
    CrossEncoderTrainingArguments,
    SentenceTransformerTrainer,
    SentenceTransformerTrainingArguments,
)
from sentence_transformers.base.evaluation import BaseEvaluator
from sentence_transformers.cross_encoder.losses import BinaryCrossEntropyLoss, MSELoss
from sentence_transformers.sentence_transformer.losses import (
    AnglELoss,
    CoSENTLoss,
    CosineSimilarityLoss,
    MatryoshkaLoss,
)
from torch.utils.data import BatchSampler
from transformers import PrinterCallback, TrainerCallback

from sts.errors import UsageError
from sts.models.info import Mode
from sts.train.modes import dimensions
from sts.train.plan import Plan
from sts.train.ranges import RangeCoSENTLoss, RangeCrossEntropyLoss
from sts.train.settings import TrainSettings

SCHEDULERS = {"linear": "linear", "cosine": "cosine", "constant": "constant_with_warmup"}


class PlanSampler(BatchSampler):
    """Yields a plan's batches in their order."""

    def __init__(self, batches: list[list[int]]) -> None:
        super().__init__(range(0), batch_size=len(batches[0]), drop_last=False)
        self.batches = batches

    def __iter__(self) -> Iterator[list[int]]:
        return iter(self.batches)

    def __len__(self) -> int:
        return len(self.batches)


class Planned:
    """What makes a trainer take its batches from a plan; one trainer epoch is the whole plan."""

    def __init__(self, *, plan: Plan, **options: Any) -> None:
        self.plan = plan
        super().__init__(train_dataset=plan.rows, **options)  # type: ignore[call-arg]
        self.remove_callback(PrinterCallback)  # type: ignore[attr-defined]

    def get_batch_sampler(self, dataset: Any, *_: Any, **__: Any) -> PlanSampler:
        """The plan's batches, instead of any that the arguments name."""
        return PlanSampler(self.plan.batches)

    def add_model_card_callback(self, default_args_dict: dict[str, Any]) -> None:
        """None: a scorer has its own model card, and the engine's shows a bar over examples that nobody sees."""

    def _save(self, output_dir: str | None = None, state_dict: dict[str, Any] | None = None) -> None:
        """Write the model alone: the base class adds a pickle of the arguments and a model card."""
        self.model.save_pretrained(str(output_dir or self.args.output_dir), create_model_card=False)  # type: ignore[attr-defined]


class PlannedCrossTrainer(Planned, CrossEncoderTrainer):
    """Trains a cross-encoder by a plan."""


class PlannedBiTrainer(Planned, SentenceTransformerTrainer):
    """Trains a bi-encoder by a plan."""


PlannedTrainer = PlannedCrossTrainer | PlannedBiTrainer


def make_trainer(
    mode: Mode,
    network: Any,
    prompt: str,
    plan: Plan,
    settings: TrainSettings,
    *,
    precision: str,
    folder: Path,
    validate: Callable[[Any], dict[str, float]],
    callbacks: Iterable[TrainerCallback],
    report_to: list[str],
    run_name: str | None = None,
) -> PlannedTrainer:
    """Put a trainer together; `folder` takes its checkpoints, `prompt` comes before each of a bi-encoder's sentences.

    What makes it fast on a CPU: bf16 where the processor has it, batches of similar length, AdamW
    in one fused kernel, padding no further than a batch's longest pair, and no gradients for rows of
    the embeddings that never occur (`sts.train.embedding`).
    """
    steps = -(-len(plan.batches) // settings.gradient_accumulation)
    values: dict[str, Any] = {
        "output_dir": str(folder),
        "num_train_epochs": 1,
        "per_device_train_batch_size": settings.batch_size,
        "gradient_accumulation_steps": settings.gradient_accumulation,
        "learning_rate": settings.learning_rate,
        "weight_decay": settings.weight_decay,
        "warmup_steps": round(steps * settings.warmup_ratio),
        "lr_scheduler_type": SCHEDULERS[settings.scheduler],
        "optim": "adamw_torch_fused",
        "bf16": precision == "bf16",
        "use_cpu": not torch.cuda.is_available(),
        "dataloader_pin_memory": torch.cuda.is_available(),
        "seed": settings.seed,
        "eval_strategy": "steps",
        "eval_steps": steps + 1,  # never by itself: the schedule decides
        "save_strategy": "steps",
        "save_steps": steps + 1,
        "save_total_limit": 2,
        "restore_callback_states_from_checkpoint": True,
        "metric_for_best_model": "eval_pearson",
        "greater_is_better": True,
        "logging_steps": max(1, steps // 60),
        "logging_nan_inf_filter": False,
        "disable_tqdm": True,
        "report_to": report_to,
        "run_name": run_name,
    }
    options: dict[str, Any] = {
        "plan": plan,
        "model": network,
        "loss": _loss(mode, network, settings, ranged=isinstance(plan.rows[0]["label"], list)),
        "evaluator": _Validation(validate),
        "callbacks": list(callbacks),
    }
    if mode == "cross":
        return PlannedCrossTrainer(args=CrossEncoderTrainingArguments(**values), **options)
    return PlannedBiTrainer(args=SentenceTransformerTrainingArguments(**values, prompts=prompt), **options)


def _loss(mode: Mode, network: Any, settings: TrainSettings, *, ranged: bool) -> torch.nn.Module:
    if mode == "cross":
        if settings.loss == "bce":
            return RangeCrossEntropyLoss(network) if ranged else BinaryCrossEntropyLoss(network)
        return MSELoss(network, activation_fn=torch.nn.Sigmoid())
    losses = {"cosent": RangeCoSENTLoss if ranged else CoSENTLoss, "angle": AnglELoss, "mse": CosineSimilarityLoss}
    loss: torch.nn.Module = losses[settings.loss](network)
    sizes = dimensions(network, settings)
    return MatryoshkaLoss(network, loss, sizes) if len(sizes) > 1 else loss


class _Validation(BaseEvaluator):
    """Hands the network to a function that measures it."""

    def __init__(self, validate: Callable[[Any], dict[str, float]]) -> None:
        super().__init__()
        self.validate = validate

    def __call__(self, model: Any, *_: Any, **__: Any) -> dict[str, float]:
        """Metrics of `model`, without a prefix."""
        return self.validate(model)


def freeze(network: Any, layers: int) -> None:
    """Keep the embeddings and the lowest `layers` layers of the encoder as they are.

    Raises:
        UsageError: the encoder has fewer layers, or shares one layer's weights among all.
    """
    if layers == 0:
        return
    encoder: Any = network[0]
    base = encoder.model.base_model
    stack = getattr(base.encoder, "layer", None)
    if stack is None:
        raise UsageError(
            f"--freeze-layers {layers}: {base.config.model_type} shares one layer's weights among all its layers, "
            "so single layers can't be frozen; leave the option at 0"
        )
    if layers > len(stack):
        raise UsageError(f"--freeze-layers is {layers}; the encoder has {len(stack)} layers")
    for module in [base.embeddings, *stack[:layers]]:
        module.requires_grad_(False)
