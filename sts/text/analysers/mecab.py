"""MeCab-ko by way of python-mecab-ko (https://github.com/jonghwanhyeon/python-mecab-ko)."""

from collections.abc import Iterable, Iterator
from typing import Any

from sts.errors import MissingDependency
from sts.text.analysers.align import align
from sts.text.analysers.base import Morpheme

# mecab-ko-dic splits some of Sejong's tags further
SEJONG = {"NNBC": "NNB", "SC": "SP", "SY": "SW", "SSO": "SS", "SSC": "SS"}


class MecabAnalyser:
    """MeCab-ko with mecab-ko-dic; contracted words are taken apart ("봤" is 보/VV and 았/EP).

    Raises:
        MissingDependency: python-mecab-ko or its dictionary is not installed.
    """

    name = "mecab"
    sejong = True

    def __init__(self) -> None:
        from importlib.metadata import version

        try:
            import mecab_ko_dic  # noqa: F401 - without it MeCab stops without saying why
            from mecab import MeCab
        except ImportError as error:
            raise MissingDependency(str(error.name), "analyser 'mecab'", "mecab") from error
        self._mecab = MeCab()
        self.versions = {package: version(package) for package in ("python-mecab-ko", "python-mecab-ko-dic")}

    def analyse(self, text: str) -> list[Morpheme]:
        """The morphemes of a text, in text order."""
        # MeCab takes C text, which ends at the first NUL, and has no lone surrogates
        clean = "".join(" " if letter == "\0" or "\ud800" <= letter <= "\udfff" else letter for letter in text)
        blank = len(clean) - len(clean.lstrip())  # the spans do not count what stands before the first word
        return [morpheme for word in self._mecab.parse(clean) for morpheme in _parts(word, clean, blank)]

    def analyse_many(self, texts: Iterable[str]) -> Iterator[list[Morpheme]]:
        """The morphemes of each text, one after the other."""
        return map(self.analyse, texts)


def _parts(word: Any, text: str, shift: int) -> Iterator[Morpheme]:
    start, end = word.span.start + shift, word.span.end + shift
    expression = word.feature.expression
    if not expression:
        yield Morpheme(word.surface, _sejong(word.feature.pos), start, end - start)
        return
    parts = [part.split("/") for part in expression.split("+")]
    for (form, tag, *_), (place, length) in zip(
        parts, align([part[0] for part in parts], text, start, end), strict=True
    ):
        yield Morpheme(form, _sejong(tag), place, length)


def _sejong(tag: str) -> str:
    return SEJONG.get(tag, tag)
