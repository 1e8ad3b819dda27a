import unicodedata

import pytest

from sts.errors import DataError, UsageError
from sts.files.columns import Columns, ObjectColumns
from sts.files.options import FileOptions
from sts.pairs.rows import pair_columns

PAIRS = pair_columns(labelled=True)
UNLABELLED = pair_columns(labelled=False, others=True)
WHERE = "a.csv, line 1"


def nfd(text):
    return unicodedata.normalize("NFD", text)


def place(header, *named, columns=PAIRS):
    return columns.place(header, FileOptions(columns=list(named)).named, WHERE)


def problem(header, *named, columns=PAIRS):
    with pytest.raises(DataError) as raised:
        place(header, *named, columns=columns)
    return str(raised.value)


@pytest.mark.parametrize(
    "header",
    [
        ["sentence1", "sentence2", "label"],
        ["Sentence1", "SENTENCE2", "Label"],
        ["sentence_1", "sentence-2", " label "],
        ["Sentence 1", "sentence\u00a02", "LABEL"],
        ["문장1", "문장 2", "점수"],
        [nfd("문장1"), nfd("문장2"), nfd("유사도")],
        ["첫째 문장", "둘째_문장", "라벨"],
        ["sentence1", "sentence2", "score"],
    ],
)
def test_names_are_known_however_they_are_spelled(header):
    placed = place(header)
    assert placed.names == ["sentence1", "sentence2", "label"]
    assert placed.row(["가", "나", "3"]) == {"sentence1": "가", "sentence2": "나", "label": "3"}


def test_what_was_recognised_is_told_and_what_is_spelled_as_here_is_not():
    assert place(["Sentence1", "sentence2", nfd("점수")]).told() == ["'Sentence1' as sentence1", "'점수' as label"]


def test_columns_that_nobody_asked_for_are_left_out_or_kept():
    header = ["id", "sentence1", "memo", "sentence2"]
    assert place([*header, "label"]).row(["1", "가", "x", "나", "3"]) == {
        "sentence1": "가",
        "sentence2": "나",
        "label": "3",
    }
    kept = place(header, columns=UNLABELLED)
    assert kept.row(["1", "가", "x", "나"]) == {"id": "1", "sentence1": "가", "memo": "x", "sentence2": "나"}


def test_a_column_without_a_name_is_called_by_its_number():
    placed = place(["", "sentence1", "sentence2", " "], columns=UNLABELLED)
    assert placed.names == ["column 1", "sentence1", "sentence2", "column 4"]


@pytest.mark.parametrize(
    ("header", "message"),
    [
        (
            ["sentence1", "sentence2"],
            "a.csv, line 1: column 'label' is missing; found sentence1, sentence2; needed are sentence1, sentence2 and "
            "label; name your own: --columns label=COLUMN",
        ),
        (
            ["sentence1", "memo"],
            "a.csv, line 1: columns 'sentence2' and 'label' are missing; found sentence1, memo; needed are sentence1, "
            "sentence2 and label; name your own: --columns sentence2=COLUMN",
        ),
        (
            ["방이 넓어요", "객실이 넓습니다", "4"],
            "a.csv, line 1: columns 'sentence1', 'sentence2' and 'label' are missing; found 방이 넓어요, 객실이 "
            "넓습니다, 4; needed are sentence1, sentence2 and label; name your own: --columns sentence1=COLUMN; if the "
            "first line is a row already, add --no-header",
        ),
        (
            ["Sentence 1", "sentence_1", "sentence2", "label"],
            "a.csv, line 1: columns 1 and 2 may both be sentence1 (Sentence 1 and sentence_1); say which: --columns "
            "sentence1=1",
        ),
        (
            ["sentence1", "sentence1", "sentence2", "label"],
            "a.csv, line 1: columns 1 and 2 may both be sentence1 (sentence1 and sentence1); say which: --columns "
            "sentence1=1",
        ),
    ],
)
def test_a_missing_column_is_named_as_missing_and_a_doubled_one_as_doubled(header, message):
    assert problem(header) == message


def test_scoring_needs_no_label():
    assert place(["sentence1", "sentence2"], columns=UNLABELLED).names == ["sentence1", "sentence2"]
    assert "needed are sentence1 and sentence2; " in problem(["q1", "q2"], columns=UNLABELLED)


@pytest.mark.parametrize(
    "named",
    [
        ("sentence1=질문1", "sentence2=질문2"),
        ("sentence1=" + nfd("질문1"), "sentence2=" + nfd("질문2")),
        ("Sentence_1 = 질문 1", "sentence2=2"),
        ("sentence1=1", "sentence2=2"),
    ],
)
@pytest.mark.parametrize("header", [["질문1", "질문2"], [nfd("질문1"), nfd("질문2")]])
def test_columns_are_named_by_name_or_number_in_either_form_of_hangul(header, named):
    assert place(header, *named, columns=UNLABELLED).names == ["sentence1", "sentence2"]


def test_a_name_that_is_a_number_is_a_name_first():
    assert place(["2", "1"], "sentence1=1", "sentence2=2", columns=UNLABELLED).names == ["sentence2", "sentence1"]


def test_a_named_column_comes_before_one_that_has_the_name():
    placed = place(["sentence1", "sentence2", "label", "mean"], "label=mean")
    assert placed.row(["가", "나", "1", "4.5"]) == {"sentence1": "가", "sentence2": "나", "label": "4.5"}


@pytest.mark.parametrize(
    ("named", "message"),
    [
        (
            ("sentence1=q9",),
            "a.csv, line 1: --columns names the column 'q9', which is missing; found q1, q2, q1",
        ),
        (("sentence1=0",), "which is missing"),
        (("sentence1=4",), "which is missing"),
        (("sentence1=q1",), "a.csv, line 1: --columns names the column 'q1', which is there 2 times; give its number"),
    ],
)
def test_a_named_column_that_is_not_there_is_told(named, message):
    assert message in problem(["q1", "q2", "q1"], *named)


def test_one_column_named_for_two_is_told_as_that():
    told = problem(["q1", "q2"], "sentence1=q1", "sentence2=q1", columns=UNLABELLED)
    assert "'q1'" in told
    assert "is missing" not in told


@pytest.mark.parametrize("given", ["sentence1", "=q1", "sentence1=", " = "])
def test_an_option_that_names_nothing_is_a_mistake(given):
    with pytest.raises(UsageError, match=r"^--columns .*: must be name=column, such as sentence1=question1$"):
        FileOptions(columns=[given])


def test_a_name_given_twice_is_a_mistake():
    with pytest.raises(UsageError, match=r"^--columns names label twice; name each column once$"):
        FileOptions(columns=["label=a", "label=b"])


def test_two_columns_of_one_name_would_lose_one_and_another_name_keeps_both():
    header = ["sentence1", "sentence2", nfd("메모"), "메모"]
    assert problem(header, columns=UNLABELLED) == (
        "a.csv, line 1: columns 3 and 4 are both called '메모'; give one of them another name in the file, or here: "
        "--columns 메모4=4"
    )
    placed = place(header, "둘째 메모=4", columns=UNLABELLED)
    assert placed.row(["가", "나", "x", "y"]) == {"sentence1": "가", "sentence2": "나", "메모": "x", "둘째 메모": "y"}
    assert place([*header, "label"]).names[:2] == ["sentence1", "sentence2"]  # nobody asked for the others


def test_a_row_of_another_width_is_no_row():
    placed = place(["sentence1", "sentence2"], columns=UNLABELLED)
    assert placed.row(["가"]) == ("the row has 1 fields, the header 2; each row must have one field for each column")
    assert placed.row(["가", "나", ""]).startswith("the row has 3 fields, the header 2;")


def test_without_a_header_columns_stand_in_order():
    assert UNLABELLED.in_order(2, {}, WHERE).names == ["sentence1", "sentence2"]
    placed = UNLABELLED.in_order(3, {}, WHERE)
    assert placed.told() == ["column 1 as sentence1", "column 2 as sentence2", "column 3 as label"]
    assert placed.row(["가", "나", "3"]) == {"sentence1": "가", "sentence2": "나", "label": "3"}


@pytest.mark.parametrize(("count", "told"), [(1, "has 1 column and"), (4, "has 4 columns and")])
def test_without_a_header_other_numbers_of_columns_need_names(count, told):
    with pytest.raises(DataError) as raised:
        UNLABELLED.in_order(count, {}, WHERE)
    assert str(raised.value) == (
        f"a.csv, line 1: {told} no header; without one, columns are sentence1, sentence2 and label, in this order, or "
        "name them by number: --columns sentence1=1"
    )


def test_without_a_header_columns_can_be_named_by_number():
    named = FileOptions(columns=["sentence1=3", "sentence2=2"], no_header=True).named
    assert UNLABELLED.in_order(3, named, WHERE).names == ["1", "sentence2", "sentence1"]


def test_objects_name_their_own_fields():
    said = []
    found = ObjectColumns(UNLABELLED, {}, said.append)
    one = {"Sentence1": "가", "sentence_2": "나", "x": 1}
    for _ in range(2):
        placed = found.place(one)
        assert dict(zip(placed.names, one.values(), strict=True)) == {"sentence1": "가", "sentence2": "나", "x": 1}
    assert found.place({nfd("문장1"): "다"}).names == ["sentence1"]
    assert said == [["'Sentence1' as sentence1", "'sentence_2' as sentence2"], ["'문장1' as sentence1"]]


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        (["가", "나"], "the row is ['가', '나']; it must be an object"),
        (None, "the row is None; it must be an object"),
        ({"x": 1, "sentence1": "가", "Sentence_1": "나", "sentence 1": "다"}, None),
        ({nfd("메모"): 1, "메모": 2}, "columns 1 and 2 are both called '메모'"),
    ],
)
def test_objects_that_can_not_be_rows(fields, message):
    found = ObjectColumns(UNLABELLED, {}, lambda told: None).place(fields)
    if message is None:  # the exact name is enough
        assert found.names == ["x", "sentence1", "Sentence_1", "sentence 1"]
    else:
        assert isinstance(found, str)
        assert found.startswith(message)


def test_a_column_that_is_named_and_that_only_some_objects_have_is_no_mistake():
    found = ObjectColumns(UNLABELLED, {"label": "mean"}, lambda told: None)
    assert found.place({"sentence1": "가", "mean": 1}).names == ["sentence1", "label"]
    assert found.place({"sentence1": "가"}).names == ["sentence1"]


def test_names_do_not_matter_beyond_the_needed_ones():
    columns = Columns(("sentence",), ("id",), others=True)
    assert columns.place(["Sentence", "ID", "id2"], {}, WHERE).names == ["sentence", "id", "id2"]
