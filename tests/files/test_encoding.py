import codecs
import io
import json

import pytest

from sts.errors import EncodingError, UsageError
from sts.files.encoding import likely_encoding, standard_input
from sts.files.options import AS_FOUND, FileOptions
from sts.files.table import read_table
from sts.pairs.rows import pair_columns

HEADER = "sentence1,sentence2\n"
ROWS = "방이 넓어요,객실이 넓습니다\n불 꺼 줘,조명 꺼 줘\n"
TEXT = HEADER + ROWS
READ = [("방이 넓어요", "객실이 넓습니다"), ("불 꺼 줘", "조명 꺼 줘")]
RARE = [("똠방각하 뷁", "펲시콜라 햏")]  # of Korean Windows alone, not of EUC-KR


def read(path, **options):
    rows = read_table(path, pair_columns(labelled=False), options=FileOptions(**options))
    return [tuple(row.fields.values()) for row in rows]


def write(path, data):
    path.write_bytes(data)
    return path


def refused(path, **options):
    with pytest.raises(EncodingError) as raised:
        read(path, **options)
    return str(raised.value).replace(str(path), path.name)


@pytest.mark.parametrize(
    "data",
    [
        TEXT.encode(),
        TEXT.encode("utf-8-sig"),
        codecs.BOM_UTF16_LE + TEXT.encode("utf-16-le"),
        codecs.BOM_UTF16_BE + TEXT.encode("utf-16-be"),
        codecs.BOM_UTF32_LE + TEXT.encode("utf-32-le"),
        codecs.BOM_UTF32_BE + TEXT.encode("utf-32-be"),
        TEXT.replace("\n", "\r\n").encode("utf-16"),
        TEXT.replace("\n", "\r").encode("utf-8-sig"),
    ],
    ids=["plain", "utf-8", "utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be", "windows", "carriage returns"],
)
def test_byte_order_marks_and_line_ends_are_recognised(tmp_path, data):
    assert read(write(tmp_path / "a.csv", data)) == READ


def test_a_mark_that_was_written_twice_is_left_out_twice(tmp_path):
    assert read(write(tmp_path / "a.csv", b"\xef\xbb\xbf" + TEXT.encode("utf-8-sig"))) == READ


@pytest.mark.parametrize(
    ("codec", "name"),
    [
        ("cp949", "cp949"),
        ("cp949", "CP949"),
        ("cp949", "euc-kr"),
        ("cp949", "EUC_KR"),
        ("cp949", "ks_c_5601-1987"),
        ("utf-16-le", "utf-16"),  # as Windows writes it where it writes no mark
        ("utf-16-be", "utf-16-be"),
        ("utf-16", "utf-16"),
        ("utf-8-sig", "utf-8"),
        ("utf-8", "UTF8"),
        ("johab", "johab"),
    ],
)
def test_an_encoding_can_be_named(tmp_path, codec, name):
    assert read(write(tmp_path / "a.csv", TEXT.encode(codec)), encoding=name) == READ


def test_euc_kr_means_what_korean_windows_calls_so(tmp_path):
    path = write(tmp_path / "a.csv", (HEADER + "똠방각하 뷁,펲시콜라 햏\n").encode("cp949"))
    assert read(path, encoding="euc-kr") == RARE


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (
            TEXT.encode("cp949"),
            "a.csv, line 2: byte 20 is not UTF-8 (0xb9); it looks like cp949: add --encoding cp949, or save the file "
            "as UTF-8",
        ),
        (
            (HEADER + "똠방각하 뷁,펲시콜라 햏\n").encode("cp949"),
            "a.csv, line 2: byte 20 is not UTF-8 (0x8c); it looks like cp949: add --encoding cp949, or save the file "
            "as UTF-8",
        ),
        (
            TEXT.encode("utf-16-le"),
            "a.csv, line 2: byte 41 is not UTF-8 (0xbc); it looks like utf-16-le: add --encoding utf-16-le, or save "
            "the file as UTF-8",
        ),
        (
            TEXT.encode("utf-16-be"),
            "a.csv, line 2: byte 40 is not UTF-8 (0xbc); it looks like utf-16-be: add --encoding utf-16-be, or save "
            "the file as UTF-8",
        ),
        (
            "sentence1,sentence2\nhello,world\n".encode("utf-16-le"),
            "a.csv, line 1: holds NUL characters, so it is not UTF-8; it looks like utf-16-le: add --encoding "
            "utf-16-le, or save it as UTF-8",
        ),
        (
            TEXT.encode() + ROWS.encode("cp949"),
            "a.csv, line 4: byte 87 is not UTF-8 (0xb9); name its encoding with --encoding, or save the file as UTF-8",
        ),
    ],
    ids=["cp949", "rare", "utf-16-le", "utf-16-be", "ascii in utf-16", "both"],
)
def test_bytes_that_are_not_utf_8_are_told_with_place_and_likely_encoding(tmp_path, data, message):
    assert refused(write(tmp_path / "a.csv", data)) == message


def test_a_place_beyond_the_first_block_is_counted_from_the_beginning(tmp_path):
    data = (HEADER + "가,나\n" * 20_000).encode() + "방,불\n".encode("cp949")
    at = 20 + 20_000 * 8
    assert refused(write(tmp_path / "a.csv", data)).startswith(f"a.csv, line 20002: byte {at} is not UTF-8 (0xb9); ")


def test_the_line_is_right_in_other_encodings_too(tmp_path):
    path = write(tmp_path / "a.csv", (HEADER + "똠방각하,가\n").encode("cp949"))
    assert refused(path, encoding="ascii").startswith("a.csv, line 2: byte 20 is not ascii (--encoding ascii) (0x8c); ")


def test_utf_8_that_is_read_as_something_else_is_told_to_be_utf_8(tmp_path):
    told = refused(write(tmp_path / "a.csv", TEXT.encode()), encoding="cp949")
    assert "is not cp949 (--encoding cp949)" in told
    assert "it is UTF-8: leave --encoding out" in told


@pytest.mark.parametrize("suffix", [".json", ".jsonl", ".csv", ".tsv", ".txt"])
def test_every_text_format_tells_its_encoding(tmp_path, suffix):
    rows = [{"sentence1": one, "sentence2": two} for one, two in READ]
    text = {
        ".json": json.dumps(rows, ensure_ascii=False),
        ".jsonl": "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows),
        ".csv": TEXT,
    }.get(suffix, TEXT.replace(",", "\t"))
    path = write(tmp_path / f"a{suffix}", text.encode("cp949"))
    assert "it looks like cp949: add --encoding cp949" in refused(path)
    assert read(path, encoding="cp949") == READ


@pytest.mark.parametrize("name", ["klingon", "", "undefined", "rot13", "hex", "base64", "bz2", "zip", "a\0b"])
def test_an_encoding_that_is_none_of_text_is_a_mistake(name):
    with pytest.raises(UsageError, match=r"^--encoding is '.*'; allowed are auto, utf-8, cp949, utf-16 and other"):
        FileOptions(encoding=name)


def lines_of(data, **options):
    stream = io.TextIOWrapper(io.BufferedReader(io.BytesIO(data)), encoding="utf-8", errors="surrogateescape")
    return list(standard_input(stream, FileOptions(**options), "standard input"))


@pytest.mark.parametrize("codec", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_standard_input_has_its_mark_recognised(codec):
    assert lines_of(TEXT.encode(codec)) == TEXT.splitlines(keepends=True)


@pytest.mark.parametrize(("codec", "name"), [("cp949", "cp949"), ("utf-16-le", "utf-16"), ("utf-16-be", "utf-16-be")])
def test_standard_input_has_a_named_encoding(codec, name):
    assert lines_of(TEXT.encode(codec), encoding=name) == TEXT.splitlines(keepends=True)


def test_standard_input_tells_after_which_line_it_is_something_else():
    with pytest.raises(EncodingError) as raised:
        lines_of(b"a\tb\nc\td\n" + "방이\t넓어요\n".encode("cp949"))
    assert "standard input, line 3: is not UTF-8 (0xb9); it looks like cp949: add --encoding cp949" in str(raised.value)


def test_standard_input_that_is_text_already_is_taken_as_it_is():
    assert list(standard_input(io.StringIO("가\t나\n"), AS_FOUND, "standard input")) == ["가\t나\n"]


def test_a_few_bytes_of_korean_are_enough_to_tell():
    assert likely_encoding("불".encode("cp949")) == "cp949"
