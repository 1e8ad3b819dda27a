import random
import unicodedata

import pytest

from sts.text.normalize import normalize
from sts.text.numbers import numbers


@pytest.mark.parametrize(
    ("text", "normalized"),
    [
        (unicodedata.normalize("NFD", "숙소는 깨끗해요"), "숙소는 깨끗해요"),
        ("가\u200b\u11a8", "각"),
        ("가\u200b나\u202e다\x00\ufeff", "가나다"),
        ("  가 \t\n 나\u3000다\xa0라 ", "가 나 다 라"),
        ("정말!!!! 왜??? 음.... 그래…… 아,, ~~", "정말! 왜? 음... 그래... 아, ~"),
        ("음.…. 3... ..…5", "음... 3... ...5"),
        ("1,000.5 3..5 3...5 2--1 3~~5", "1,000.5 3..5 3...5 2--1 3~~5"),
        ("--3 --.5 가--나", "--3 --.5 가-나"),
        ("하하하 ㅋㅋㅋ ^^ C++ ★★★☆ https://a.kr 😀😀", "하하하 ㅋㅋㅋ ^^ C++ ★★★☆ https://a.kr 😀😀"),
        ("위택스(이택스(서울시))", "위택스(이택스(서울시))"),
        ("\ud800가", "가"),
        ("", ""),
    ],
)
def test_text_is_brought_to_one_form(text, normalized):
    assert normalize(text) == normalized
    assert normalize(normalized) == normalized


@pytest.mark.parametrize("emoji", ["👩‍💻", "👨‍👩‍👧", "👍🏽👍🏽", "🇲🇲", "❤️", "1️⃣", "🏴󠁧󠁢󠁥󠁮󠁧󠁿", "\U0001fae9"])
def test_an_emoji_stays_whole(emoji):
    assert normalize(f"가{emoji}나") == f"가{emoji}나"


@pytest.mark.parametrize("stray", ["\u200d", "\ufe0f", "\U000e0041\U000e0042", "\u2066", "\x07"])
def test_what_is_invisible_outside_an_emoji_goes(stray):
    assert normalize(f"가{stray}나 😀{stray if stray == chr(0x200D) else ''}가") == "가나 😀가"


def test_no_number_is_ever_changed():
    generator = random.Random(0)
    pieces = "3.5 1,000 -3 .5 50% 10:30 7 점 - -- . .. ... … , ,, ~~ !! A ( 漢 😀".split() + [" "] * 5
    for _ in range(3000):
        text = "".join(generator.choices(pieces, k=generator.randint(1, 9)))
        assert numbers(normalize(text)) == numbers(text), text
