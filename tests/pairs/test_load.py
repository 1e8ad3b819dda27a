import pytest

from sts.errors import DataError
from sts.pairs import load_pairs


@pytest.fixture
def said():
    return []


def csv_file(folder, name, *lines):
    path = folder / name
    path.write_text("sentence1,sentence2,label\n" + "".join(f"{line}\n" for line in lines), encoding="utf-8")
    return str(path)


def test_several_files_make_one_set_without_exact_duplicates(tmp_path, said):
    first = csv_file(tmp_path, "a.csv", "가,나,1", "가,나,1", "가,나,2")
    second = csv_file(tmp_path, "b.csv", "나,가,1", "가,나,1")
    loaded = load_pairs([first, second], announce=said.append)
    assert loaded.pairs["label"][:] == [1.0, 2.0, 1.0]
    assert loaded.pairs.column_names == ["sentence1", "sentence2", "label"]
    assert loaded.duplicates == 2
    assert said == [f"data: {first} + {second}: 3 pairs, 2 exact duplicates removed"]


def test_duplicates_stay_when_asked_for(tmp_path, said):
    path = csv_file(tmp_path, "a.csv", "가,나,1", "가,나,1")
    assert len(load_pairs([path], announce=said.append, deduplicate=False).pairs) == 2


def test_bad_rows_stop_or_are_listed(tmp_path, said):
    path = csv_file(tmp_path, "a.csv", "가,나,1", "다,라,7")
    with pytest.raises(DataError, match=r"line 3: field 'label' is 7.*--on-bad-row skip leaves such rows out"):
        load_pairs([path], announce=said.append)
    loaded = load_pairs([path], announce=said.append, on_bad_row="skip")
    assert len(loaded.pairs) == len(loaded.bad_rows) == 1
    assert said[-2].endswith("1 pairs, 1 bad row skipped")
    assert said[-1].endswith("line 3: field 'label' is 7; it must lie in 0 to 5")


def test_nothing_usable_quotes_the_first_problem(tmp_path, said):
    path = csv_file(tmp_path, "a.csv", "가,나,7")
    with pytest.raises(
        DataError, match=r"no usable pair among 1 rows; the first problem: .*line 2: field 'label' is 7"
    ):
        load_pairs([path], announce=said.append, on_bad_row="skip")


def test_the_fingerprint_follows_the_content(tmp_path, said):
    one, same, other = (
        load_pairs([csv_file(tmp_path, name, line)], announce=said.append).fingerprint
        for name, line in (("a.csv", "가,나,1"), ("b.csv", "가,나,1.0"), ("c.csv", "가,나,1.1"))
    )
    assert one == same != other


def test_the_bundled_sample_is_sound(said):
    train = load_pairs(["sample"], announce=said.append)
    test = load_pairs(["sample-test"], announce=said.append)
    assert len(train.pairs) + len(test.pairs) >= 400
    assert train.duplicates == test.duplicates == 0
    sides = [{s for name in ("sentence1", "sentence2") for s in loaded.pairs[name]} for loaded in (train, test)]
    assert not sides[0] & sides[1]
    assert set(train.pairs["source"]) == set(test.pairs["source"]) == {"lodging", "news", "commands"}


def test_without_the_hub_the_default_is_the_sample_and_says_why(said, monkeypatch):
    monkeypatch.setattr("sts.encoders.hub_has", lambda name, kind: "is not in the cache and HF_HUB_OFFLINE is set")
    loaded = load_pairs(None, announce=said.append)
    assert said[0] == "data: sample (the bundled sample pairs; klue/klue is not in the cache and HF_HUB_OFFLINE is set)"
    assert loaded.description == "sample"


def test_hub_data_that_was_named_is_never_replaced(said, monkeypatch):
    def unreachable(*_, **__):
        raise ConnectionError("Couldn't reach 'klue/klue' on the Hub")

    monkeypatch.setattr("datasets.load_dataset", unreachable)
    with pytest.raises(DataError, match=r"--data klue-sts: klue/klue can't be read .*'sample' for the bundled pairs"):
        load_pairs(["klue-sts"], announce=said.append)


def test_hub_rows_are_checked_like_any_others(said, monkeypatch):
    row = {
        "guid": "klue-sts-v1_train_00000",
        "source": "policy-rtt",
        "sentence1": "가",
        "sentence2": "나",
        "labels": {"label": 3.7, "real-label": 3.714, "binary-label": 1},
    }
    monkeypatch.setattr("datasets.load_dataset", lambda *_, **__: [row])
    loaded = load_pairs(["klue-sts"], announce=said.append)
    assert loaded.pairs[0] == {
        "sentence1": "가",
        "sentence2": "나",
        "label": 3.714,
        "guid": "klue-sts-v1_train_00000",
        "source": "policy-rtt",
        "binary_label": 1,
    }
