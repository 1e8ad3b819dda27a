"""What two sets of pairs have in common."""

import unicodedata
from dataclasses import dataclass

from sts.pairs.statistics import Statistics


@dataclass(frozen=True)
class Comparison:
    """Of a first and a second set of pairs.

    Attributes:
        shared: sentences in both sets, in the order of the second.
        alike: other sentences of the second set that differ from one of the first only in spaces, punctuation
            or case.
        touched: pairs of the second set with a shared sentence.
    """

    shared: list[str]
    alike: list[str]
    touched: int


def compare(first: Statistics, second: Statistics) -> Comparison:
    """Hold the second set against the first."""
    shared = [sentence for sentence in second.occurrences if sentence in first.occurrences]
    known, keys = set(shared), {letters(sentence) for sentence in first.occurrences}
    return Comparison(
        shared=shared,
        alike=[sentence for sentence in second.occurrences if sentence not in known and letters(sentence) in keys],
        touched=sum(a in known or b in known for a, b in zip(second.sentence1, second.sentence2, strict=True)),
    )


def letters(sentence: str) -> str:
    """A sentence without spaces, punctuation and case; one that is nothing else stays as it is."""
    composed = unicodedata.normalize("NFC", sentence).casefold()
    return "".join(filter(str.isalnum, composed)) or sentence
