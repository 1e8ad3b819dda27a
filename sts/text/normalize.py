"""Normalisation that changes no letter: composed Hangul, no invisible characters, no runs of spaces or marks."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

# half-way through an emoji ("👩‍💻") these two carry meaning; anywhere else they are invisible
_STRAY_JOINER = re.compile(r"(?<![\u200d\ufe0f\u2190-\u2bff\U0001f000-\U0001faff])[\u200d\ufe0e\ufe0f]")
_EMOJI_PARTS = "\u200d\ufe0e\ufe0f"
_TAGS = range(0xE0020, 0xE0080)  # letters of flag emoji
_DOTS = re.compile(r"(?<!\d)\.{2,}|\.{2,}(?!\d)|\u2026+")
_REPEATED = re.compile(r"([^\w\s.])\1+")


@dataclass(frozen=True)
class Normalize:
    """Bring text to one form.

    Hangul is composed (NFC); control, zero-width and direction characters are removed, spaces of any
    kind and number become one; a mark that is repeated stays once ("!!!!" is "!"), two or more dots
    become "...". Between two digits nothing is changed.
    """

    def apply(self, sentences: Sequence[str]) -> list[str]:
        """The normalised sentences, in their order."""
        return [normalize(sentence) for sentence in sentences]


def normalize(text: str) -> str:
    """One sentence, normalised; see `Normalize`."""
    text = unicodedata.normalize("NFC", text)
    text = "".join(_visible(character) for character in text)
    text = _STRAY_JOINER.sub("", text)
    text = _DOTS.sub("...", text)
    text = _REPEATED.sub(_once, text)
    return " ".join(text.split())


def _visible(character: str) -> str:
    if character in _EMOJI_PARTS or ord(character) in _TAGS or character.isspace():
        return character
    # Cc control, Cf format, Cs lone surrogate, Co private use, Cn unassigned
    return "" if unicodedata.category(character)[0] == "C" else character


def _once(match: re.Match[str]) -> str:
    text, (start, end) = match.string, match.span()
    between_digits = text[start - 1 : start].isdigit() and text[end : end + 1].isdigit()
    # pairs of letters in other scripts' marks (tone, vowel signs) are words, not repetition
    wordlike = unicodedata.category(match[1])[0] == "M"
    return match[0] if between_digits or wordlike else match[1]
