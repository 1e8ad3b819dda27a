"""AEDA: punctuation between words (Karimi et al. 2021, https://aclanthology.org/2021.findings-emnlp.234)."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from sts.augment.sentence import Analysed

if TYPE_CHECKING:
    import numpy as np

MARKS = (".", ";", "?", ":", "!", ",")


class Punctuation:
    """Puts 1 to a third as many marks as there are words between them, as the paper does."""

    name = "aeda"

    def vary(self, sentences: Sequence[Analysed], generators: "Sequence[np.random.Generator]") -> list[str | None]:
        """Each sentence with marks between its words; None for a single word, which has no between."""
        return [_marked(sentence, generator) for sentence, generator in zip(sentences, generators, strict=True)]


def _marked(sentence: Analysed, generator: "np.random.Generator") -> str | None:
    words = sentence.text.split()
    if len(words) < 2:
        return None
    count = int(generator.integers(1, max(1, len(words) // 3) + 1))
    places = sorted(generator.choice(len(words) - 1, size=min(count, len(words) - 1), replace=False), reverse=True)
    for place in places:
        words.insert(int(place) + 1, MARKS[int(generator.integers(len(MARKS)))])
    return " ".join(words)
