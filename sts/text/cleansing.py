"""Cleansing by script: keep or drop Hangul, Latin, Han, kana, digits, punctuation, emoji and other symbols."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import lru_cache
from typing import Any

from sts.text.numbers import NUMBER, numbers

# `regex` knows Unicode's scripts and emoji properties, which `re` does not; the first kind that matches counts
_KINDS = {
    "emoji": (
        r"\p{Regional_Indicator}{2}|[0-9#*]\ufe0f?\u20e3|"
        r"(?:\p{Extended_Pictographic}(?:\ufe0f|\p{Emoji_Modifier})?[\U000e0020-\U000e007f]*"
        r"(?:\u200d\p{Extended_Pictographic}(?:\ufe0f|\p{Emoji_Modifier})?)*)"
    ),
    "digits": NUMBER.pattern + r"|\p{N}",
    "punctuation": r"[\p{P}\u318d]",  # U+318D, a vowel of old Korean, is typed for the middle dot
    "hangul": r"[\p{Hangul}--\u318d]+",
    "latin": r"(?:\p{Latin}\p{M}*)+",
    "han": r"\p{Han}+",
    "kana": r"[\p{Hiragana}\p{Katakana}\u30fc]+",
    "symbols": r"[^\s]",
}
_SIGNS = ("-", "+", "\u2212", ".")
_OPENING, _CLOSING = "([{<（［｛「『《〈【", ")]}>）］｝」』》〉】"


@dataclass(frozen=True)
class Cleanse:
    """Keep or drop characters by what they are; a number is kept or dropped whole ("3.5", "-3", "50%").

    No number changes: where "COVID" is dropped and marks are kept, "COVID-19" becomes "19" and not "-19".

    Attributes:
        hangul: syllables and jamo, "ㅋㅋ" among them.
        latin: Latin letters.
        han: Han characters.
        kana: hiragana and katakana.
        digits: numbers.
        punctuation: marks.
        emoji: emoji, as whole sequences.
        symbols: whatever is none of these: currency and mathematical signs, other scripts' letters.
    """

    hangul: bool = True
    latin: bool = True
    han: bool = True
    kana: bool = True
    digits: bool = True
    punctuation: bool = True
    emoji: bool = True
    symbols: bool = True

    def apply(self, sentences: Sequence[str]) -> list[str]:
        """The cleansed sentences, in their order.

        What is dropped leaves a space where it would otherwise glue two words or a number, but nothing
        where it was an aside in brackets: "한국(韓國)은" becomes "한국은".
        """
        kept = frozenset(field.name for field in fields(self) if getattr(self, field.name))
        return [_cleanse(sentence, kept) for sentence in sentences]


def _cleanse(text: str, kept: frozenset[str]) -> str:
    parts: list[str] = []
    dropped: list[str] = []  # since what was last kept
    for match in _pattern().finditer(text):
        piece = match[0]
        if piece.isspace():
            dropped.append(" ")
        elif match.lastgroup not in kept:
            dropped.append(piece)
        else:
            if dropped:
                parts += _gap("".join(dropped), parts, piece, match.lastgroup == "digits")
                dropped = []
            elif match.lastgroup == "digits":
                _unsign(parts, piece)
            parts.append(piece)
    return "".join(parts)


def _unsign(parts: list[str], number: str) -> None:
    """Drop the marks at the end that would become the sign or point of a number, as what they hung on is gone."""
    while parts and parts[-1] in _SIGNS and numbers("".join(parts[-3:]) + number)[-1:] != numbers(number):
        parts.pop()


def _gap(dropped: str, parts: list[str], after: str, is_number: bool) -> str:
    """What takes the place of a dropped run: a space where there was one, or where words or a number would be glued."""
    if not parts:
        return ""
    left, right = parts[-1][-1], after[0]
    if " " in dropped:
        return " "
    if dropped[0] in _OPENING and dropped[-1] in _CLOSING and left.isalpha() and right.isalpha():
        return ""
    glues_number = left not in _OPENING if is_number else left.isdecimal() and right not in _CLOSING
    return " " if glues_number or (left.isalnum() and right.isalnum()) else ""


@lru_cache(maxsize=1)
def _pattern() -> Any:
    import regex

    return regex.compile("|".join(rf"(?P<{name}>{pattern})" for name, pattern in _KINDS.items()) + r"|\s+", regex.V1)
