"""A place for a new pair, and what is tried to fill it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from sts.augment.mix import SWAP
from sts.pairs.rows import Pair


class Slot:
    """A place for a new pair.

    Attributes:
        source: the pair to make it of.
        place: the source's row and which of its new pairs this is, both counted from 0.
        generator: for all that is drawn for it; depends on the seed and the place alone.
    """

    def __init__(self, source: Pair, place: tuple[int, int], mix: Mapping[str, float], seed: int) -> None:
        import numpy as np

        self.source, self.place = source, place
        self.generator = np.random.default_rng([seed, *place])
        # a weighted draw of all methods without replacement (Efraimidis and Spirakis 2006)
        keys = self.generator.exponential(size=len(mix)) / np.array(list(mix.values()))
        methods = [list(mix)[number] for number in np.argsort(keys)]
        first = int(self.generator.integers(2))
        self._untried = iter(
            [(name, side) for name in methods for side in ([0] if name == SWAP else [first, 1 - first])]
        )

    def next_attempt(self) -> "Attempt | None":
        """What to try next; None when all was tried."""
        untried = next(self._untried, None)
        return untried and Attempt(self, *untried)


@dataclass
class Attempt:
    """An attempt to fill a slot.

    Attributes:
        slot: the slot.
        method: what is tried.
        side: which sentence it is to change, 0 or 1; of no meaning for order swap.
        text: what the method made of the sentence; None before, and where it found nothing to change.
    """

    slot: Slot
    method: str
    side: int
    text: str | None = None

    @property
    def sentence(self) -> str:
        """The sentence that is to change."""
        return self.slot.source.sentence2 if self.side else self.slot.source.sentence1

    def pair(self) -> Pair:
        """The new pair: with `text` in the place of the sentence, or for order swap both in each other's place."""
        source, (row, number) = self.slot.source, self.slot.place
        first, second = source.sentence1, source.sentence2
        if self.method == SWAP:
            first, second = second, first
        elif self.text is not None:
            first, second = (first, self.text) if self.side else (self.text, second)
        guid = f"{source.guid or row + 1}-{self.method}{number + 1}"
        return replace(source, guid=guid, sentence1=first, sentence2=second)


def pair_key(pair: Pair, *, swapped: bool = False) -> str:
    """A text that two pairs share if they have the same sentences in the same order."""
    first, second = (pair.sentence2, pair.sentence1) if swapped else (pair.sentence1, pair.sentence2)
    return f"{len(first)} {first} {second}"
