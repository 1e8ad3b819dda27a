import datetime
import json
import zipfile
from decimal import Decimal

import pyarrow
import pyarrow.parquet
import pytest

from sts.errors import DataError, MissingDependency
from sts.files.options import FileOptions
from sts.files.table import read_table
from sts.pairs.rows import pair_columns
from sts.pairs.write import writing_rows
from sts.search.rows import COLUMNS as SENTENCES

PAIRS = pair_columns(labelled=False, others=True)
ROWS = [{"sentence1": "가", "sentence2": "나", "label": 1.5}, {"sentence1": "다", "sentence2": "라", "label": 4}]


def read(path, columns=PAIRS, *, said=None, **options):
    say = (lambda line: None) if said is None else lambda line: said.append(line.replace(str(path), path.name))
    found = read_table(path, columns, options=FileOptions(**options), say=say)
    return [(row.place, row.fields) for row in found]


def refused(path, columns=PAIRS, **options):
    with pytest.raises(DataError) as raised:
        read(path, columns, **options)
    return str(raised.value).replace(str(path), path.name)


def write(path, text):
    path.write_text(text, encoding="utf-8", newline="")
    return path


@pytest.mark.parametrize(
    "value",
    [
        ROWS,
        {"data": ROWS},
        {"version": "1.1", "data": ROWS},
        {"columns": list(ROWS[0]), "index": [0, 1], "data": [list(row.values()) for row in ROWS]},
        {name: [row[name] for row in ROWS] for name in ROWS[0]},
        {name: {str(n): row[name] for n, row in enumerate(ROWS)} for name in ROWS[0]},
    ],
    ids=["list", "data", "data with more", "pandas split", "columns of lists", "columns of objects"],
)
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_json_comes_in_several_shapes(tmp_path, value, mark):
    path = write(tmp_path / "a.json", mark + json.dumps(value, ensure_ascii=False))
    assert read(path) == [("entry 1", ROWS[0]), ("entry 2", ROWS[1])]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "a.json: not JSON ("),
        ('{"sentence1": "가"}\n{"sentence1": "나"}\n', "a.json: not JSON ("),
        ("3", "a.json: holds "),
        ("{}", "a.json: holds "),
        ('{"sentence1": ["가", "나"], "sentence2": ["다"]}', "a.json: holds "),
        ('[{"sentence1": "가", "sentence1": "나"}]', "a.json: not JSON (the field 'sentence1' is there twice)"),
        ("[" * 100_000, "a.json: not JSON ("),
    ],
)
def test_json_of_another_shape_is_refused_whole(tmp_path, text, message):
    assert refused(write(tmp_path / "a.json", text)).startswith(message)


def test_json_lines_are_told_one_by_one(tmp_path):
    lines = ['{"sentence1": "가", "sentence2": "나"}', "", "가", "[1]", '{"x": 1, "x": 2}', "null", '{"문장1": "다"}']
    found = read(write(tmp_path / "a.jsonl", "\n".join(lines)))
    assert found[0] == ("line 1", {"sentence1": "가", "sentence2": "나"})
    assert found[1][0] == "line 3"
    assert found[1][1].startswith("not JSON (Expecting value")
    assert found[2:] == [
        ("line 4", "the row is [1]; it must be an object"),
        ("line 5", "not JSON (the field 'x' is there twice); each line must be one object"),
        ("line 6", "the row is None; it must be an object"),
        ("line 7", {"sentence1": "다"}),
    ]


def test_a_line_with_a_number_beyond_all_measure_is_one_bad_line(tmp_path):
    path = write(tmp_path / "a.jsonl", '{"x": 1' + "0" * 5000 + '}\n{"sentence1": "가"}\n')
    (_, problem), (_, fields) = read(path)
    assert problem.startswith("not JSON (")
    assert fields == {"sentence1": "가"}


def parquet(path, **columns):
    pyarrow.parquet.write_table(pyarrow.table(columns), path)
    return path


def test_parquet_keeps_every_kind_of_value(tmp_path):
    moment = datetime.datetime(2020, 1, 2, 3, 4, tzinfo=datetime.UTC)
    path = parquet(
        tmp_path / "a.parquet",
        sentence1=pyarrow.array(["가", "다"]).dictionary_encode(),
        sentence2=pyarrow.array(["나", None], pyarrow.large_string()),
        when=pyarrow.array([moment, None], pyarrow.timestamp("us", tz="UTC")),
        day=[datetime.date(2020, 1, 2), None],
        price=[Decimal("3.50"), None],
        tags=[["x", "y"], []],
        ok=[True, None],
    )
    (place, first), (_, second) = read(path)
    assert place == "row 1"
    assert first == {
        "sentence1": "가",
        "sentence2": "나",
        "when": moment,
        "day": datetime.date(2020, 1, 2),
        "price": Decimal("3.50"),
        "tags": ["x", "y"],
        "ok": True,
    }
    assert second["sentence2"] is None


def test_parquet_names_columns_as_other_tables_do(tmp_path):
    said = []
    path = parquet(tmp_path / "a.parquet", q1=["가"], Q2=["나"])
    with pytest.raises(DataError, match="columns 'sentence1' and 'sentence2' are missing; found q1, Q2"):
        read(path, said=said, columns=PAIRS)
    assert said == []
    path = parquet(tmp_path / "b.parquet", Sentence_1=["가"], 문장2=["나"])
    assert read(path, said=said) == [("row 1", {"sentence1": "가", "sentence2": "나"})]
    assert said == ["b.parquet: reading 'Sentence_1' as sentence1, '문장2' as sentence2"]


@pytest.mark.parametrize("named", [["sentence1=q1", "sentence2=Q_2"], ["sentence1=1", "sentence2=2"]])
def test_parquet_has_its_columns_named_by_name_or_number(tmp_path, named):
    path = parquet(tmp_path / "a.parquet", q1=["가"], q2=["나"])
    found = read_table(path, PAIRS, options=FileOptions(columns=named))
    assert [row.fields for row in found] == [{"sentence1": "가", "sentence2": "나"}]


def test_parquet_tells_a_named_column_that_it_does_not_have(tmp_path):
    path = parquet(tmp_path / "a.parquet", sentence=["가"], key=["k"])
    with pytest.raises(DataError, match=r"a\.parquet.*--columns names the column 'nope', which is missing"):
        list(read_table(path, SENTENCES, options=FileOptions(columns=["id=nope"])))


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"", "a.parquet: not a Parquet file that can be read ("), (b"x" * 100, "a.parquet: not a Parquet file")],
)
def test_what_is_no_parquet_is_told(tmp_path, content, message):
    (tmp_path / "a.parquet").write_bytes(content)
    assert refused(tmp_path / "a.parquet").startswith(message)


def workbook(path, rows, *others):
    import openpyxl

    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    for name in others:
        book.create_sheet(name).append(["x"])
    book.save(path)
    return path


def test_a_workbook_is_read_with_its_kinds_of_values(tmp_path):
    said = []
    moment = datetime.datetime(2020, 1, 2)
    rows = [
        ["Sentence1", "sentence2", "when", "n", "code", "ok"],
        ["가", "나", moment, 3, "007", True],
        [],
        ["다", "라", None, 2.5, None, None],
    ]
    found = read(workbook(tmp_path / "a.xlsx", rows, "둘"), said=said)
    names = ["sentence1", "sentence2", *rows[0][2:]]
    assert found == [
        ("row 2", dict(zip(names, rows[1], strict=True))),
        ("row 4", dict(zip(names, rows[3], strict=True))),
    ]
    assert said == ["a.xlsx: reading its first sheet, 'Sheet', of 2", "a.xlsx: reading 'Sentence1' as sentence1"]


def test_a_workbook_may_begin_late_and_end_early(tmp_path):
    path = workbook(tmp_path / "a.xlsx", [[], [None, None], ["sentence1", "sentence2", None, ""], ["가", "나", None]])
    assert read(path) == [("row 4", {"sentence1": "가", "sentence2": "나"})]


def test_a_workbook_without_a_header(tmp_path):
    path = workbook(tmp_path / "a.xlsx", [["가", "나", 3], ["다", "라", 4]])
    assert "if the first line is a row already, add --no-header" in refused(path)
    assert [fields for _, fields in read(path, no_header=True)] == [
        {"sentence1": "가", "sentence2": "나", "label": 3},
        {"sentence1": "다", "sentence2": "라", "label": 4},
    ]


def test_a_workbooks_row_that_is_wider_than_its_header_is_told(tmp_path):
    path = workbook(tmp_path / "a.xlsx", [["sentence1", "sentence2"], ["가", "나", "다"]])
    assert read(path)[0][1].startswith("the row has 3 fields, the header 2;")


def without_member(path, name, content):
    """The workbook with another content, or nothing, in the place of one of its files."""
    with zipfile.ZipFile(path) as book:
        members = {entry: book.read(entry) for entry in book.namelist()}
    with zipfile.ZipFile(path, "w") as book:
        for entry, data in members.items():
            if entry != name or content is not None:
                book.writestr(entry, content(data) if entry == name else data)
    return path


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("xl/worksheets/sheet1.xml", lambda data: data[: len(data) // 2]),
        ("xl/worksheets/sheet1.xml", None),
        ("xl/workbook.xml", lambda data: data[: len(data) // 2]),
        ("[Content_Types].xml", None),
    ],
    ids=["half a sheet", "no sheet", "half a book", "no contents"],
)
def test_a_damaged_workbook_is_told(tmp_path, name, content):
    path = workbook(tmp_path / "a.xlsx", [["sentence1", "sentence2"], ["가", "나"]])
    assert "a.xlsx: not an Excel workbook (.xlsx) that can be read" in refused(without_member(path, name, content))


@pytest.mark.parametrize("content", [b"", b"sentence1,sentence2\n", b"\xd0\xcf\x11\xe0" + b"\0" * 600])
def test_what_is_no_workbook_is_told(tmp_path, content):
    (tmp_path / "a.xlsx").write_bytes(content)
    assert refused(tmp_path / "a.xlsx").startswith("a.xlsx: not an Excel workbook (.xlsx) that can be read (")


def test_an_empty_workbook_is_told(tmp_path):
    told = "a.xlsx: the first sheet is empty; its first row must name the columns"
    assert refused(workbook(tmp_path / "a.xlsx", [])) == told


def test_workbooks_need_their_extra(tmp_path, monkeypatch):
    import sys

    path = workbook(tmp_path / "a.xlsx", [["sentence1", "sentence2"]])
    monkeypatch.setitem(sys.modules, "openpyxl", None)
    with pytest.raises(MissingDependency, match=r"reading .*a\.xlsx needs .* openpyxl, .*korean-sts\[excel\]"):
        read(path)
    with pytest.raises(MissingDependency, match=r"writing .*b\.xlsx needs"), writing_rows(tmp_path / "b.xlsx"):
        pass
    assert not (tmp_path / "b.xlsx").exists()


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".jsonl", ".xlsx"])
def test_what_is_written_reads_back(tmp_path, suffix):
    rows = [
        {"sentence1": '그는 "응", 이라고', "sentence2": "=1+1", "memo": "007"},
        {"sentence1": "'가'", "sentence2": '"""', "memo": " 끝 "},
    ]
    path = tmp_path / f"a{suffix}"
    with writing_rows(path) as put:
        for row in rows:
            put(row)
    quoting = "none" if suffix == ".tsv" else "auto"  # it writes none, and reads them back as it wrote them
    assert [fields for _, fields in read(path, quoting=quoting)] == rows


def test_csv_for_excel_has_a_byte_order_mark_and_tsv_has_none(tmp_path):
    for suffix in (".csv", ".tsv"):
        with writing_rows(tmp_path / f"a{suffix}") as put:
            put({"sentence1": "가"})
    assert (tmp_path / "a.csv").read_bytes() == "\ufeffsentence1\n가\n".encode()
    assert (tmp_path / "a.tsv").read_bytes() == "sentence1\n가\n".encode()


def test_numbers_that_excel_would_round_are_written_whole(tmp_path):
    with writing_rows(tmp_path / "a.xlsx") as put:
        put({"sentence1": "가", "sentence2": "나", "id": 1234567890123456789, "n": 3})
    ((_, fields),) = read(tmp_path / "a.xlsx")
    assert int(fields["id"]) == 1234567890123456789
    assert fields["n"] == 3


@pytest.mark.parametrize("name", ["a.xls", "a.csv.gz", "a", "a.hwp"])
def test_other_formats_are_told_what_is_read(tmp_path, name):
    (tmp_path / name).write_bytes(b"x")
    assert refused(tmp_path / name).endswith("allowed are .csv, .tsv, .txt, .jsonl, .json, .parquet, .xlsx")


def test_a_file_that_is_not_there_is_told(tmp_path):
    assert refused(tmp_path / "none.csv").startswith("none.csv: no such file; give a file that ends in .csv, .tsv")
