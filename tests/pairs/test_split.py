import numpy as np
import pytest
from datasets import Dataset

from sts.errors import DataError
from sts.pairs import hard_split, random_split
from sts.pairs.split import bigram_overlap, overlap_pearson


def make_pairs(count, seed=0):
    """Pairs whose shared characters give the label away, as in KLUE-STS's train set."""
    generator = np.random.default_rng(seed)
    rows = {"sentence1": [], "sentence2": [], "label": []}
    for _ in range(count):
        first = [chr(0xAC00 + int(value)) for value in generator.integers(0, 11_000, 30)]
        share = float(np.clip(generator.normal(0.5, 0.3), 0, 1))
        keep = round(30 * share)
        second = first[:keep] + [chr(0xAC00 + int(value)) for value in generator.integers(0, 11_000, 30 - keep)]
        rows["sentence1"].append("".join(first))
        rows["sentence2"].append("".join(second))
        rows["label"].append(float(np.clip(5 * share + generator.normal(0, 0.8), 0, 5)))
    return Dataset.from_dict(rows)


def sentences(pairs):
    return {sentence for name in ("sentence1", "sentence2") for sentence in pairs[name]}


def test_bigram_overlap_leaves_spaces_out():
    # 가나, 나다 against 나다, 다라: one of three shared
    assert bigram_overlap("가 나다", "나다 라") == pytest.approx(1 / 3)
    assert bigram_overlap("가", "가") == 0


def test_hard_split_has_even_labels_and_no_telling_overlap():
    pairs = make_pairs(3000)
    assert overlap_pearson(pairs) > 0.8
    split = hard_split(pairs, 200, seed=1)
    histogram, _ = np.histogram(split.validation["label"], bins=10, range=(0, 5))
    assert histogram.tolist() == [20] * 10
    assert abs(overlap_pearson(split.validation)) <= 0.35
    assert len(split.train) + len(split.validation) + split.dropped == 3000


@pytest.mark.parametrize("split_by", [hard_split, random_split])
def test_no_sentence_is_on_both_sides(split_by):
    pairs = make_pairs(300)
    shared = pairs[7]["sentence1"]
    rows = pairs.to_dict()
    rows["sentence2"] = [shared if row % 9 == 0 else sentence for row, sentence in enumerate(rows["sentence2"])]
    # 35 pairs have that sentence, and all others have sentences of their own
    split = split_by(Dataset.from_dict(rows), 60, seed=3)
    assert not sentences(split.train) & sentences(split.validation)
    assert split.dropped == 0
    assert len(split.train) + len(split.validation) == 300
    with_it = [
        shared in pair for pair in zip(split.validation["sentence1"], split.validation["sentence2"], strict=True)
    ]
    assert sum(with_it) == 35
    # the group comes last, for what the others leave to be held out
    assert 60 - 35 < len(split.validation) - 35 < 60


@pytest.mark.parametrize("split_by", [hard_split, random_split])
def test_the_seed_decides(split_by):
    pairs = make_pairs(300)
    once, again, other = (split_by(pairs, 50, seed=seed).validation["label"][:] for seed in (5, 5, 6))
    assert once == again
    if split_by is random_split:
        assert once != other


def test_a_scarce_bin_keeps_half_of_its_pairs_for_training():
    pairs = make_pairs(600)
    rows = pairs.to_dict()
    high = [row for row, label in enumerate(rows["label"]) if label >= 4.5]
    keep = [row for row in range(600) if row not in high[4:]]
    split = hard_split(pairs.select(keep), 100, seed=1)
    assert sum(label >= 4.5 for label in split.validation["label"]) == 2
    assert sum(label >= 4.5 for label in split.train["label"]) == 2


def test_fewer_pairs_than_bins_come_from_as_many_of_the_fullest_bins():
    pairs = make_pairs(30)
    split = hard_split(pairs, 9, seed=0)
    held_out = np.histogram(split.validation["label"], bins=10, range=(0, 5))[0]
    assert sorted(held_out.tolist()) == [0] + [1] * 9
    everything = np.histogram(pairs["label"], bins=10, range=(0, 5))[0]
    assert everything[held_out == 0] == min(everything)


def test_too_few_pairs():
    pairs = make_pairs(30)
    with pytest.raises(DataError, match="a split of 0 pairs holds out none; hold out 1 or more"):
        hard_split(pairs, 0, seed=0)
    message = "holding out 29 of 30 pairs leaves 1 to train on, since pairs that share a sentence are held out together"
    with pytest.raises(DataError, match=message):
        random_split(pairs, 29, seed=0)
