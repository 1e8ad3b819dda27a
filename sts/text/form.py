"""The one form of text: what keys, comparisons and models see.

| text | one form | why |
|---|---|---|
| Hangul in jamo (NFD: file names of macOS, text from PDF) | composed (NFC) | Unicode calls them the same |
| Han characters of KS X 1001's second codes | the common ones (NFC) | the same |
| full-width ASCII, the ideographic space | ASCII | what Korean typing mixes freely: "ＡＢＣ" is "ABC" |
| single modern jamo meant for syllables (NFKD and NFKC make them) | those that keyboards type | "ᄏᄏ" is "ㅋㅋ" |
| compatibility jamo (ㅋ, ㅠ) | as they are | vocabularies know them |
| half-width jamo, ligatures, circled digits | as they are | Unicode calls them alike, not the same |

Whatever a user wrote is kept and given back; this form stands beside it.
"""

import re
import unicodedata

_FULL_WIDTH = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | {0x3000: 0x20}
_LEADING, _VOWELS, _TRAILING = range(0x1100, 0x1113), range(0x1161, 0x1176), range(0x11A8, 0x11C3)
# what keyboards type in place of each jamo of a modern syllable
_TYPED = {
    **dict(zip(_LEADING, "ㄱㄲㄴㄷㄸㄹㅁㅂㅃㅅㅆㅇㅈㅉㅊㅋㅌㅍㅎ", strict=True)),
    **dict(zip(_VOWELS, "ㅏㅐㅑㅒㅓㅔㅕㅖㅗㅘㅙㅚㅛㅜㅝㅞㅟㅠㅡㅢㅣ", strict=True)),
    # NFKC makes these two, of old letters, of ㅀ and ㅄ
    0x111A: "ㅀ",
    0x1121: "ㅄ",
    **dict(zip(_TRAILING, "ㄱㄲㄳㄴㄵㄶㄷㄹㄺㄻㄼㄽㄾㄿㅀㅁㅂㅄㅅㅆㅇㅈㅊㅋㅌㅍㅎ", strict=True)),
}
_OTHERWISE = re.compile("[\u1100-\u11ff\u3000\uff01-\uff5e]")
_JAMO = re.compile("[\u1100-\u11ff\ua960-\ua97f\ud7b0-\ud7ff]+")


def composed(text: str) -> str:
    """A text in its one form; see the table above. Composing it again changes nothing."""
    if text.isascii():
        return text
    if not unicodedata.is_normalized("NFC", text):
        text = unicodedata.normalize("NFC", text)
    if _OTHERWISE.search(text):
        text = _JAMO.sub(_as_typed, text.translate(_FULL_WIDTH))
    return text


def _as_typed(match: re.Match[str]) -> str:
    """Jamo that make no syllable, as keyboards type them; those of an old syllable stay together."""
    jamo = match[0]
    return jamo.translate(_TYPED) if all(ord(letter) in _TYPED for letter in jamo) else jamo
