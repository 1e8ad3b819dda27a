"""khaiii (https://github.com/kakao/khaiii), by its own Python binding."""

from collections.abc import Iterable, Iterator
from importlib.metadata import PackageNotFoundError, version

from sts.errors import UsageError
from sts.text.analysers.base import Morpheme


class KhaiiiAnalyser:
    """khaiii, which must be built from source; Sejong tags.

    Raises:
        UsageError: it is not installed, or its resources are missing.
    """

    name = "khaiii"
    sejong = True

    def __init__(self) -> None:
        try:
            from khaiii import KhaiiiApi, KhaiiiExcept
        except ImportError as error:
            raise UsageError(
                "analyser 'khaiii': not installed, and not on PyPI; build it with its Python binding from "
                "https://github.com/kakao/khaiii (cmake, make, make resource, make install, make package_python), "
                "or take kiwi"
            ) from error
        try:
            self._api = KhaiiiApi()
        except KhaiiiExcept as error:
            raise UsageError(
                f"analyser 'khaiii': its library or resources can't be opened ({error}); run `make resource` and "
                "`make install` in its build folder"
            ) from error
        try:
            found = version("khaiii")
        except PackageNotFoundError:  # the binding may lie on the path without being a package
            found = str(self._api.version())
        self.versions = {"khaiii": found}

    def analyse(self, text: str) -> list[Morpheme]:
        """The morphemes of a text, in text order."""
        if not text.strip():
            return []
        return [
            Morpheme(morph.lex, morph.tag, morph.begin, morph.length)
            for word in self._api.analyze(text)
            for morph in word.morphs
        ]

    def analyse_many(self, texts: Iterable[str]) -> Iterator[list[Morpheme]]:
        """The morphemes of each text, one after the other."""
        return map(self.analyse, texts)
