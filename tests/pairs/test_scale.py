import json

import pytest

from sts.errors import DataError
from sts.pairs import load_pairs
from sts.pairs.scale import LabelCheck, LabelOptions, Scale


@pytest.mark.parametrize(
    ("name", "value", "score"),
    [
        ("0-5", 0, 0.0),
        ("0-5", "4.142857142857143", 4.142857142857143),
        ("0-5", " 3 ", 3.0),
        ("0-1", 0.2, 1.0),
        ("0-1", "1", 5.0),
        ("1-5", 1, 0.0),
        ("1-5", "3.4", 3.0),
        ("1-5", 5, 5.0),
        ("binary", 0, 0.0),
        ("binary", "1.0", 5.0),
        ("binary", True, 5.0),
        ("binary", "False", 0.0),
        ("binary", " TRUE ", 5.0),
        ("binary", "no", 0.0),
        ("min-max", 250, 250.0),  # its ends are known when all labels are
    ],
)
def test_labels_are_brought_to_0_to_5(name, value, score):
    assert Scale(name).score(value) == pytest.approx(score, abs=1e-12)
    if name != "min-max":
        assert Scale(name, inverted=True).score(value) == pytest.approx(5 - score, abs=1e-12)


def test_labels_of_the_projects_own_unit_stay_to_the_last_digit():
    assert Scale().score("1.428571428571429") == 1.428571428571429


def test_the_ends_of_min_max_are_those_that_were_found():
    scale = Scale("min-max").between(-10, 90)
    assert [scale.score(value) for value in (-10, 15, 90)] == [0.0, 1.25, 5.0]
    assert scale.score(91) == "91; it must lie in -10 to 90 (--label-scale min-max)"


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("0-5", 5.1, "5.1; it must lie in 0 to 5"),
        ("0-5", "-0.1", "-0.1; it must lie in 0 to 5"),
        ("0-5", "", "''; it must be a number from 0 to 5"),
        ("0-5", "80%", "'80%'; it must be a number from 0 to 5"),
        ("0-5", "3,5", "'3,5'; it must be a number from 0 to 5"),
        ("0-5", "nan", "'nan'; it must be a number from 0 to 5"),
        ("0-5", float("inf"), "inf; it must be a number from 0 to 5"),
        ("0-5", "1e999", "'1e999'; it must be a number from 0 to 5"),
        ("0-5", 10**400, None),
        ("0-5", None, "None; it must be a number from 0 to 5"),
        ("0-5", [3], "[3]; it must be a number from 0 to 5"),
        ("1-5", 0, "0; it must lie in 1 to 5 (--label-scale 1-5)"),
        ("0-1", 2, "2; it must lie in 0 to 1 (--label-scale 0-1)"),
        ("binary", 2, "2; it must be 0 or 1 (--label-scale binary)"),
        ("binary", 0.5, "0.5; it must be 0 or 1 (--label-scale binary)"),
        ("binary", "예", "'예'; it must be 0 or 1, true or false"),
        ("min-max", "x", "'x'; it must be a number"),
    ],
)
def test_what_is_no_label_is_told(name, value, message):
    found = Scale(name).score(value)
    assert isinstance(found, str)
    assert message is None or found == message


@pytest.mark.parametrize("value", [True, False, "True", "false"])
def test_truth_values_are_labels_of_binary_alone_and_the_message_says_so(value):
    found = Scale().score(value)
    assert isinstance(found, str)
    assert "--label-scale binary" in found


@pytest.mark.parametrize("value", ["0_5", "1_0"])
def test_an_underscore_makes_no_number(value):
    assert isinstance(Scale().score(value), str)


def finish(labels, scale=None, *, invert=False):
    check = LabelCheck("a.csv", LabelOptions(scale, invert_labels=invert))
    for label in labels:
        check.see(label)
    check.finish()
    return check


@pytest.mark.parametrize(
    ("labels", "scale"),
    [
        ([0, 1.5, 5], None),
        ([0.0] * 60, None),  # random pairs, all unrelated
        ([1, 2, 3, 4, 5] * 6, None),  # so few that none below 1 may be chance
        ([2, 3], None),
        ([], None),
        ([0, 1] * 30, "binary"),
        ([0, 1] * 30, "0-1"),
        ([0.1, 0.9] * 30, "0-1"),
        ([0, 1] * 30, "0-5"),  # the user says that they are right as they are
        ([1, 2, 3, 4, 5] * 20, "1-5"),
        ([0, 50, 100], "min-max"),
        ([*[3] * 30, 5.5], None),  # one bad label is a bad row
        (["x"] * 10, None),  # so are words
    ],
)
def test_labels_that_can_be_what_they_are_said_to_be_pass(labels, scale):
    check = finish(labels, scale)
    assert check.count == sum(not isinstance(label, str) for label in labels)
    assert check.outside == (5.5 in labels)


@pytest.mark.parametrize(
    ("labels", "scale", "message"),
    [
        (
            [0, 1],
            None,
            "a.csv: the labels (0, 1) look like binary and not like 0 to 5; add --label-scale binary, or --label-scale "
            "0-5 if they are right as they are",
        ),
        (["1", "0.0", "1.0"], None, "a.csv: the labels (0, 1) look like binary"),
        (
            [0.1, 0.25, 0.5, 1.0],
            None,
            "a.csv: the labels (numbers from 0.1 to 1) look like 0-1 and not like 0 to 5; add --label-scale 0-1, or "
            "--label-scale 0-5 if they are right as they are",
        ),
        (
            [1, 2, 3, 4, 5] * 10,
            None,
            "a.csv: the labels (whole numbers from 1 to 5) look like 1-5 and not like 0 to 5; add --label-scale 1-5, "
            "or --label-scale 0-5 if they are right as they are",
        ),
        ([0, 50, 100], None, "a.csv: 2 of 3 labels are not in 0-5; they lie from 0 to 100; add --label-scale min-max"),
        ([-1, -0.5, 1], None, "a.csv: 2 of 3 labels are not in 0-5; they lie from -1 to 1; add --label-scale min-max"),
        ([0.1, 0.7], "binary", "a.csv: 2 of 2 labels are not in binary; they lie from 0.1 to 0.7; add --label"),
        ([3, 3], "min-max", "a.csv: all labels are 3, so --label-scale min-max has no ends"),
    ],
)  # fmt: skip
def test_labels_that_are_something_else_stop_with_the_option_that_is_right(labels, scale, message):
    with pytest.raises(DataError) as raised:
        finish(labels, scale)
    assert str(raised.value).startswith(message)


def test_the_option_that_is_right_keeps_the_others():
    with pytest.raises(DataError, match=r"add --label-scale binary --invert-labels, or --label-scale 0-5 if"):
        finish([0, 1], invert=True)


@pytest.mark.parametrize("scale", ["0-1", "1-5", "binary"])
def test_labels_from_0_to_5_are_told_to_be_just_that(scale):
    with pytest.raises(DataError, match=r"labels are not in .*--label-scale 0-5"):
        finish([0, 1, 2, 3, 4.5, 5] * 10, scale)


def test_a_binary_set_of_one_class_does_not_pass_for_labels_of_1():
    with pytest.raises(DataError, match="--label-scale binary"):
        finish([1] * 60)


def test_means_of_a_scale_from_1_to_5_need_not_reach_its_ends():
    with pytest.raises(DataError, match="--label-scale 1-5"):
        finish([1.2, 2.4, 3.6, 4.8] * 25)


def write(path, *labels):
    rows = [f"문장 {path.stem} {n},말 {path.stem} {n},{label}" for n, label in enumerate(labels)]
    path.write_text("\n".join(["sentence1,sentence2,label", *rows]) + "\n", encoding="utf-8")
    return str(path)


def load(*sources, scale=None, invert=False, **options):
    said = []
    labels = LabelOptions(scale, invert_labels=invert)
    loaded = load_pairs(sources, announce=said.append, labels=labels, **options)
    return loaded.pairs["label"][:], said


def test_pairs_are_loaded_in_their_units_and_that_is_told(tmp_path):
    path = write(tmp_path / "a.csv", 0, 1, 1)
    labels, said = load(path, scale="binary", invert=True)
    assert labels == [5.0, 0.0, 0.0]
    assert said == [f"data: {path}: 3 pairs, labels read with --label-scale binary --invert-labels"]


def test_min_max_has_the_ends_of_all_files_together(tmp_path):
    files = write(tmp_path / "a.csv", 0, 50), write(tmp_path / "b.csv", 20, 100)
    assert load(*files, scale="min-max")[0] == [0.0, 2.5, 1.0, 5.0]
    assert load(*files, scale="min-max", invert=True)[0] == [5.0, 2.5, 4.0, 0.0]


def test_each_file_is_checked_by_itself(tmp_path):
    files = write(tmp_path / "a.csv", 0, 2.5, 5), write(tmp_path / "b.csv", 0, 1)
    with pytest.raises(DataError, match=r"b\.csv: the labels \(0, 1\) look like binary"):
        load(*files)


def test_the_scale_is_told_before_a_bad_row_is(tmp_path):
    with pytest.raises(DataError, match=r"2 of 4 labels are not in 0-5"):
        load(write(tmp_path / "a.csv", "x", 1, 50, 100, 3))


def test_a_bad_row_among_good_labels_is_one(tmp_path):
    path = write(tmp_path / "a.csv", *[3] * 20, "high")
    labels, said = load(path, on_bad_row="skip")
    assert labels == [3.0] * 20
    assert said[-1] == f"  skipped {path}, line 22: field 'label' is 'high'; it must be a number from 0 to 5"


def test_klues_nested_labels_are_checked_too(tmp_path):
    path = tmp_path / "a.json"
    rows = [{"sentence1": f"가{n}", "sentence2": "나", "labels": {"real-label": n % 2}} for n in range(4)]
    path.write_text(json.dumps(rows), encoding="utf-8")
    with pytest.raises(DataError, match="look like binary"):
        load(str(path))
    assert load(str(path), scale="binary")[0] == [0.0, 5.0, 0.0, 5.0]
