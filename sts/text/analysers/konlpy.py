"""Okt, Kkma, Komoran and Hannanum by way of KoNLPy (https://konlpy.org), in a Java virtual machine."""

from collections.abc import Iterable, Iterator
from typing import ClassVar

from sts.errors import MissingDependency, UsageError
from sts.text.analysers.align import align
from sts.text.analysers.base import Morpheme


class _KonlpyAnalyser:
    """What the four share.

    Raises:
        MissingDependency: KoNLPy is not installed.
        UsageError: there is no Java runtime.
    """

    name: str
    sejong: bool
    renamed: ClassVar[dict[str, str]] = {}  # tags that the tagger splits further, to Sejong's

    def __init__(self) -> None:
        from importlib.metadata import version

        try:
            import jpype
            from konlpy import tag
        except ImportError as error:
            raise MissingDependency(str(error.name), f"analyser '{self.name}'", "konlpy") from error
        try:
            if not jpype.isJVMStarted():
                jpype.getDefaultJVMPath()
        except jpype.JVMNotFoundException as error:
            raise UsageError(
                f"analyser '{self.name}': needs a Java runtime, and none is found; install one (Debian and Ubuntu: "
                "apt-get install default-jre-headless) or set JAVA_HOME to where it is"
            ) from error
        self._tagger = getattr(tag, self.name.capitalize())()
        self.versions = {package: version(package) for package in ("konlpy", "jpype1")}

    def analyse(self, text: str) -> list[Morpheme]:
        """The morphemes of a text, in text order."""
        clean = "".join(map(_acceptable, text))
        if not clean.strip():  # on which Komoran fails and Hannanum waits forever
            return []
        found = self._tagger.pos(clean)
        places = align([form for form, _ in found], clean)
        tags = self.renamed
        return [Morpheme(form, tags.get(tag, tag), *place) for (form, tag), place in zip(found, places, strict=True)]

    def analyse_many(self, texts: Iterable[str]) -> Iterator[list[Morpheme]]:
        """The morphemes of each text, one after the other."""
        return map(self.analyse, texts)


def _acceptable(letter: str) -> str:
    """A letter that Java's side can take: no control, and none outside the basic plane or half of one."""
    if letter < " ":
        return " "
    return "\u25a1" if letter > "\uffff" or "\ud800" <= letter <= "\udfff" else letter


class OktAnalyser(_KonlpyAnalyser):
    """Open Korean Text; tags of its own (Noun, Josa, Verb …)."""

    name = "okt"
    sejong = False


class KkmaAnalyser(_KonlpyAnalyser):
    """Kkma, of Seoul National University; its finer tags are given as the Sejong tags that they split."""

    name = "kkma"
    sejong = True
    renamed: ClassVar[dict[str, str]] = {
        fine: tag
        for tag, split in {
            "EP": "EPH EPT EPP",
            "EF": "EFN EFQ EFO EFA EFI EFR",
            "EC": "ECE ECD ECS",
            "ETM": "ETD",
            "JKB": "JKM",
            "JKV": "JKI",
            "NNB": "NNM",
            "VX": "VXV VXA",
            "MM": "MDT MDN",
            "MAJ": "MAC",
            "XPN": "XPV",
            "SN": "ON",
            "SL": "OL",
            "SH": "OH",
        }.items()
        for fine in split.split()
    }


class KomoranAnalyser(_KonlpyAnalyser):
    """Komoran, of Shineware; Sejong tags."""

    name = "komoran"
    sejong = True


class HannanumAnalyser(_KonlpyAnalyser):
    """Hannanum, of KAIST; nine tags of its own (N, J, P, E …)."""

    name = "hannanum"
    sejong = False
