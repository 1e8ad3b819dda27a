"""Spacing: Korean words that are run together are set apart."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from sts.errors import UsageError
from sts.text.numbers import numbers


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

            return [
                _keeping_numbers(*both) for both in zip(sentences, shared_kiwi().space(iter(sentences)), strict=True)
            ]
        try:
            from pykospacing import Spacing as PyKoSpacing
        except ImportError as error:
            raise UsageError(
                "step 'spacing': PyKoSpacing is not installed and not on PyPI: "
                "pip install git+https://github.com/haven-jeon/PyKoSpacing.git, or take engine kiwi"
            ) from error
        space = PyKoSpacing()
        return [_keeping_numbers(sentence, space(sentence)) for sentence in sentences]


def _keeping_numbers(before: str, after: str) -> str:
    """The spaced sentence, with a percent sign back at its number; unspaced where a number still differs."""
    if numbers(before) != numbers(after):
        after = re.sub(r"(?<=\d) (?=[%\u2030])", "", after)
    return after if numbers(before) == numbers(after) else before
