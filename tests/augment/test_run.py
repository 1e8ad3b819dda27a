from dataclasses import asdict

import pytest

from sts.augment import AugmentSettings, Counts, augment_pairs, parse_mix
from sts.pairs.load import bundled_file
from sts.pairs.rows import Pair, read_pairs


class Opener:
    """A method that puts one of its words first, and leaves alone what it was not made for."""

    def __init__(self, name, words=("정말", "아주", "참", "무척"), refuses=()):
        self.name, self.words, self.refuses = name, words, refuses
        self.seen = []

    def vary(self, sentences, generators):
        self.seen.extend(sentence.text for sentence in sentences)
        return [
            None
            if sentence.text in self.refuses
            else f"{self.words[generator.integers(len(self.words))]} {sentence.text}"
            for sentence, generator in zip(sentences, generators, strict=True)
        ]


@pytest.fixture
def made_by(monkeypatch):
    """Augments with these methods instead of real ones; gives the new pairs and the counts."""

    def run(pairs, *methods, mix=None, new_per_pair=1, seed=0, **options):
        monkeypatch.setattr("sts.augment.run.make_methods", lambda mix, settings: {each.name: each for each in methods})
        counts = Counts()
        weights = mix or {method.name: 1.0 for method in methods}
        settings = AugmentSettings(new_per_pair=new_per_pair)
        return list(augment_pairs(pairs, weights, settings, seed=seed, counts=counts, **options)), counts

    return run


ROOM = Pair("방이 깨끗해요.", "숙소가 깔끔합니다.", 4.25, "g-7", "airbnb", 1)
LIGHT = Pair("불을 꺼 주세요.", "메일을 지워 주세요.", 0.5)


def test_a_new_pair_changes_one_sentence_and_keeps_the_rest(made_by):
    new, counts = made_by([ROOM, LIGHT], Opener("a"))
    assert [pair.guid for pair in new] == ["g-7-a1", "2-a1"]
    for pair, source in zip(new, (ROOM, LIGHT), strict=True):
        changed = [pair.sentence1 != source.sentence1, pair.sentence2 != source.sentence2]
        assert sorted(changed) == [False, True]
        assert (pair.label, pair.source, pair.binary_label) == (source.label, source.source, source.binary_label)
    assert counts == Counts(pairs=2, wanted=2, new=2, methods={"a": 2})


def test_new_pairs_of_a_pair_differ_and_come_in_order(made_by):
    new, _ = made_by([ROOM], Opener("a"), new_per_pair=4)
    assert [pair.guid for pair in new] == sorted(pair.guid for pair in new)
    assert len({(pair.sentence1, pair.sentence2) for pair in new}) == len(new) >= 2


def test_either_sentence_is_changed(made_by):
    pairs = [Pair(f"{number}번 방이 깨끗해요.", "숙소가 깔끔합니다.", 4.0) for number in range(60)]
    new, _ = made_by(pairs, Opener("a"))
    first = sum(pair.sentence1 != source.sentence1 for pair, source in zip(new, pairs, strict=True))
    assert 15 < first < 45


def test_weights_say_how_often_a_method_is_taken(made_by):
    pairs = [Pair(f"{number}번 방이 깨끗해요.", "숙소가 깔끔합니다.", 4.0) for number in range(200)]
    _, counts = made_by(pairs, Opener("a"), Opener("b"), mix={"a": 3.0, "b": 1.0})
    assert sum(counts.methods.values()) == 200
    assert 130 < counts.methods["a"] < 170  # 150 are expected; the standard deviation is 6


def test_where_a_sentence_can_not_be_changed_the_other_one_is(made_by):
    pairs = [Pair(f"{number}번 방이 깨끗해요.", "안 돼요.", 1.0) for number in range(20)]
    new, counts = made_by(pairs, Opener("a", refuses=("안 돼요.",)))
    assert [pair.sentence2 for pair in new] == ["안 돼요."] * 20
    assert counts.new == counts.wanted == 20
    assert 0 < counts.unchanged < 20


def test_where_a_method_can_do_nothing_another_one_does(made_by):
    helpless = Opener("a", refuses=(ROOM.sentence1, ROOM.sentence2))
    new, counts = made_by([ROOM] * 12, helpless, Opener("b"), new_per_pair=1)
    assert counts.methods["a"] == 0
    assert {pair.guid for pair in new} == {"g-7-b1"}
    assert set(helpless.seen) == {ROOM.sentence1, ROOM.sentence2}


def test_a_pair_that_nothing_can_change_gives_none(made_by):
    new, counts = made_by([ROOM], Opener("a", refuses=(ROOM.sentence1, ROOM.sentence2)), new_per_pair=3)
    assert new == []
    assert (counts.wanted, counts.new, counts.unchanged) == (3, 0, 6)


def test_what_may_not_stand_for_its_source_is_refused_with_its_reason(made_by):
    _, counts = made_by([ROOM], Opener("a", words=("안",)))
    assert (counts.new, counts.rejected) == (0, {"negation": 2})
    _, counts = made_by([ROOM], Opener("a", words=("",)))
    assert (counts.new, counts.unchanged) == (0, 2)


def test_a_pair_of_equal_sentences_is_not_made_with_a_label_of_unequal_ones(made_by):
    new, counts = made_by(
        [Pair("정말 좋아요.", "좋아요.", 3.0)], Opener("a", words=("정말",), refuses=("정말 좋아요.",))
    )
    assert new == []
    assert counts.rejected == {"same as the other sentence": 1}


def test_order_swap_happens_once_a_pair_and_not_to_equal_sentences(made_by):
    equal = Pair("좋아요.", "좋아요.", 5.0)
    new, counts = made_by([ROOM, equal], mix={"swap": 1.0}, new_per_pair=3)
    assert new == [Pair(ROOM.sentence2, ROOM.sentence1, 4.25, "g-7-swap1", "airbnb", 1)]
    assert (counts.wanted, counts.new, counts.unchanged) == (6, 1, 5)


def test_no_new_pair_equals_one_that_is_there_even_later_or_in_the_other_order(made_by):
    source = Pair("방이 깨끗해요.", "안 돼요.", 1.0)
    method = Opener("a", words=("정말",), refuses=("안 돼요.",))
    for other in (Pair("정말 방이 깨끗해요.", "안 돼요.", 2.0), Pair("안 돼요.", "정말 방이 깨끗해요.", 2.0)):
        method.refuses = ("안 돼요.", "정말 방이 깨끗해요.")
        new, counts = made_by([source, other], method)
        assert new == []
        assert counts.duplicates == 1
    new, counts = made_by([source, source], method)
    assert [pair.guid for pair in new] == ["1-a1"]
    assert counts.duplicates == 1
    new, counts = made_by([ROOM, Pair(ROOM.sentence2, ROOM.sentence1, 4.0)], mix={"swap": 1.0})
    assert (new, counts.duplicates) == ([], 2)


def test_held_out_sentences_neither_come_in_nor_come_out(made_by):
    sources = [ROOM, Pair("방이 넓어요.", "안 돼요.", 1.0)]
    held_out = {ROOM.sentence2, "정말 방이 넓어요."}
    method = Opener("a", words=("정말",), refuses=("안 돼요.",))
    new, counts = made_by(sources, method, held_out=held_out)
    assert new == []
    assert ROOM.sentence1 not in method.seen
    assert (counts.pairs, counts.held_out, counts.wanted, counts.collisions) == (1, 1, 1, 1)


def test_rows_keep_their_new_pairs_whatever_stands_before_them(made_by):
    rest = [Pair(f"{number}번 방이 깨끗해요.", "숙소가 깔끔합니다.", 4.0) for number in range(5)]
    first, _ = made_by([ROOM, *rest], Opener("a"), new_per_pair=2)
    second, _ = made_by([LIGHT, *rest], Opener("a"), new_per_pair=2, held_out={LIGHT.sentence1})
    assert [pair for pair in first if not pair.guid.startswith("g-7")] == second


def test_an_iterator_is_refused_for_it_could_be_read_only_once():
    with pytest.raises(TypeError, match="gone through twice"):
        augment_pairs(iter([ROOM]), {"swap": 1.0}, AugmentSettings(), seed=0, counts=Counts())


def test_progress_is_told_in_pairs(made_by):
    done = []
    made_by([ROOM, LIGHT, ROOM], mix={"swap": 1.0}, chunk=2, progress=done.append, held_out={LIGHT.sentence1})
    assert done == [2, 1]


SAMPLE = list(read_pairs(bundled_file("sample", "train.csv")))[:40]


def really_made(seed=3, **options):
    """New pairs of the sample by all methods that need no model, and their counts."""
    counts = Counts()
    mix = parse_mix(["eda", "aeda", "swap"])
    return list(augment_pairs(SAMPLE, mix, AugmentSettings(), seed=seed, counts=counts, **options)), asdict(counts)


@pytest.fixture(scope="module")
def real():
    return really_made()


@pytest.mark.parametrize("options", [{"chunk": 1}, {"chunk": 7}, {"workers": 1}, {"workers": 2}])
def test_neither_chunks_nor_threads_decide_anything(real, options):
    assert really_made(**options) == real


def test_another_seed_makes_other_pairs(real):
    assert really_made(seed=4)[0] != real[0]


def test_real_methods_change_one_sentence_of_each_new_pair(real):
    new, counts = real
    sources = {pair.guid: pair for pair in SAMPLE}
    assert counts["wanted"] == 160
    assert counts["new"] == len(new) > 130
    assert all(counts["methods"][name] for name in ("sr", "ri", "rs", "rd", "aeda", "swap"))
    for pair in new:
        source = sources[pair.guid.rpartition("-")[0]]
        if pair.guid.rpartition("-")[2].startswith("swap"):
            assert (pair.sentence1, pair.sentence2) == (source.sentence2, source.sentence1)
        else:
            assert (pair.sentence1 == source.sentence1) != (pair.sentence2 == source.sentence2)
        assert pair.label == source.label
    keys = {(pair.sentence1, pair.sentence2) for pair in new}
    assert len(keys) == len(new)
    assert not keys & {(pair.sentence1, pair.sentence2) for pair in SAMPLE}
