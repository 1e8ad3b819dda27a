"""What every morphological analyser does."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Morpheme:
    """A morpheme in its place.

    Attributes:
        form: its spelling, which may differ from the text's letters ("봤" holds "보" and "았").
        tag: its part of speech; the Sejong tag set where the analyser has it (NNG, JKO, EP …).
        start: character of the text where it begins.
        length: characters of the text that it covers; 0 where it has no letters of its own.
    """

    form: str
    tag: str
    start: int
    length: int


class Analyser(Protocol):
    """Whatever takes Korean text to morphemes.

    Attributes:
        name: its key in `ANALYSERS`.
        versions: the packages that the analysis depends on, name to version.
        sejong: whether its tags are those of the Sejong corpus.
    """

    name: str
    sejong: bool
    versions: dict[str, str]

    def analyse(self, text: str) -> list[Morpheme]:
        """The morphemes of a text, in text order; none for blank text."""
        ...

    def analyse_many(self, texts: Iterable[str]) -> Iterator[list[Morpheme]]:
        """The morphemes of each text, in the order given, without holding all texts at once."""
        ...
