import random
import unicodedata

import pytest

from sts.text.cleansing import Cleanse
from sts.text.normalize import normalize
from sts.text.numbers import numbers

KOREAN_ONLY = Cleanse(latin=False, han=False, kana=False, punctuation=False, emoji=False, symbols=False)
EVERYTHING = "가ㅋ A é 漢 あ 3.5 ! 😀 €"


@pytest.mark.parametrize(
    ("dropped", "left"),
    [
        ("hangul", "A é 漢 あ 3.5 ! 😀 €"),
        ("latin", "가ㅋ 漢 あ 3.5 ! 😀 €"),
        ("han", "가ㅋ A é あ 3.5 ! 😀 €"),
        ("kana", "가ㅋ A é 漢 3.5 ! 😀 €"),
        ("digits", "가ㅋ A é 漢 あ ! 😀 €"),
        ("punctuation", "가ㅋ A é 漢 あ 3.5 😀 €"),
        ("emoji", "가ㅋ A é 漢 あ 3.5 ! €"),
        ("symbols", "가ㅋ A é 漢 あ 3.5 ! 😀"),
    ],
)
def test_each_script_has_its_own_switch(dropped, left):
    assert Cleanse().apply([EVERYTHING]) == [EVERYTHING]
    assert Cleanse(**{dropped: False}).apply([EVERYTHING]) == [left]


@pytest.mark.parametrize(
    ("text", "cleansed"),
    [
        ("이 영화는 3.5점!", "이 영화는 3.5점"),
        ("1,000원, 10:30에 -3도", "1,000원 10:30에 -3도"),
        ("50% 올라 2020-01-02", "50% 올라 2020-01-02"),
        ("3, 4개", "3 4개"),
        ("3!4", "3 4"),
        ("한국(韓國)은", "한국은"),
        ("좋다,나쁘다", "좋다 나쁘다"),
        ("WiFi가 GOOD 좋아요", "가 좋아요"),
        ("가족 👨‍👩‍👧과 🇰🇷 여행👍🏽!", "가족 과 여행"),
        ("3kg 쌀", "3 쌀"),
        ("ABC only", ""),
    ],
)
def test_letters_outside_korean_go_and_numbers_stay(text, cleansed):
    assert KOREAN_ONLY.apply([text]) == [cleansed]


def test_a_number_is_dropped_whole():
    assert Cleanse(digits=False).apply(["별점 3.5점, 50% 할인 1,000원"]) == ["별점 점, 할인 원"]


def test_an_emoji_is_kept_or_dropped_whole():
    family = "👩‍💻 1️⃣ 🏴󠁧󠁢󠁥󠁮󠁧󠁿"
    assert Cleanse().apply([family]) == [family]
    assert Cleanse(emoji=False).apply([f"가{family}나"]) == ["가 나"]


@pytest.mark.parametrize(
    ("text", "normalized"),
    [
        (unicodedata.normalize("NFD", "숙소는 깨끗해요"), "숙소는 깨끗해요"),
        ("가\u200b나\u202e다\x00\ufeff", "가나다"),
        ("  가 \t\n 나\u3000다\xa0라 ", "가 나 다 라"),
        ("정말!!!! 왜??? 음.... 그래…… 아,, ~~", "정말! 왜? 음... 그래... 아, ~"),
        ("1,000.5 3..5 2--1", "1,000.5 3..5 2--1"),
        ("가😀😀 👩‍💻", "가😀 👩‍💻"),
        ("하하하 ㅋㅋㅋ", "하하하 ㅋㅋㅋ"),
        ("\ud800가", "가"),
        ("", ""),
    ],
)
def test_normalizing(text, normalized):
    assert normalize(text) == normalized
    assert normalize(normalized) == normalized


def test_no_number_is_ever_changed():
    generator = random.Random(0)
    alphabet = [
        "3.5",
        "1,000",
        "-3",
        "50%",
        "10:30",
        "7",
        "12",
        "점",
        "원",
        " ",
        " ",
        "!",
        "...",
        "A",
        "(",
        ")",
        "漢",
        "😀",
    ]
    for _ in range(3000):
        text = "".join(generator.choices(alphabet, k=generator.randint(1, 9)))
        for step in (KOREAN_ONLY.apply([text])[0], normalize(text)):
            assert numbers(step) == numbers(text), text
