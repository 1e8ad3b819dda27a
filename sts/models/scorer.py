"""What all scorers have in common."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from sts.errors import UsageError
from sts.models.info import ScorerInfo, write_info
from sts.models.runtime import Runtime

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True)
class Scored:
    """Scores of n pairs.

    Attributes:
        scores: float32 (n,), 0 to 5.
        truncated: bool (n,), true where a pair was longer than the model and was cut.
        left_as_is: bool (n,), true where the text pipeline would have left nothing of a sentence, which
            therefore stayed as it was.
        unknown: float32 (n,), 0 to 1: the share of the text that the vocabulary does not know, of the sentence of a
            pair that was read less; see `sts.models.coverage`.
        unread: bool (n,), true where too little was read to call a pair similar.
    """

    scores: "np.ndarray"
    truncated: "np.ndarray"
    left_as_is: "np.ndarray"
    unknown: "np.ndarray"
    unread: "np.ndarray"

    def similar(self, threshold: float) -> "np.ndarray":
        """Bool (n,), true for pairs that score `threshold` or more and of which enough was read."""
        found: np.ndarray = (self.scores >= threshold) & ~self.unread
        return found


class Known(dict[Any, Any]):
    """Results of earlier calls, by what they are of: so many of the latest.

    Args:
        most: results that are kept.
    """

    def __init__(self, most: int) -> None:
        super().__init__()
        self._most = most

    def forget(self) -> None:
        """Drop the oldest of those that are too many."""
        for key in list(itertools.islice(self, max(0, len(self) - self._most))):
            del self[key]


class Scorer(Protocol):
    """Whatever scores pairs of sentences from 0 to 5."""

    info: ScorerInfo

    def score(
        self, sentence1: Sequence[str], sentence2: Sequence[str], *, batch_size: int = 64, progress: bool = False
    ) -> Scored:
        """Score pairs in the order given."""
        ...


def check_pairs(sentence1: Sequence[str], sentence2: Sequence[str]) -> None:
    """Check that every first sentence has a second one.

    Raises:
        UsageError: the two lists differ in length.
    """
    if len(sentence1) != len(sentence2):
        raise UsageError(f"{len(sentence1)} first and {len(sentence2)} second sentences; give as many of each")


def write_scorer(folder: Path, runtime: Runtime, info: ScorerInfo) -> None:
    """Write a scorer into an existing folder: weights, tokenizer, configuration, `sts.json`."""
    runtime.save(folder)
    write_info(folder, info)
