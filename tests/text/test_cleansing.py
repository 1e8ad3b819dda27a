import itertools
import random

import pytest

from sts.text.cleansing import Cleanse
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
        ("좋다A, 좋다AB나쁘다", "좋다 좋다 나쁘다"),
        ("좋다,나쁘다", "좋다 나쁘다"),
        ("WiFi가 GOOD 좋아요", "가 좋아요"),
        ("가족 👨‍👩‍👧과 🇰🇷 여행👍🏽!", "가족 과 여행"),
        ("3kg 쌀", "3 쌀"),
        ("ABC only", ""),
        ("6·25와 6ㆍ25, 10∼20명, 사과ㆍ배", "6·25와 6ㆍ25 10∼20명 사과 배"),
        ("(A)3 .5점", "3 .5점"),
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
    ("text", "cleansed"),
    [
        ("COVID-19 감염", "19 감염"),
        ("EBS-1.5와 -3", "1.5와 -3"),
        ("A.5 (B-7) -A-5", "5 (7) --5"),
        ("A-½ B-", "-½ -"),
        ("-A", "-"),
        ("기구(ABC3)는, 좋다AB! 3A,4", "기구(3)는, 좋다! 3 ,4"),
    ],
)
def test_no_mark_becomes_the_sign_of_a_number(text, cleansed):
    assert Cleanse(latin=False).apply([text]) == [cleansed]


def test_no_switch_ever_changes_a_number():
    generator = random.Random(0)
    pieces = (
        "3.5 1,000 -3 .5 50% 10:30 1/2 6·25 7 - + . , ~ A 가 漢 あ 점 😀 ( ) ! € \u318d … COVID-19".split() + [" "] * 5
    )
    switches = ("hangul", "latin", "han", "kana", "punctuation", "emoji", "symbols")
    texts = ["".join(generator.choices(pieces, k=generator.randint(1, 9))) for _ in range(200)]
    for kept in itertools.product([True, False], repeat=len(switches)):
        step = Cleanse(**dict(zip(switches, kept, strict=True)))
        for text, cleansed in zip(texts, step.apply(texts), strict=True):
            assert numbers(cleansed) == numbers(text), (text, step)
