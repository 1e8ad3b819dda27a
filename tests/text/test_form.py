import unicodedata

import pytest

from sts.text.form import composed


def nfd(text):
    return unicodedata.normalize("NFD", text)


@pytest.mark.parametrize(
    ("written", "form"),
    [
        ("", ""),
        ("plain ASCII, 123", "plain ASCII, 123"),
        ("방이 넓어요.", "방이 넓어요."),
        (nfd("방이 넓어요. 뷁"), "방이 넓어요. 뷁"),
        ("ㅋㅋㅋ ㅠㅠ", "ㅋㅋㅋ ㅠㅠ"),
        (unicodedata.normalize("NFKD", "ㅋㅋㅋ ㅠㅠ"), "ㅋㅋㅋ ㅠㅠ"),
        (unicodedata.normalize("NFKC", "ㄳㄺ"), "ㄳㄺ"),
        ("\u110b", "ㅇ"),
        ("\u1161", "ㅏ"),
        ("\u11ab", "ㄴ"),
        ("ＡＢＣ　１２３！", "ABC 123!"),
        ("～ 〜", "~ 〜"),
        ("\uf914", "樂"),  # the second of two codes for one Han character in KS X 1001
        ("e\u0301", "é"),
        ("ﾡ ① ㈜ ﬁ", "ﾡ ① ㈜ ﬁ"),
        ("\u1100\u119e", "\u1100\u119e"),  # an old syllable: its letters stay together
        ("😀 สวัสดี", "😀 สวัสดี"),
        ("가\u200b나\ufe0f", "가\u200b나\ufe0f"),
        ("\ud800가", "\ud800가"),  # half a character is for whoever checks the text
    ],
)
def test_text_has_one_form(written, form):
    assert composed(written) == form


def test_every_syllable_is_the_same_in_either_form():
    syllables = "".join(map(chr, range(0xAC00, 0xD7A4)))
    assert composed(nfd(syllables)) == composed(syllables) == syllables


def test_every_letter_that_keyboards_type_comes_back_from_compatibility_forms():
    letters = [chr(code) for code in range(0x3131, 0x3164)]
    for kind in ("NFKC", "NFKD"):
        assert [composed(unicodedata.normalize(kind, letter)) for letter in letters] == letters


def test_composing_again_changes_nothing():
    for code in [*range(0x80, 0xD800), *range(0xE000, 0x3000B, 7)]:
        once = composed(f"a{chr(code)}가{chr(code)}\u1161")
        assert composed(once) == once


def test_full_width_letters_are_ascii_one_for_one():
    wide = "".join(map(chr, range(0xFF01, 0xFF5F)))
    assert composed(wide) == "".join(map(chr, range(0x21, 0x7F)))
