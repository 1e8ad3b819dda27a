"""Labels of new pairs, checked by a scorer."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from sts.pairs.rows import Pair

if TYPE_CHECKING:
    from sts.models import Scorer

# finer than any annotator's mean
DIGITS = 4


def judge(
    scorer: "Scorer", sources: Sequence[Pair], new: Sequence[Pair], *, bound: float, action: Literal["drop", "relabel"]
) -> list[Pair | None]:
    """Check the labels that n new pairs have copied from the pairs they were made of.

    What counts is how far the score moves from the source to the new pair, not how far it is from the
    label: a scorer that is a point off on both says that the change did not matter. Where it moved by
    more than `bound`, the label moves by as much, within 0 to 5, so that the annotators' opinion of the
    source still counts; the binary label, about which the scorer says nothing, is left out.

    Args:
        scorer: scores the pairs.
        sources: n labelled pairs; one may stand for several new pairs.
        new: n new pairs with the labels of their sources.
        bound: points that the score may move.
        action: what happens to a pair whose score moved further.

    Returns:
        For each new pair the same, or with another label, or None where it is dropped.
    """
    # a source is scored once, however many new pairs it has
    pairs = list(dict.fromkeys([*sources, *new]))
    scores = scorer.score([pair.sentence1 for pair in pairs], [pair.sentence2 for pair in pairs]).scores
    score = dict(zip(pairs, scores.tolist(), strict=True))
    judged: list[Pair | None] = []
    for source, pair in zip(sources, new, strict=True):
        moved = score[pair] - score[source]
        if abs(moved) <= bound or pair.label is None:
            judged.append(pair)
        elif action == "drop":
            judged.append(None)
        else:
            label = round(min(max(pair.label + moved, 0.0), 5.0), DIGITS)
            judged.append(replace(pair, label=label, binary_label=None))
    return judged
