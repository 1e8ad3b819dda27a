"""What can be set about a training, with its unit, and what goes together."""

from dataclasses import dataclass, fields, replace
from typing import Literal, Self

from sts.errors import MissingDependency, UsageError
from sts.models.info import Head, Mode, Orders, Pooling
from sts.models.precision import Precision
from sts.pairs.scale import LabelOptions

# the first one is what `auto` stands for
LOSSES: dict[Mode, tuple[Literal["bce", "mse", "cosent", "angle"], ...]] = {
    "cross": ("bce", "mse"),
    "bi": ("cosent", "angle", "mse"),
}
# losses that know ranges
RANGED = ("bce", "cosent")
# settings that mean something in one mode only
ONLY: dict[Mode, tuple[str, ...]] = {"cross": ("head", "orders"), "bi": ("pooling", "matryoshka_dims")}
# of KLUE-STS's pairs with label 0, most are trivially unrelated
ZERO_LABEL_FRACTION = 0.34
LogTo = Literal["none", "tensorboard", "wandb"]


@dataclass(frozen=True)
class TrainSettings:
    """Training settings.

    Args:
        loss: for --mode cross, bce = binary cross-entropy on label / 5, or mse = squared error on label / 5; for --mode
            bi, cosent = pairs in the order of their labels, angle = the same by angles in complex space, or mse =
            squared error of the cosine; auto = bce and cosent
        head: for --mode cross, linear = the encoder's own classification head, bilstm = a bidirectional LSTM over the
            token states
        pooling: for --mode bi, mean = the mean of the token states, cls = the first one's
        matryoshka_dims: for --mode bi, numbers of dimensions that vectors may be cut to, each trained beside the whole
            vector; not given = whole vectors only
        text_pipeline: how sentences are prepared before the model sees them, in training and ever after: none,
            normalize, original, or a YAML file of steps
        trim_vocabulary: leave out pieces of the base model's vocabulary before training: ko = keep those that Korean
            text needs, files = those that their texts need, or both; for multilingual base models; not given: all stay
        epochs: passes over the training pairs; a pair's sentences change places from one pass to the next
        max_steps: steps after which training ends, in the middle of an epoch if need be; 0 = when the epochs end
        batch_size: pairs a step
        gradient_accumulation: steps whose gradients are added before the weights change
        learning_rate: peak learning rate
        weight_decay: AdamW's weight decay
        warmup_ratio: share of all steps in which the learning rate rises, 0 to 1
        scheduler: what the learning rate does after warm-up
        orders: for --mode cross, sorted = a score does not depend on the order, for the shorter sentence comes first;
            both = nor does the mean over both orders, in twice the time; one = as the sentences come
        max_length: tokens of a pair, or of a sentence for --mode bi, special tokens included; longer ones are cut there
        freeze_layers: lowest layers of the encoder that stay as they are; from 1 on, so do the embeddings
        zero_label_fraction: share of the pairs with label 0 to train on; not given: 0.34 for labels from 0 to 5, where
            most of them are trivially unrelated (as in KLUE-STS), else all
        validation_fraction: share of the pairs in each of the two validation splits, hard and random; of few pairs, up
            to ten are held out, but no more than a fifth
        max_dropped: share of the pairs that may be lost since they have a sentence on either side of a split
        evaluations_per_epoch: validations (and checkpoints) a pass
        patience: validations without a better Pearson before training stops early
        fit_threshold: call two sentences similar from the score on that is best by F1 on the validation pairs, instead
            of 3
        precision: auto = bf16 where the processor computes in it, else fp32
        seed: decides order, initialisation, dropout and whatever else is drawn
        split_seed: decides which pairs are held out, so that trainings with different seeds can hold out the same
            ones; not given = as seed
    """

    loss: Literal["auto", "bce", "mse", "cosent", "angle"] = "auto"
    head: Head = "linear"
    pooling: Pooling = "mean"
    matryoshka_dims: list[int] | None = None
    text_pipeline: str = "none"
    trim_vocabulary: list[str] | None = None
    epochs: int = 2
    max_steps: int = 0
    batch_size: int = 32
    gradient_accumulation: int = 1
    learning_rate: float = 5e-5
    weight_decay: float = 0.01
    warmup_ratio: float = 0.1
    scheduler: Literal["linear", "cosine", "constant"] = "linear"
    orders: Orders = "sorted"
    max_length: int = 256
    freeze_layers: int = 0
    zero_label_fraction: float | None = None
    validation_fraction: float = 0.05
    max_dropped: float = 0.1
    evaluations_per_epoch: int = 2
    patience: int = 4
    fit_threshold: bool = False
    precision: Precision = "auto"
    seed: int = 42
    split_seed: int | None = None

    def __post_init__(self) -> None:
        rules = [
            ("epochs", self.epochs >= 1, "1 or more"),
            ("max_steps", self.max_steps >= 0, "0 or more"),
            ("batch_size", self.batch_size >= 1, "1 or more"),
            ("gradient_accumulation", self.gradient_accumulation >= 1, "1 or more"),
            ("learning_rate", 0 < self.learning_rate < 1, "above 0 and below 1"),
            ("weight_decay", 0 <= self.weight_decay < 1, "0 or more and below 1"),
            ("warmup_ratio", 0 <= self.warmup_ratio < 1, "0 or more and below 1"),
            ("max_length", self.max_length >= 8, "8 or more"),
            ("freeze_layers", self.freeze_layers >= 0, "0 or more"),
            ("zero_label_fraction", self.zero_label_fraction is None or 0 <= self.zero_label_fraction <= 1, "0 to 1"),
            ("max_dropped", 0 <= self.max_dropped <= 1, "0 to 1"),
            ("validation_fraction", 0 < self.validation_fraction <= 0.4, "above 0 and at most 0.4"),
            ("evaluations_per_epoch", self.evaluations_per_epoch >= 1, "1 or more"),
            ("patience", self.patience >= 1, "1 or more"),
            ("matryoshka_dims", all(size >= 1 for size in self.matryoshka_dims or []), "1 or more each"),
            ("seed", 0 <= self.seed < 2**32, "0 to 4294967295"),
            ("split_seed", self.split_seed is None or 0 <= self.split_seed < 2**32, "0 to 4294967295"),
        ]
        broken = [
            f"--{name.replace('_', '-')} is {getattr(self, name)}, allowed is {allowed}"
            for name, holds, allowed in rules
            if not holds
        ]
        if broken:
            raise UsageError("; ".join(broken))

    @property
    def seed_of_split(self) -> int:
        """The seed that decides which pairs are held out."""
        return self.seed if self.split_seed is None else self.split_seed

    def for_mode(self, mode: Mode) -> Self:
        """The settings with their loss decided, for a training in `mode`.

        Raises:
            UsageError: a setting that the mode has no use for.
        """
        settings = replace(self, loss=LOSSES[mode][0]) if self.loss == "auto" else self
        if settings.loss not in LOSSES[mode]:
            raise UsageError(f"--loss is {self.loss}; --mode {mode} knows {', '.join(LOSSES[mode])}")
        other: Mode = "bi" if mode == "cross" else "cross"
        defaults = {entry.name: entry.default for entry in fields(self)}
        for name in ONLY[other]:
            if getattr(self, name) != defaults[name]:
                raise UsageError(f"--{name.replace('_', '-')} goes with --mode {other}; this is --mode {mode}")
        return settings

    def for_labels(self, labels: LabelOptions) -> Self:
        """The settings with the share of label-0 pairs decided, for pairs whose labels had these units."""
        if self.zero_label_fraction is not None:
            return self
        return replace(self, zero_label_fraction=ZERO_LABEL_FRACTION if labels.label_scale in (None, "0-5") else 1.0)

    def used(self, mode: Mode) -> list[str]:
        """The names of the settings that mean something in `mode`."""
        other: Mode = "bi" if mode == "cross" else "cross"
        return [entry.name for entry in fields(self) if entry.name not in ONLY[other]]


def check_log_to(log_to: LogTo) -> None:
    """Raise `MissingDependency` where the package is not installed that curves are to go to."""
    from importlib.util import find_spec

    if log_to != "none" and find_spec(log_to) is None:
        raise MissingDependency(log_to, f"--log-to {log_to}", log_to)
