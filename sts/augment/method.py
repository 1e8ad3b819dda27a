"""What every method that varies sentences does."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from sts.augment.sentence import Analysed

if TYPE_CHECKING:
    import numpy as np


class Method(Protocol):
    """Whatever makes new versions of sentences.

    Attributes:
        name: how `--methods` calls it.
    """

    name: str

    def vary(self, sentences: Sequence[Analysed], generators: "Sequence[np.random.Generator]") -> list[str | None]:
        """A new version of each sentence, drawn from its own generator; None where there is nothing to change."""
        ...
