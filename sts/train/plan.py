"""The plan of a training: which pairs, in which order, batch after batch, to the end.

The whole plan is drawn from the seed before the first step. A training that was interrupted goes on
in the middle of the same plan, which is why it ends where an uninterrupted one ends.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sts.pairs.weak import ENDS, MAX_SCORE
from sts.train.settings import TrainSettings

if TYPE_CHECKING:
    import numpy as np
    from datasets import Dataset

# batches of similar length are cut from a sorted window of this many, so that chance stays large
WINDOW_BATCHES = 50


@dataclass(frozen=True)
class Plan:
    """What a training goes through.

    Attributes:
        rows: columns sentence1, sentence2 and label (0 to 1, or both ends of its range); row n + r is row r with its
            sentences exchanged, where n is half the number of rows.
        batches: row numbers of each batch, all epochs one after the other.
        epoch_ends: number of batches up to the end of each epoch; `max_steps` may end a plan within one.
    """

    rows: "Dataset"
    batches: list[list[int]]
    epoch_ends: list[int]

    def epoch_at(self, batch: int) -> float:
        """The epoch reached after so many batches, with its fraction."""
        start = 0
        for number, end in enumerate(self.epoch_ends):
            if batch <= end:
                return number + (batch - start) / (end - start)
            start = end
        return float(len(self.epoch_ends))


def make_plan(
    pairs: "Dataset",
    kept: "np.ndarray",
    first_epoch: "Dataset | None",
    settings: TrainSettings,
    lengths: "Sequence[int]",
    generator: "np.random.Generator",
) -> Plan:
    """Draw a training's plan.

    Args:
        pairs: training pairs with labels 0 to 5.
        kept: numbers of the rows of `pairs` that each epoch goes through.
        first_epoch: pairs that are mixed into the first epoch only, or None.
        settings: batch size, epochs and the most steps.
        lengths: tokens of each pair, those of the first epoch only after the others.
        generator: draws orders and batches.
    """
    import numpy as np

    total = len(pairs) + (len(first_epoch) if first_epoch is not None else 0)
    exchanged = generator.random(total) < 0.5
    batches: list[list[int]] = []
    ends = []
    for epoch in range(settings.epochs):
        members = np.concatenate([kept, np.arange(len(pairs), total)]) if epoch == 0 else kept
        for batch in _batches_of_similar_length(members, lengths, settings.batch_size, generator):
            swap = exchanged[batch] ^ (epoch % 2 == 1)
            batches.append([int(row) for row in batch + total * swap])
        ends.append(len(batches))
    if settings.max_steps:
        del batches[settings.max_steps * settings.gradient_accumulation :]
    return Plan(_both_orders(pairs, first_epoch), batches, ends)


def _batches_of_similar_length(
    members: "np.ndarray", lengths: "Sequence[int]", size: int, generator: "np.random.Generator"
) -> Iterator["np.ndarray"]:
    import numpy as np

    shuffled = generator.permutation(members)
    length = np.asarray(lengths)
    batches = []
    for start in range(0, len(shuffled), size * WINDOW_BATCHES):
        window = shuffled[start : start + size * WINDOW_BATCHES]
        window = window[np.argsort(length[window], kind="stable")]
        batches += [window[first : first + size] for first in range(0, len(window), size)]
    for number in generator.permutation(len(batches)):
        yield batches[number]


def _both_orders(pairs: "Dataset", first_epoch: "Dataset | None") -> "Dataset":
    from datasets import Dataset

    parts = [part for part in (pairs, first_epoch) if part is not None]
    first = [sentence for part in parts for sentence in part["sentence1"]]
    second = [sentence for part in parts for sentence in part["sentence2"]]
    if ENDS[0] in pairs.column_names:
        ends = [zip(*(part[name] for name in ENDS), strict=True) for part in parts]
        label: list[Any] = [[low / MAX_SCORE, high / MAX_SCORE] for part in ends for low, high in part]
    else:
        label = [value / MAX_SCORE for part in parts for value in part["label"]]
    return Dataset.from_dict({"sentence1": first + second, "sentence2": second + first, "label": label + label})
