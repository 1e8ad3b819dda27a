"""Sentences as their morphemes, joined by spaces."""

from collections.abc import Sequence
from dataclasses import dataclass

from sts.errors import UsageError
from sts.text.analysers import Analyser, Morpheme, find_analyser
from sts.text.numbers import NUMBER


@dataclass(frozen=True)
class Morphemes:
    """Take sentences to morphemes and drop some by their tag.

    Attributes:
        analyser: a key of `sts.text.analysers.ANALYSERS`.
        drop_tags: Sejong tags that are left out.
    """

    analyser: str = "kiwi"
    drop_tags: tuple[str, ...] = ()

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
    spans = [match.span() for match in NUMBER.finditer(text)]
    forms: list[str] = []
    written = -1  # the number that was last written
    at = 0
    for morpheme in morphemes:
        while at < len(spans) and spans[at][1] <= morpheme.start:
            at += 1
        if at < len(spans) and spans[at][0] <= morpheme.start and morpheme.length:
            if written != at:
                forms.append(text[slice(*spans[at])])
                written = at
        elif morpheme.tag not in dropped:
            forms.append(morpheme.form)
    return " ".join(forms)
