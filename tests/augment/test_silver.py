import sqlite3
import weakref

import numpy as np
import pytest

from sts.augment.silver import SilverSettings, make_silver
from sts.augment.teacher import CHUNK, cached_scores
from sts.errors import DataError, UsageError
from sts.models import Scored

SENTENCES = [
    "서울역 근처 숙소를 예약했습니다.",
    "서울역 근처 호텔을 예약했어요.",
    "내일 아침 회의를 취소해 줘.",
    "오늘 저녁 회의를 취소해 줄래?",
    "날씨가 맑고 바람이 붑니다.",
    "비가 그치고 하늘이 갭니다.",
]
# each sentence's nearest is its neighbour in the list
ANGLES = np.radians([0, 10, 90, 100, 180, 190])
VECTORS = np.stack([np.cos(ANGLES), np.sin(ANGLES)], axis=1).astype(np.float32)


class Judge:
    """Scores a pair by the length of its sentences, times a factor, and counts what it scored."""

    def __init__(self, fingerprint="judge", factor=1.0):
        self.fingerprint = fingerprint
        self.factor = factor
        self.scored = []

    def score(self, sentence1, sentence2):
        pairs = list(zip(sentence1, sentence2, strict=True))
        self.scored += pairs
        scores = np.array([self.factor * min(5, len(a + b) / 10) for a, b in pairs], dtype=np.float32)
        none = np.zeros(len(pairs), bool)
        return Scored(scores, none, none, none.astype(np.float32), none)


@pytest.fixture(autouse=True)
def _own_cache(monkeypatch, tmp_path):
    monkeypatch.setenv("STS_CACHE", str(tmp_path / "cache"))


def make(known=frozenset(), seed=1, teachers=(Judge,), **counts):
    settings = SilverSettings(**({"silver_nearest": 0, "silver_bm25": 0, "silver_random": 0} | counts))
    return make_silver(SENTENCES, set(known), lambda _: VECTORS, teachers, settings, seed=seed, say=lambda line: None)


def rows(silver):
    return [
        (SENTENCES.index(a), SENTENCES.index(b))
        for a, b in zip(silver.pairs["sentence1"], silver.pairs["sentence2"], strict=True)
    ]


def test_the_nearest_by_vectors():
    silver = make(silver_nearest=1)
    assert rows(silver) == [(0, 1), (2, 3), (4, 5)]
    assert silver.origin == ["nearest"] * 3


def test_the_nearest_by_words_need_a_word_in_common():
    silver = make(silver_bm25=1)
    assert {frozenset(pair) for pair in rows(silver)} == {frozenset((0, 1)), frozenset((2, 3))}


def test_random_partners_are_the_seeds():
    first, again, other = (rows(make(silver_random=2, seed=seed)) for seed in (1, 1, 2))
    assert first == again
    assert first != other
    assert all(a != b for a, b in first)


def test_no_pair_comes_twice_or_is_there_already():
    silver = make(silver_nearest=5, silver_bm25=5, silver_random=50)
    found = [frozenset(pair) for pair in rows(silver)]
    assert len(found) == len(set(found)) == 15
    known = frozenset((SENTENCES[1], SENTENCES[0]))
    assert frozenset((0, 1)) not in {frozenset(pair) for pair in rows(make({known}, silver_nearest=5))}


def test_no_more_than_asked_for_and_all_with_the_teachers_score():
    silver = make(silver_nearest=5, silver_pairs=4)
    assert len(silver.pairs) == len(silver.origin) == 4
    for pair in silver.pairs:
        assert pair["label"] == pytest.approx(min(5, len(pair["sentence1"] + pair["sentence2"]) / 10))


def test_the_label_is_the_mean_of_all_teachers():
    one, half = Judge(), Judge("half", factor=0.5)
    silver = make(silver_nearest=1, teachers=(lambda: one, lambda: half))
    # 35 characters together are 3.5 to one judge and half of that to the other
    assert [len(sentence) for sentence in SENTENCES[:2]] == [18, 17]
    assert silver.pairs["label"][0] == pytest.approx((3.5 + 1.75) / 2)
    assert len(silver.pairs) == 3


def test_another_mix_of_teachers_scores_only_what_is_new():
    one, half, third = Judge(), Judge("half", factor=0.5), Judge("third", factor=1 / 3)
    make(silver_nearest=1, teachers=(lambda: one, lambda: half))
    again, other = Judge("half", factor=0.5), Judge("third", factor=1 / 3)
    silver = make(silver_nearest=1, teachers=(lambda: third, lambda: again))
    assert (len(one.scored), len(half.scored), len(third.scored), len(again.scored)) == (3, 3, 3, 0)
    assert silver.pairs["label"][0] == pytest.approx(3.5 * (1 / 3 + 0.5) / 2)
    assert make(silver_nearest=1, teachers=(lambda: other,)).pairs["label"][0] == pytest.approx(3.5 / 3)


def test_one_teacher_is_in_memory_at_a_time():
    loaded = []

    def load(name):
        assert not any(former() for former in loaded)
        teacher = Judge(name)
        loaded.append(weakref.ref(teacher))
        return teacher

    make(silver_nearest=1, teachers=(lambda: load("a"), lambda: load("b"), lambda: load("c")))
    assert len(loaded) == 3


def test_vectors_are_made_only_for_the_nearest():
    def encode(_):
        raise AssertionError("nobody asked for the nearest")

    settings = SilverSettings(silver_nearest=0)
    silver = make_silver(SENTENCES, set(), encode, [Judge], settings, seed=1, say=lambda line: None)
    assert {*silver.origin} == {"bm25", "random"}


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"silver_nearest": -1}, "--silver-nearest is -1; allowed is 0 to 100"),
        ({"silver_bm25": 101}, "--silver-bm25 is 101"),
        ({"silver_pairs": 0}, "--silver-pairs is 0; allowed is 1 or more"),
        ({"silver_nearest": 0, "silver_bm25": 0, "silver_random": 0}, "are all 0"),
    ],
)
def test_settings_out_of_range(values, message):
    with pytest.raises(UsageError, match=message):
        SilverSettings(**values)


def test_a_pair_is_scored_once_by_each_teacher():
    judge = Judge()
    first = cached_scores(judge, ["가", "나", "가"], ["다", "라", "다"])
    assert first == pytest.approx([0.2, 0.2, 0.2])
    assert sorted(judge.scored) == [("가", "다"), ("나", "라")]
    assert cached_scores(judge, ["나", "마"], ["라", "바사"]) == pytest.approx([0.2, 0.3])
    assert judge.scored[2:] == [("마", "바사")]
    other = Judge("another")
    cached_scores(other, ["가"], ["다"])
    assert other.scored == [("가", "다")]


def test_an_interruption_loses_one_chunk_at_most():
    pairs = [f"문장 {number}" for number in range(2 * CHUNK)], ["다른 문장"] * (2 * CHUNK)

    class Stopped(Judge):
        def score(self, sentence1, sentence2):
            if self.scored:
                raise KeyboardInterrupt
            return super().score(sentence1, sentence2)

    with pytest.raises(KeyboardInterrupt):
        cached_scores(Stopped(), *pairs)
    judge = Judge()
    assert len(cached_scores(judge, *pairs)) == 2 * CHUNK
    assert len(judge.scored) == CHUNK


def test_a_damaged_cache_is_named(tmp_path):
    path = tmp_path / "scores.sqlite3"
    path.write_bytes(b"not a database" * 100)
    with pytest.raises(DataError, match=r"scores\.sqlite3: the scores in it can't be used"):
        cached_scores(Judge(), ["가"], ["나"], path=path)
    with pytest.raises(DataError, match="can't be written"):
        cached_scores(Judge(), ["가"], ["나"], path=path / "below" / "a.sqlite3")


def test_the_cache_is_one_sqlite_file(tmp_path):
    cached_scores(Judge(), ["가"], ["나"])
    with sqlite3.connect(tmp_path / "cache" / "teacher-scores.sqlite3") as connection:
        assert connection.execute("SELECT * FROM score").fetchall() == [("judge", "가", "나", pytest.approx(0.2))]
    connection.close()
