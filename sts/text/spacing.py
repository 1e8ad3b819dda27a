"""Spacing: Korean words that are run together are set apart."""

from collections.abc import Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from io import StringIO
from typing import Any, Literal

from sts.errors import UsageError
from sts.text.numbers import NUMBER, numbers


@dataclass(frozen=True)
class Spacing:
    """Set words apart where a space is missing; spaces that are there stay.

    Attributes:
        engine: `kiwi`, or `pykospacing` where that package is installed.
    """

    engine: Literal["kiwi", "pykospacing"] = "kiwi"

    def apply(self, sentences: Sequence[str]) -> list[str]:
        """The sentences with their spaces, in their order.

        Raises:
            UsageError: PyKoSpacing is asked for and not installed.
        """
        if self.engine == "kiwi":
            from sts.text.analysers.kiwi import shared_kiwi

            return [_parted(*both) for both in zip(sentences, shared_kiwi().space(iter(sentences)), strict=True)]
        PyKoSpacing = self._pykospacing()  # noqa: N806 - a class
        with redirect_stdout(StringIO()):  # its model draws a bar for each sentence
            space = PyKoSpacing()
            return [_parted(sentence, space(sentence)) for sentence in sentences]

    def versions(self) -> dict[str, str]:
        """The packages that spacing depends on, name to version.

        Raises:
            UsageError: as `apply`.
        """
        from importlib.metadata import PackageNotFoundError, version

        if self.engine == "kiwi":
            return {package: version(package) for package in ("kiwipiepy", "kiwipiepy_model")}
        self._pykospacing()
        try:
            return {"pykospacing": version("pykospacing")}
        except PackageNotFoundError:  # it may lie on the path without being a package
            return {"pykospacing": "unknown"}

    @staticmethod
    def _pykospacing() -> Any:
        try:
            from pykospacing import Spacing as PyKoSpacing
        except ImportError as error:
            raise UsageError(
                "step 'spacing': PyKoSpacing is not installed and not on PyPI: "
                "pip install git+https://github.com/haven-jeon/PyKoSpacing.git, or take engine kiwi"
            ) from error
        return PyKoSpacing


def gaps(text: str) -> set[int]:
    """Before which letters words begin, spaces not counted: {0, 2} for "날씨 좋다"."""
    found, position = set(), 0
    for word in text.split():
        found.add(position)
        position += len(word)
    return found


def _parted(before: str, after: str) -> str:
    """The sentence with the spaces that the engine adds, none of them within a number; the rest stays as it was.

    Both engines also join words and may change letters ("안되요" becomes "안ᆫ되요" in Kiwi); a sentence
    whose letters they change stays as it was.
    """
    if "".join(before.split()) != "".join(after.split()):
        return before
    within = {place for number in NUMBER.finditer(before) for place in range(number.start() + 1, number.end())}
    added = gaps(after) - gaps(before)
    parts, letters = [], 0
    for place, character in enumerate(before):
        if letters in added and place not in within and not character.isspace():
            parts.append(" ")
        parts.append(character)
        letters += not character.isspace()
    spaced = "".join(parts)
    return spaced if numbers(spaced) == numbers(before) else before  # "COVID -19" would be another number
