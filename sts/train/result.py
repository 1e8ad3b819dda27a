"""What a training ends with."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sts.evaluate import Metrics
from sts.models import BiScorer, CrossScorer

if TYPE_CHECKING:
    import numpy as np
    from datasets import Dataset

    from sts.augment.silver import Silver


@dataclass(frozen=True)
class Validated:
    """A validation part's pairs, their scores, and what these amount to; a single pair amounts to nothing."""

    pairs: "Dataset"
    scores: "np.ndarray"
    metrics: Metrics | None


@dataclass(frozen=True)
class TrainingResult:
    """What a training ended with.

    Attributes:
        scorer: the best checkpoint by Pearson on the first validation part, or the last one where that is too small.
        validation: its results by validation part, the first one first.
        by_dimension: for a bi-encoder whose vectors may be cut, the metrics on the first part by number of
            dimensions; else empty.
        history: the trainer's records, one a logging step or validation.
        left_out: label-0 pairs that were not trained on.
        trained_on: pairs that were, new ones counted and those of the intermediate task not.
        truncated: training pairs that were cut at the maximal length.
        best_step: the step of the checkpoint that was kept.
        left_as_is: training sentences that the text pipeline would have emptied, and which stayed as they were.
        augmentation: what the augmentation counted, or None where there was none.
        silver: the pairs that teachers labelled, or None where there were none.
    """

    scorer: CrossScorer | BiScorer
    validation: dict[str, Validated]
    by_dimension: dict[int, Metrics]
    history: list[dict[str, Any]]
    left_out: int
    trained_on: int
    truncated: int
    best_step: int
    left_as_is: int = 0
    augmentation: dict[str, Any] | None = None
    silver: "Silver | None" = None
