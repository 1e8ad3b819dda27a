import pytest

from sts.augment.sentence import analyse, is_protected


def one(text):
    (sentence,) = analyse([text])
    return sentence


def test_words_are_what_spaces_part():
    sentence = one("숙소는  정말 깨끗해요.")
    assert [word.text for word in sentence.words] == ["숙소는", "정말", "깨끗해요."]
    assert [word.start for word in sentence.words] == [0, 5, 8]
    assert sentence.words[0].tags == ["NNG", "JX"]
    assert sentence.words[2].ends_in_mark
    assert not sentence.words[0].ends_in_mark


def test_numbers_in_figures_and_in_words():
    assert one("3.5점짜리 방 두 개에 1,000원").numbers == ["1,000", "3.5", "두"]
    assert one("기온이 삼십 도를 넘었다").numbers == ["삼십"]


@pytest.mark.parametrize(
    ("text", "negations"),
    [
        ("방이 깨끗하지 않아요", ["않"]),
        ("영화를 안 봤다", ["안"]),
        ("비누가 없어요", ["없"]),
        ("늦지 마세요", ["말"]),
        ("가지 못했다", ["못"]),
        ("사실이 아니다", ["아니"]),
        ("방이 깨끗해요", []),
    ],
)
def test_negations(text, negations):
    assert one(text).negations == negations


def test_numbers_names_and_negations_are_protected():
    sentence = one("서울에서 3일 동안 안 쉬었다")
    assert {token.form for token in sentence.tokens if is_protected(token)} == {"서울", "3", "안"}
    assert sentence.names == {"서울"}


def test_words_that_kiwi_does_not_know_are_counted():
    assert one("쿵칵봇뷁을 먹었다").unknown == 1
    assert one("밥을 먹었다").unknown == 0
