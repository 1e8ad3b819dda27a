"""Drawing from what a model ranked."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    import numpy as np

T = TypeVar("T")


def draw_by_rank(ranked: Sequence[T], generator: "np.random.Generator") -> T:
    """Draw one, the first with weight 1, the second with 1/2, the third with 1/3, and so on.

    Ranks, unlike probabilities, stay the same where a model's numbers differ in their last digits, as they
    do from one batch, thread count or machine to another.

    Args:
        ranked: at least one, best first.
        generator: for the draw.
    """
    import numpy as np

    weights = 1 / np.arange(1, len(ranked) + 1)
    return ranked[int(generator.choice(len(ranked), p=weights / weights.sum()))]
