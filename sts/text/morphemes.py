"""Sentences as their morphemes, joined by spaces."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from sts.errors import UsageError
from sts.text.analysers import ANALYSERS, Analyser, Morpheme, find_analyser
from sts.text.numbers import NUMBER
from sts.text.tags import TAGS


@dataclass(frozen=True)
class Morphemes:
    """Take sentences to morphemes and drop some by their tag.

    Attributes:
        analyser: a key of `sts.text.analysers.ANALYSERS`.
        drop_tags: Sejong tags that are left out.

    Raises:
        UsageError: either holds a name that is not known.
    """

    analyser: str = "kiwi"
    drop_tags: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.analyser not in ANALYSERS:
            raise UsageError(f"'analyser' is {self.analyser!r:.40}; allowed are {', '.join(ANALYSERS)}")
        for tag in self.drop_tags:
            if tag not in TAGS:
                raise UsageError(f"'drop_tags' holds {tag!r:.40}; allowed are {', '.join(sorted(TAGS))}")

    def apply(self, sentences: Sequence[str]) -> list[str]:
        """The morphemes of each sentence, joined by spaces; a number stays in one piece.

        Raises:
            UsageError: tags are to be dropped which the analyser does not give.
            MissingDependency: the analyser is not installed.
        """
        analyser = self.load()
        dropped = frozenset(self.drop_tags)
        analyses = analyser.analyse_many(sentences)
        return [_joined(text, found, dropped) for text, found in zip(sentences, analyses, strict=True)]

    def load(self) -> Analyser:
        """The analyser, checked against the tags."""
        analyser = find_analyser(self.analyser)
        if self.drop_tags and not analyser.sejong:
            raise UsageError(
                f"step 'morphemes': analyser '{self.analyser}' has tags of its own, so Sejong tags can't be dropped; "
                "leave drop_tags out, or take kiwi, khaiii, mecab, kkma or komoran"
            )
        return analyser


def _joined(text: str, morphemes: list[Morpheme], dropped: frozenset[str]) -> str:
    """The forms that stay; a number is written as in the text, with whatever morphemes share letters with it."""
    spans = deque(match.span() for match in NUMBER.finditer(text))
    forms: list[str] = []
    start = end = 0  # of the last number, widened to its morphemes ("3·1절" is one)
    is_dropped = False
    for morpheme in morphemes:
        last = morpheme.start + morpheme.length
        while spans and spans[0][1] <= morpheme.start:
            spans.popleft()
        begins = morpheme.start >= end and bool(spans) and spans[0][0] < last
        if begins:
            start, is_dropped = min(morpheme.start, spans[0][0]), False
            forms.append("")
        if begins or morpheme.start < end:
            end = max(end, last)
            while spans and spans[0][0] < end:
                end = max(end, spans.popleft()[1])
            is_dropped |= morpheme.tag in dropped and any(map(str.isdecimal, morpheme.form))
            forms[-1] = "" if is_dropped else text[start:end]
        elif morpheme.tag not in dropped:
            forms.append(morpheme.form)
    return " ".join(filter(None, forms))
