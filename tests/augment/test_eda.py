import numpy as np
import pytest

from sts.augment.aeda import MARKS, Punctuation
from sts.augment.clause import deletable, movable
from sts.augment.eda import RandomDeletion, RandomInsertion, RandomSwap, SynonymReplacement
from sts.augment.sentence import analyse
from sts.augment.thesauri import Synonym


class Table:
    """A thesaurus of what a test says."""

    name = "test"

    def __init__(self, **words):
        self.words = words

    def synonyms(self, form, tag):
        return [Synonym(*entry, 1.0) for entry in self.words.get(form, [])]


def vary(method, text, seed=0):
    return method.vary(list(analyse([text])), [np.random.default_rng(seed)])[0]


def all_of(method, text, seeds=40):
    return {vary(method, text, seed) for seed in range(seeds)}


@pytest.mark.parametrize(
    ("word", "synonym", "text", "written"),
    [
        ("영화", "작품", "영화를 봤다.", "작품을 봤다."),
        ("작품", "영화", "작품이 좋다.", "영화가 좋다."),
        ("숙소", "객실", "숙소는 깨끗해요.", "객실은 깨끗해요."),
        ("숙소", "객실", "숙소와 식당이 가깝다.", "객실과 식당이 가깝다."),
        ("식당", "음식점", "식당으로 갔다.", "음식점으로 갔다."),
        ("객실", "숙소", "객실로 갔다.", "숙소로 갔다."),
        ("부엌", "주방", "부엌에서만 요리했다.", "주방에서만 요리했다."),
    ],
)
def test_a_noun_takes_the_particle_that_fits_it(word, synonym, text, written):
    method = SynonymReplacement(Table(**{word: [(synonym, "NNG")]}))
    assert vary(method, text) == written


@pytest.mark.parametrize(
    ("word", "synonym", "text", "written"),
    [
        ("어렵", ("힘들", "VA"), "문제가 어려워요.", "문제가 힘들어요."),
        ("힘들", ("어렵", "VA-I"), "일이 힘들었다.", "일이 어려웠다."),
        ("먹", ("굽", "VV-I"), "고기를 먹어서 좋다.", "고기를 구워서 좋다."),
        ("고르", ("택하", "VV"), "방을 골랐습니다.", "방을 택했습니다."),
        ("매우", ("아주", "MAG"), "방이 매우 좁다.", "방이 아주 좁다."),
    ],
)
def test_endings_stay_and_conjugate(word, synonym, text, written):
    assert vary(SynonymReplacement(Table(**{word: [synonym]})), text) == written


def test_other_words_stay_letter_for_letter():
    text = "울집 숙소는, 완전 조아욬ㅋㅋ  (진짜로!) 위치가 좋음ㅎㅎ"
    method = SynonymReplacement(Table(위치=[("자리", "NNG")]))
    assert vary(method, text) == "울집 숙소는, 완전 조아욬ㅋㅋ (진짜로!) 자리가 좋음ㅎㅎ"


@pytest.mark.parametrize(
    "text",
    [
        "서울에서 쉬었다.",  # a name
        "세 개가 3개다.",  # numbers
        "안 갔다.",  # a negation
        "전혀 아니다.",  # what goes with one
        "영화관에서 봤다.",  # 영화 is only a part of the word
    ],
)
def test_what_must_not_be_replaced(text):
    everything = Table(
        서울=[("부산", "NNP")], 안=[("꼭", "MAG")], 전혀=[("아주", "MAG")], 영화=[("작품", "NNG")], 개=[("대", "NNB")]
    )
    assert vary(SynonymReplacement(everything), text) is None


def test_the_number_of_changes_follows_alpha():
    text = "숙소가 좋고 위치가 좋고 침대가 좋고 주인이 좋고 식당이 좋다."
    words = {"숙소": "객실", "위치": "자리", "침대": "침구", "주인": "호스트", "식당": "음식점"}
    table = Table(**{word: [(synonym, "NNG")] for word, synonym in words.items()})

    def changed(alpha):
        made = vary(SynonymReplacement(table, alpha), text).split()
        return sum(a != b for a, b in zip(made, text.split(), strict=True))

    assert [changed(alpha) for alpha in (0.01, 0.1, 0.3, 0.5)] == [1, 1, 3, 5]


@pytest.mark.parametrize(
    ("table", "text", "written"),
    [
        (Table(식당=[("음식점", "NNG")]), "식당에 갔다.", "음식점 식당에 갔다."),
        (Table(매우=[("아주", "MAG")]), "방이 매우 좁다.", "방이 아주 매우 좁다."),
        (Table(밝=[("환하", "VA")]), "방이 밝은 편이다.", "방이 환하고 밝은 편이다."),
        (Table(먹=[("들", "VV")]), "밥을 먹었다.", None),
    ],
)
def test_a_synonym_goes_beside_its_word(table, text, written):
    assert vary(RandomInsertion(table), text) == written


def test_constituents_of_a_clause_trade_places():
    assert all_of(RandomSwap(), "호스트가 친구에게 열쇠를 주었다.") == {
        "친구에게 호스트가 열쇠를 주었다.",
        "열쇠를 친구에게 호스트가 주었다.",
        "호스트가 열쇠를 친구에게 주었다.",
    }
    assert all_of(RandomSwap(), "주방과 욕실을 손님이 함께 썼다.") == {"손님이 주방과 욕실을 함께 썼다."}


@pytest.mark.parametrize(
    "text",
    [
        "비가 오면 집에서 쉬자.",  # one constituent in each clause
        "숙소가 깨끗하지 않아요.",
        "내가 산 책을 읽었다.",  # what is bought and what is read
        "갔다.",
    ],
)
def test_nothing_crosses_a_clause(text):
    assert all_of(RandomSwap(), text) == {None}


def test_a_negation_stays_before_its_verb():
    made = all_of(RandomSwap(), "동생은 학교에서 밥을 안 먹었다.")
    assert len(made) == 3
    assert all(sentence.endswith(" 안 먹었다.") for sentence in made)


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("숙소가 정말 깨끗해요.", {"숙소가 깨끗해요."}),
        ("그리고 위치가 좋다.", {"위치가 좋다."}),
        ("이 숙소는 위치가 좋다.", {"숙소는 위치가 좋다."}),
        ("깨끗한 침구가 있었다.", {"침구가 있었다."}),
        ("밥을 안 먹었다.", {None}),
        ("방 두 개를 썼다.", {None}),
        ("전혀 좋지 않다.", {None}),
        ("언제 비가 오나요?", {None}),
        ("키가 큰 사람이 왔다.", {None}),
    ],
)
def test_only_what_a_sentence_can_do_without_is_left_out(text, left):
    assert all_of(RandomDeletion(), text, 10) == left


def test_the_shape_of_a_sentence():
    (sentence,) = analyse(["어제 산 책을 동생이 방에서 조용히 읽었다."])
    assert [[(each.first, each.last) for each in clause] for clause in movable(sentence)] == [[(3, 3), (4, 4)]]
    assert deletable(sentence) == [0, 4, 5]


def test_the_generator_alone_decides():
    sentences = list(analyse(["숙소가 정말 아주 깨끗해요.", "주인이 친구에게 열쇠를 주었다."]))
    for method in (RandomSwap(), RandomDeletion(), Punctuation()):
        first, again = (method.vary(sentences, [np.random.default_rng(s) for s in (3, 4)]) for _ in range(2))
        assert first == again
        alone = method.vary(sentences[1:], [np.random.default_rng(4)])
        assert alone == first[1:]


def test_marks_stand_between_words():
    text = "숙소가 정말 깨끗하고 위치도 좋아서 다시 오고 싶은 곳이에요."
    counts = set()
    for made in all_of(Punctuation(), text):
        words = made.split()
        marks = [word for word in words if word in MARKS]
        assert [word for word in words if word not in MARKS] == text.split()
        assert words[0] not in MARKS
        assert words[-1] not in MARKS
        counts.add(len(marks))
    assert counts == {1, 2, 3}
    assert vary(Punctuation(), "네.") is None
