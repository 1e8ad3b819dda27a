import json
import re

import pytest

from sts.errors import DataError
from sts.pairs import BadRow, Pair, read_pairs

HEADER = "sentence1,sentence2,label\n"


def rows(path, **options):
    return list(read_pairs(path, **options))


def write(folder, name, text, encoding="utf-8"):
    path = folder / name
    path.write_text(text, encoding=encoding)
    return path


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_csv_with_and_without_byte_order_mark(tmp_path, encoding):
    path = write(tmp_path, "a.csv", HEADER + '"네, 좋아요.",그래요.,3.5\n', encoding)
    assert rows(path) == [Pair("네, 좋아요.", "그래요.", 3.5)]


def test_csv_keeps_optional_columns(tmp_path):
    text = "guid,source,sentence1,sentence2,label,binary_label\nx-1,airbnb,가,나,3,1\nx-2,,다,라,2.5,\n"
    assert rows(write(tmp_path, "a.csv", text)) == [
        Pair("가", "나", 3.0, "x-1", "airbnb", 1),
        Pair("다", "라", 2.5, "x-2", None, None),
    ]


def test_korsts_tsv_is_not_quoted(tmp_path):
    text = (
        "genre\tfilename\tyear\tid\tscore\tsentence1\tsentence2\n"
        'news\tMSRvid\t2012\t0001\t4.200\t"총리는 말했다.\t그는 "네라고 했다.\n'
    )
    assert rows(write(tmp_path, "korsts.tsv", text)) == [
        Pair('"총리는 말했다.', '그는 "네라고 했다.', 4.2, None, "news", None)
    ]


def test_klue_json(tmp_path):
    entry = {
        "guid": "klue-sts-v1_train_00000",
        "source": "airbnb-rtt",
        "sentence1": "숙소는 깨끗해요.",
        "sentence2": "방이 깔끔합니다.",
        "labels": {"label": 3.7, "real-label": 3.714285714285714, "binary-label": 1},
        "annotations": {"agreement": "0:0:0:2:5:0"},
    }
    path = write(tmp_path, "klue.json", json.dumps([entry], ensure_ascii=False))
    expected = Pair(
        "숙소는 깨끗해요.", "방이 깔끔합니다.", 3.714285714285714, "klue-sts-v1_train_00000", "airbnb-rtt", 1
    )
    assert rows(path) == [expected]


def test_json_lines_and_parquet_agree(tmp_path):
    import pyarrow
    import pyarrow.parquet

    entries = [
        {"sentence1": "가", "sentence2": "나", "label": 1.5},
        {"sentence1": "다", "sentence2": "라", "label": 0.0},
    ]
    lines = write(tmp_path, "a.jsonl", "".join(json.dumps(entry) + "\n" for entry in entries))
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(entries), tmp_path / "a.parquet")
    assert rows(lines) == rows(tmp_path / "a.parquet") == [Pair("가", "나", 1.5), Pair("다", "라", 0.0)]


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("가,나,좋음", r"a\.csv, line 3: field 'label' is '좋음'; it must be a number from 0 to 5"),
        ("가,나,5.1", r"a\.csv, line 3: field 'label' is 5\.1; it must lie in 0 to 5"),
        ("가,나,-0.1", r"line 3: field 'label' is -0\.1; it must lie in 0 to 5"),
        ("가,나,nan", r"line 3: field 'label' is 'nan'; it must be a number"),
        ("가,나,", r"line 3: field 'label' is ''; it must be a number"),
        ("가, ,3", r"line 3: field 'sentence2' is empty; it must hold a sentence"),
        (",나,3", r"line 3: field 'sentence1' is empty"),
        ("가,나", r"line 3: the row has 2 fields, the header 3"),
        ("가,나,3,4", r"line 3: the row has 4 fields, the header 3"),
        ("가," + "나" * 100_001 + ",3", r"field 'sentence2' has 100,001 characters; at most 100,000"),
    ],
)
def test_bad_rows_say_file_line_field_and_value(tmp_path, line, problem):
    path = write(tmp_path, "a.csv", HEADER + f"가,나,0\n{line}\n다,라,5\n")
    good, bad, after = rows(path)
    assert (good, after) == (Pair("가", "나", 0.0), Pair("다", "라", 5.0))
    assert isinstance(bad, BadRow)
    assert re.search(problem, str(bad))


def test_a_quoted_field_over_several_lines_is_placed_at_its_first(tmp_path):
    path = write(tmp_path, "a.csv", HEADER + '"가\n나",다,9\n')
    assert str(rows(path)[0]).endswith("a.csv, line 2: field 'label' is 9; it must lie in 0 to 5")


def test_an_unclosed_quotation_mark_is_one_bad_row(tmp_path):
    path = write(tmp_path, "a.csv", HEADER + '가,나,1\n"다,라,2\n')
    good, bad = rows(path)
    assert good == Pair("가", "나", 1.0)
    assert "line 3: broken CSV" in str(bad)
    assert "close the quotation mark" in str(bad)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        (
            "a.csv",
            "sentence1,label\n가,3\n",
            "a.csv, line 1: column 'sentence2' is missing; found sentence1, label; needed are sentence1, sentence2 and "
            "label; name your own: --columns sentence2=COLUMN$",
        ),
        ("a.csv", "", "the file is empty; its first line must name the columns"),
        ("a.tsv", "", "the file is empty; its first line must name the columns"),
        (
            "a.xls",
            "x",
            "files of type '.xls' are not known; allowed are .csv, .tsv, .txt, .jsonl, .json, .parquet, .xlsx$",
        ),
        ("a.xlsx", "x", r"not an Excel workbook \(.xlsx\) that can be read"),
        ("a.json", "{", "not JSON"),
        ("a.json", "{}", "holds an object of another shape; give a list of objects, an object with such a list"),
        ("a.parquet", "no", "not a Parquet file that can be read"),
    ],
)
def test_unusable_files(tmp_path, name, text, message):
    with pytest.raises(DataError, match=message):
        rows(write(tmp_path, name, text))


UNREADABLE = (
    r"a\.csv, line 2: byte 28 is not UTF-8 \(0xb0\); it looks like cp949: add --encoding cp949, or save the file as "
    r"UTF-8$"
)


def test_missing_file_and_wrong_encoding(tmp_path):
    with pytest.raises(DataError, match=r"none\.csv: no such file; give a file that ends in \.csv"):
        rows(tmp_path / "none.csv")
    with pytest.raises(DataError, match=UNREADABLE):
        rows(write(tmp_path, "a.csv", "sentence1,sentence2,label\n가나,x,3\n".replace("가나", "__가나"), "cp949"))


def test_broken_json_lines(tmp_path):
    path = write(
        tmp_path, "a.jsonl", '{"sentence1": "가"\n[1]\n{"sentence1": "가", "sentence2": "나", "label": true}\n'
    )
    problems = [row.problem for row in rows(path)]
    assert problems[0].startswith("not JSON")
    assert problems[1] == "the row is [1]; it must be an object"
    assert problems[2] == "field 'label' is True; it must be a number; for true and false add --label-scale binary"


def test_binary_label_must_be_0_or_1(tmp_path):
    path = write(tmp_path, "a.csv", "sentence1,sentence2,label,binary_label\n가,나,3,2\n")
    assert rows(path)[0].problem == "field 'binary_label' is '2'; it must be 0 or 1"


def test_without_labels_only_the_sentences_are_needed(tmp_path):
    path = write(tmp_path, "a.csv", "sentence1,sentence2\n가,나\n")
    assert rows(path, labelled=False) == [Pair("가", "나", None)]


@pytest.mark.parametrize("name", ["sentence1", "sentence2", "guid", "source"])
def test_half_a_character_is_no_text(tmp_path, name):
    fields = {"sentence1": "가", "sentence2": "나", "label": 1, "guid": "g", "source": "s", name: "다\ud800"}
    path = write(tmp_path, "a.jsonl", json.dumps(fields) + "\n" + json.dumps(fields | {name: "\U0001f600"}) + "\n")
    bad, good = rows(path)
    assert bad.problem == f"field '{name}' holds half a character ('\\ud800'); it must be Unicode text"
    assert getattr(good, name) == "😀"
