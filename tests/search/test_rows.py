import json

import pytest

from sts.errors import DataError, UsageError
from sts.pairs.rows import BadRow
from sts.search.rows import Row, read_sentences
from sts.search.where import condition, parse_where


def test_text_is_one_sentence_a_line(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text('\ufeff첫째 "문장" 그대로\r\n\n둘째, 문장\n셋째\t탭\n', encoding="utf-8")
    first, second, third = read_sentences(path)
    assert [(row.sentence, row.id, row.place) for row in (first, second)] == [
        ('첫째 "문장" 그대로', None, "line 1"),
        ("둘째, 문장", None, "line 3"),
    ]
    assert str(third) == (
        f"{path}, line 4: holds a tab; a text file has one sentence a line, and a table begins with its header"
    )


def test_a_table_that_is_called_text_is_refused(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("\n첫째\t3\n둘째\t4\n", encoding="utf-8")
    message = (
        "a.txt, line 2: has 2 columns parted by tabs and names no column 'sentence'; if the file is a table, say which "
        "column holds the sentences: --columns sentence=NUMBER, with --no-header if it has no header$"
    )
    with pytest.raises(DataError, match=message):
        list(read_sentences(path))
    path.write_text("stars\tsentence\n3\t첫째\n", encoding="utf-8")
    assert list(read_sentences(path)) == [Row("첫째", None, {"stars": "3"}, "line 2")]


def test_every_format_gives_the_same_rows(tmp_path):
    import pandas

    rows = [
        {"id": "a", "sentence": "방이 넓어요, 아주", "source": "airbnb"},
        {"id": "b", "sentence": "불 꺼 줘", "source": "x"},
    ]
    frame = pandas.DataFrame(rows)
    frame.to_csv(tmp_path / "a.csv", index=False)
    frame.to_csv(tmp_path / "a.tsv", index=False, sep="\t")
    frame.to_parquet(tmp_path / "a.parquet")
    frame.to_excel(tmp_path / "a.xlsx", index=False)
    (tmp_path / "a.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    (tmp_path / "a.json").write_text(json.dumps(rows), encoding="utf-8")
    for suffix in ("csv", "tsv", "jsonl", "json", "parquet", "xlsx"):
        found = list(read_sentences(tmp_path / f"a.{suffix}"))
        assert [(row.id, row.sentence, row.metadata) for row in found] == [
            (row["id"], row["sentence"], {"source": row["source"]}) for row in rows
        ]


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ({"sentence": " "}, "field 'sentence' is empty"),
        ({"sentence": 3}, "field 'sentence' is 3; it must be text"),
        ({"id": "a"}, "field 'sentence' is missing; found id$"),
        ({"sentence": "가" * 100_001}, "has 100,001 characters"),
        ({"sentence": "가\ud800"}, "holds half a character"),
        ({"sentence": "가", "id": [1]}, r"field 'id' is \[1\]; it must be text or a whole number"),
        ({"sentence": "가", "id": True}, "field 'id' is True"),
        ({"sentence": "가", "id": "x" * 201}, "field 'id' has 201 characters"),
        ({"sentence": "가", "tags": {"a": 1}}, "field 'tags' is .*metadata must be text"),
    ],
)
def test_bad_rows_say_what_is_wrong(tmp_path, row, problem):
    import re

    path = tmp_path / "a.jsonl"
    path.write_text(json.dumps(row) + "\n" + json.dumps({"sentence": "좋다", "n": 1.5, "ok": None}), encoding="utf-8")
    bad, good = read_sentences(path)
    assert isinstance(bad, BadRow)
    assert re.search(problem, str(bad))
    assert good == Row("좋다", None, {"n": 1.5, "ok": None}, "line 2")


ALLOWED = r"'\.pdf' are not known; allowed are \.txt, \.csv, \.tsv, \.jsonl, \.json, \.parquet, \.xlsx$"


def test_files_that_cannot_be_read(tmp_path):
    (tmp_path / "a.csv").write_text("text,id\n가,1\n", encoding="utf-8")
    with pytest.raises(DataError, match="column 'sentence' is missing; found text, id"):
        list(read_sentences(tmp_path / "a.csv"))
    (tmp_path / "a.txt").write_bytes("가나다".encode("cp949"))
    with pytest.raises(DataError, match="is not UTF-8"):
        list(read_sentences(tmp_path / "a.txt"))
    (tmp_path / "a.pdf").touch()
    with pytest.raises(DataError, match=ALLOWED):
        list(read_sentences(tmp_path / "a.pdf"))


def test_filters_are_parsed():
    assert parse_where(["source=airbnb", "note=a=b", "empty="]) == {"source": "airbnb", "note": "a=b", "empty": ""}
    for wrong in (["source"], ["=x"], ["a=1", "a=2"]):
        with pytest.raises(UsageError, match="must be name=value, each name once"):
            parse_where(wrong)
    with pytest.raises(UsageError, match="at most 20"):
        parse_where([f"n{number}=1" for number in range(21)])


@pytest.mark.parametrize(
    ("value", "wanted", "found"),
    [
        ("airbnb", "airbnb", True),
        ("airbnb", "air", False),
        (3, "3", True),
        (1.5, "1.5", True),
        (True, "true", True),
        (None, "null", True),
        ("3", "3", True),
        ("한국어 '따옴표' \"둘\"", "한국어 '따옴표' \"둘\"", True),
    ],
)
def test_filters_compare_texts_and_other_values(value, wanted, found):
    import sqlite3

    sql, parameters = condition({"이름": wanted})
    with sqlite3.connect(":memory:") as database:
        database.execute("CREATE TABLE sentence (metadata TEXT)")
        database.execute("INSERT INTO sentence VALUES (?)", (json.dumps({"이름": value}, ensure_ascii=False),))
        (count,) = database.execute(f"SELECT count(*) FROM sentence WHERE {sql}", parameters).fetchone()
    database.close()
    assert count == found
