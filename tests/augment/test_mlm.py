from collections import Counter

import numpy as np
import pytest

from sts.augment.adverbs import DEGREE, MANNER, REQUEST, adverb_places
from sts.augment.check import problem
from sts.augment.draw import draw_by_rank
from sts.augment.mlm import MaskedInsertion
from sts.augment.sentence import analyse
from sts.text.analysers.kiwi import shared_kiwi

ADVERBS = DEGREE | MANNER | REQUEST
# each has one place or more, and the model expects something there
SENTENCES = [
    "응답성이 높습니다.",
    "숙소가 깨끗하고 위치가 좋았습니다.",
    "집 앞에 마트가 있어 기본적인 식음료품 사기에 유리합니다.",
    "무선 청소기 작동시키는 방법을 알려줄래?",
    "정부는 8일 국무회의에서 이같은 내용을 담은 예산배정계획을 확정했다.",
    "올드타운에서   조금 먼 위치도\t불편했습니다.",
]


@pytest.fixture(scope="module")
def method():
    return MaskedInsertion()


def generators(count, seed=0):
    return [np.random.default_rng([seed, number]) for number in range(count)]


def vary(method, texts, seed=0):
    return method.vary(list(analyse(texts)), generators(len(texts), seed))


def found(text):
    """What follows each place, and the adverbs that may go there."""
    (sentence,) = analyse([text])
    return [(sentence.text[place.start :].split()[0], place.adverbs) for place in adverb_places(sentence)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("응답성이 높습니다.", [("높습니다.", DEGREE)]),
        ("호스트가 친절하고 방이 깨끗해요.", [("친절하고", DEGREE), ("깨끗해요.", DEGREE)]),
        ("정부는 계획을 발표했다.", [("발표했다.", MANNER)]),
        ("깨끗하고 조용한 집입니다.", [("조용한", DEGREE)]),
        # a request, in one word or in two; but not a statement of what was done
        ("불을 꺼 줘.", [("꺼", REQUEST)]),
        ("주소를 알려주세요.", [("알려주세요.", REQUEST)]),
        ("주소를 적어 줬다.", [("적어", MANNER)]),
        ("주소를 적어 줍니다.", [("적어", MANNER)]),
    ],
)
def test_places_are_before_predicates_with_the_adverbs_that_go_with_them(text, expected):
    assert found(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "높습니다.",  # nothing goes before the first word
        "방이 깨끗하지 않아요.",  # denied: 매우 깨끗하지 않다 is not what was said
        "추천할 수 없는 숙소는 그곳을 추천할 수 없다.",  # denied from afar
        "방이 매우 깨끗해요.",  # there is one
        "위치도 조금은 불편했습니다.",  # there is one with a particle
        "예쁜 조용한 집이다.",  # inside what modifies a noun
        "청소 가능하다.",  # inside a compound
        "정책이 결정되다.",  # passive: nobody who does it well
        "돈이 있다.",  # a verb that means little by itself
        "경제를 위한 대책",
        "길 찾아 헤맸다.",  # the ending leans on the next word
        "그가 '좋다'고 했다.",  # a quotation begins
        "그는 서울이다.",  # a name
    ],
)
def test_no_place_where_an_adverb_would_say_something_else_or_be_wrong(text):
    assert found(text) == []


def test_every_adverb_is_one_piece_of_the_model_and_an_adverb_to_kiwi(method):
    vocabulary = method._model._tokenizer.get_vocab()
    assert vocabulary.keys() >= ADVERBS
    for adverb, tokens in zip(sorted(ADVERBS), shared_kiwi().tokenize(sorted(ADVERBS)), strict=True):
        assert [(token.form, token.tag) for token in tokens] == [(adverb, "MAG")]


def inserted(source, new):
    """The words of `new` that are not in `source`; all others must stand in their order."""
    rest = iter(source.split())
    expected = next(rest)
    added = []
    for word in new.split():
        if word == expected:
            expected = next(rest, None)
        else:
            added.append(word)
    assert expected is None
    return added


def test_an_adverb_is_inserted_and_nothing_else_changes(method):
    new = vary(method, SENTENCES)
    for source, text in zip(analyse(SENTENCES), analyse(new), strict=True):
        (adverb,) = inserted(source.text, text.text)
        place = text.text.index(f"{adverb} ")
        assert text.text[:place] + text.text[place + len(adverb) + 1 :] == source.text
        assert adverb in ADVERBS
        assert problem(source, text) is None


def test_the_model_decides_which_adverb(method):
    degrees = Counter(inserted(SENTENCES[0], new)[0] for new in vary(method, SENTENCES[:1] * 200))
    assert 4 <= len(degrees) <= 15
    assert degrees.keys() <= DEGREE
    assert {adverb for adverb, _ in degrees.most_common(2)} == {"매우", "아주"}
    likeliest = MaskedInsertion(top_k=1)
    likeliest._model = method._model
    assert set(vary(likeliest, SENTENCES[:1] * 5)) == {"응답성이 매우 높습니다."}


def test_a_new_sentence_depends_on_its_source_and_generator_alone(method):
    together = vary(method, SENTENCES)
    assert together == vary(method, SENTENCES)
    assert together != vary(method, SENTENCES, seed=1)
    single = MaskedInsertion(batch_size=1)
    single._model = method._model
    assert together == vary(single, SENTENCES)
    sentences, drawn = list(analyse(SENTENCES)), generators(len(SENTENCES))
    backwards = method.vary(sentences[::-1], drawn[::-1])
    assert backwards[::-1] == together


def test_alpha_is_the_share_of_words(method):
    text = "호스트가 친절하고 방이 깨끗하고 위치가 좋고 주방이 넓고 침대가 편합니다."  # 10 words, 5 places
    for alpha, count in [(0.01, 1), (0.1, 1), (0.3, 3), (1.0, 5)]:
        several = MaskedInsertion(alpha=alpha)
        several._model = method._model
        added = inserted(text, vary(several, [text])[0])
        assert len(added) == len(set(added)) == count


def test_nothing_where_there_is_no_place_or_the_model_expects_no_adverb(method):
    assert vary(method, ["숙소", "방이 매우 깨끗해요."]) == [None, None]
    none = MaskedInsertion(top_k=1)
    none._model = method._model
    assert vary(none, ["그는 책을 읽었다."]) == [None]  # 많이, which counts


def test_a_sentence_beyond_the_model_is_left_alone_and_one_that_spells_a_mask_is_not_confused(method):
    long = "방이 " * 300 + "깨끗해요."
    marked = "[MASK] 표시가 [SEP] 아래에서 방이 깨끗해요."
    left, new = vary(method, [long, marked])
    assert left is None
    assert inserted(marked, new)[0] in DEGREE
    ids = method._model._masked(marked, marked.index("깨끗해요"))
    assert ids.count(method._model._tokenizer.mask_token_id) == 1
    assert ids.count(method._model._tokenizer.sep_token_id) == 1


def test_no_sentences(method):
    assert method.vary([], []) == []


def test_the_first_rank_is_drawn_twice_as_often_as_the_second():
    generator = np.random.default_rng(0)
    counts = Counter(draw_by_rank(["a", "b", "c"], generator) for _ in range(11_000))
    # 1, 1/2 and 1/3 of 11/6; three standard deviations are about 160
    assert [counts[name] for name in "abc"] == [pytest.approx(share, abs=160) for share in (6000, 3000, 2000)]
    assert draw_by_rank(["a"], generator) == "a"
