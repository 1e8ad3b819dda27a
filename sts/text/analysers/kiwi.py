"""Kiwi (https://github.com/bab2min/Kiwi): the default analyser, in every installation."""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from sts.text.analysers.base import Morpheme

if TYPE_CHECKING:
    import kiwipiepy


_shared: "kiwipiepy.Kiwi | None" = None


def shared_kiwi(threads: int | None = None) -> "kiwipiepy.Kiwi":
    """The one Kiwi of this process: loading takes a second and half a gigabyte.

    Args:
        threads: that analyse texts; another number than before loads Kiwi anew. None takes it as it is, which
            is one thread a core unless another number was asked for.
    """
    global _shared
    if _shared is None or threads not in (None, _shared.num_workers):
        import kiwipiepy

        _shared = kiwipiepy.Kiwi(num_workers=-1 if threads is None else threads)
    return _shared


class KiwiAnalyser:
    """Kiwi with its default model; Sejong tags, without Kiwi's marks for irregular verbs (`VV-I`)."""

    name = "kiwi"
    sejong = True

    def __init__(self) -> None:
        from importlib.metadata import version

        self._kiwi = shared_kiwi()
        self.versions = {package: version(package) for package in ("kiwipiepy", "kiwipiepy_model")}

    def analyse(self, text: str) -> list[Morpheme]:
        """The morphemes of a text, in text order."""
        return _morphemes(self._kiwi.tokenize(_whole(text)))

    def analyse_many(self, texts: Iterable[str]) -> Iterator[list[Morpheme]]:
        """The morphemes of each text, computed on all cores and streamed."""
        return map(_morphemes, self._kiwi.tokenize(map(_whole, texts)))


def _morphemes(tokens: Iterable["kiwipiepy.Token"]) -> list[Morpheme]:
    return [Morpheme(token.form, token.tag.partition("-")[0], token.start, token.len) for token in tokens]


def _whole(text: str) -> str:
    """The text without halves of characters (lone surrogates), which Kiwi can't give back."""
    return "".join("\ufffd" if "\ud800" <= letter <= "\udfff" else letter for letter in text)
