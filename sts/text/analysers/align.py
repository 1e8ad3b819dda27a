"""Where in a text the forms stand that an analyser found there."""

import unicodedata
from collections.abc import Sequence

# jamo of the text that may be passed over to find a form's next one
REACH = 3


def align(forms: Sequence[str], text: str, start: int = 0, end: int | None = None) -> list[tuple[int, int]]:
    """Place forms in a text, in linear time.

    Forms and text are compared jamo by jamo, so that "보" and "았" both find themselves in "봤".

    Args:
        forms: in the order of the text; they may differ from its letters.
        text: what they were found in.
        start: the character to begin at.
        end: the character to end before; None means the text's end.

    Returns:
        Start and length of each form in characters, starts not falling; length 0 for a form that has no
        letter of its own.
    """
    jamo, owner = [], []
    for place in range(start, len(text) if end is None else end):
        for letter in unicodedata.normalize("NFD", text[place]):
            jamo.append(letter)
            owner.append(place)
    placed, at = [], 0
    for form in forms:
        found = []
        near = REACH
        for letter in unicodedata.normalize("NFD", form):
            reach = jamo[at : at + near]
            if letter in reach:
                at += reach.index(letter) + 1
                found.append(owner[at - 1])
            else:
                near = REACH - 1  # a form that differs from the text must not take the next one's letters
        here = found[0] if found else owner[min(at, len(owner) - 1)] if owner else start
        placed.append((here, found[-1] - here + 1 if found else 0))
    return placed
