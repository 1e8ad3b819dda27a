"""Normalisation that changes no letter: composed Hangul, no invisible characters, no runs of spaces or marks."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

_EMOJI = "\u2190-\u2bff\U0001f000-\U0001faff"
_TAGS = "\U000e0020-\U000e007f"  # the letters of some flags' emoji
# within an emoji ("👩‍💻") these carry meaning; anywhere else they are invisible
_STRAY = re.compile(
    rf"(?<![\u200d\ufe0f{_EMOJI}])[\u200d\ufe0e\ufe0f](?!\u20e3)|\u200d(?![{_EMOJI}])|(?<![\U0001f3f4{_TAGS}])[{_TAGS}]+"
)
_EMOJI_PARTS = re.compile(rf"[\u200d\ufe0e\ufe0f{_TAGS}]")
_DOTS = re.compile(r"\.*\u2026[.\u2026]*|(?<![\d.])\.{2,}+|\.{2,}+(?!\d)")
_REPEATED = re.compile(r"([^\w\s./])\1+")


@dataclass(frozen=True)
class Normalize:
    """Bring text to one form.

    Hangul is composed (NFC); control, zero-width and direction characters are removed; spaces of any
    kind and number become one; a punctuation mark or tilde that is repeated stays once ("!!!!" is "!"),
    two or more dots become "...". Slashes, brackets, symbols, emoji and letters may repeat ("https://",
    "★★★", "C++", "ㅋㅋ"), and between two digits nothing is changed.
    """

    def apply(self, sentences: Sequence[str]) -> list[str]:
        """The normalised sentences, in their order."""
        return [normalize(sentence) for sentence in sentences]


def normalize(text: str) -> str:
    """One sentence, normalised; see `Normalize`."""
    text = "".join(character for character in text if _is_visible(character))
    text = unicodedata.normalize("NFC", _STRAY.sub("", text))
    text = _DOTS.sub("...", text)
    text = _REPEATED.sub(_once, f" {text} ")  # so that a mark always has a neighbour
    return " ".join(text.split())


def _is_visible(character: str) -> bool:
    # Cc control, Cf format, Cs lone surrogate, Co private use; Cn may be an emoji that is newer than Python's tables
    hidden = unicodedata.category(character) in ("Cc", "Cf", "Cs", "Co")
    return not hidden or character.isspace() or _EMOJI_PARTS.match(character) is not None


def _once(match: re.Match[str]) -> str:
    mark, before, after = match[1], match.string[match.start() - 1], match.string[match.end()]
    between_digits = before.isdigit() and after.isdigit()
    would_be_a_sign = mark == "-" and (after.isdigit() or after == ".")
    # brackets (Ps, Pe) may close two at once
    is_mark = mark == "~" or unicodedata.category(mark) in ("Po", "Pd", "Pi", "Pf")
    return mark if is_mark and not between_digits and not would_be_a_sign else match[0]
