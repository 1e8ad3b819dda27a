import csv
import io

import pytest

from sts.errors import DataError
from sts.files.columns import Columns
from sts.files.delimited import STRAY
from sts.files.options import FileOptions
from sts.files.table import delimited

TWO, THREE = Columns(("a", "b"), others=True), Columns(("a", "b", "label"))


def read(text, columns=TWO, *, tabs=False, said=None, **options):
    """The rows of a text: the number and the values of each, or what is wrong with it."""
    lines = io.StringIO(text, newline="")
    say = (lambda line: None) if said is None else said.append
    rows = delimited("t", lines, columns, FileOptions(**options), say, tabs=tabs)
    return [(row.number, row.fields if isinstance(row.fields, str) else tuple(row.fields.values())) for row in rows]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_count_as_editors_count_them(end):
    text = end.join(["", "a,b", "", "가,나", '"다', '라",마', "", "바,사"])
    assert read(text) == [(4, ("가", "나")), (5, (f"다{end}라", "마")), (8, ("바", "사"))]


@pytest.mark.parametrize(
    ("line", "number"),
    [('"가,나,1', 2), ('가,"나,1', 3), ('가,나,"1', 4), ('"가나" 다,라,1', 2), ('"가,나,1', 5)],
    ids=["first field", "middle field", "last field", "text after the mark", "last row"],
)
def test_a_stray_mark_costs_its_row_alone_and_is_counted_once(line, number):
    lines = ["a,b,label", *(f"문장 {n},말 {n},{n % 5}" for n in range(2, 6))]
    lines[number - 1] = line
    found = read("\n".join(lines) + "\n", THREE)
    assert found == [(n, STRAY if n == number else (f"문장 {n}", f"말 {n}", str(n % 5))) for n in range(2, 6)]


def test_one_stray_mark_in_a_thousand_rows_costs_one():
    lines = ["a,b", *(f'"문장 {n},말 {n}' if n == 500 else f"문장 {n},말 {n}" for n in range(1000))]
    found = read("\n".join(lines) + "\n")
    assert [number for number, row in found if row == STRAY] == [502]
    assert len(found) == 1000


def test_two_stray_marks_that_make_a_pair_do_not_swallow_the_rows_between_them():
    text = 'a,b,label\n"가,나,1\n다,라,2\n"마,바,3\n사,아,4\n'
    assert read(text, THREE) == [(2, STRAY), (3, ("다", "라", "2")), (4, STRAY), (5, ("사", "아", "4"))]


def test_marks_within_a_field_are_characters():
    assert read('a,b\n화면은 27" 입니다,그는 "응"이라고\n') == [(2, ('화면은 27" 입니다', '그는 "응"이라고'))]


MULTI_LINE = [
    [("첫 줄\n둘째 줄", "나", "3"), ("가", "다\n\n라", "2")],
    [("안녕하세요, 문의\n배송은 언제?", "네, 고객님", "3"), ("가", "나", "1")],
    [("가\n나\n다\n라", "마", "1")],
]


@pytest.mark.parametrize("rows", MULTI_LINE)
def test_a_cell_of_several_lines_is_one(rows):
    stream = io.StringIO(newline="")
    csv.writer(stream, lineterminator="\n").writerows([("a", "b", "label"), *rows])
    assert [row for _, row in read(stream.getvalue(), THREE)] == rows


@pytest.mark.parametrize(
    "rows",
    [
        [("안녕하세요, 문의\n배송은 언제?", "네"), ("가", "나")],
        [("안녕하세요", "네\n고객님, 곧"), ("가", "나")],
        [("가\n나", "다\n라"), ("마, 바\n사, 아", "자")],
    ],
)
def test_a_cell_of_several_lines_is_one_though_each_line_has_a_comma(rows):
    stream = io.StringIO(newline="")
    csv.writer(stream, lineterminator="\n").writerows([("a", "b"), *rows])
    assert [row for _, row in read(stream.getvalue())] == rows


def test_a_cell_of_several_lines_is_one_in_a_table_of_one_column():
    assert read('a\n"첫 줄\n둘째 줄"\n셋째\n', Columns(("a",))) == [(2, ("첫 줄\n둘째 줄",)), (4, ("셋째",))]


def test_marks_are_characters_where_the_user_says_so():
    text = 'a,b\n"가,나\n"다",""라\n'
    assert read(text, quoting="none") == [(2, ('"가', "나")), (3, ('"다"', '""라'))]


def test_quoted_cells_of_csv_lose_their_marks():
    assert read('"a","b"\n"가, 나","그는 ""응""이라고"\n') == [(2, ("가, 나", '그는 "응"이라고'))]


def test_a_space_before_a_mark_is_left_out_and_told():
    said = []
    assert read('a,b\n"가, 나", "다, 라"\n마,바\n', said=said) == [(2, ("가, 나", "다, 라")), (3, ("마", "바"))]
    assert said == ["t: a space before a quotation mark is left out"]


def test_spaces_after_every_mark_between_columns_are_left_out_and_told():
    said = []
    assert read('a, b\n"가, 나", "다"\n마, 바\n', said=said) == [(2, ("가, 나", "다")), (3, ("마", "바"))]
    assert said == ["t: spaces after the marks between columns are left out"]


def test_tsv_has_no_quoting_as_korsts():
    text = 'a\tb\n그는 "안녕" 이라고\t"그는 갔다\n"가" 나\t\'다\'\n'
    said = []
    assert read(text, tabs=True, said=said) == [(2, ('그는 "안녕" 이라고', '"그는 갔다')), (3, ('"가" 나', "'다'"))]
    assert said == []


def test_tsv_with_doubled_marks_was_quoted_and_that_is_told():
    said = []
    text = 'a\tb\n"그는 ""괜찮아""라고"\t가\n나\t"화면은 27"""\n'
    assert read(text, tabs=True, said=said) == [(2, ('그는 "괜찮아"라고', "가")), (3, ("나", '화면은 27"'))]
    assert said == [
        "t: fields with doubled quotation marks are read as quoted ones; --quoting none reads them as they are"
    ]


def test_tsv_with_tabs_and_lines_within_marks_was_quoted():
    text = 'a\tb\n"가\t나"\t다\n"라\n마"\t바\n사\t아\n'
    assert read(text, tabs=True) == [(2, ("가\t나", "다")), (3, ("라\n마", "바")), (5, ("사", "아"))]


def test_tsv_with_every_name_in_marks_is_quoted_and_that_is_told():
    said = []
    assert read('"a"\t"b"\n"가"\t"나ㆍ""다"""\n', tabs=True, said=said) == [(2, ("가", '나ㆍ"다"'))]
    assert said == ["t: fields are in quotation marks, as in CSV; --quoting none reads the marks as characters"]


@pytest.mark.parametrize(
    "text",
    [
        'a\tb\n"방이 넓고, 깨끗해요"\t방이 넓어요\n',  # as Excel writes a cell with a comma
        'a\tb\n"가"\t"나"\n"다"\t"라"\n',  # as databases write every text
    ],
)
def test_tsv_whose_cells_alone_stand_in_marks_is_recognised_or_told(text):
    said = []
    found = read(text, tabs=True, said=said)
    assert not any('"' in value for _, row in found for value in row) or any("quot" in line for line in said)


def test_tsv_is_quoted_where_the_user_says_so():
    assert read('a\tb\n"가, 나"\t다\n', tabs=True, quoting="double") == [(2, ("가, 나", "다"))]


@pytest.mark.parametrize(
    ("mark", "name", "shown"), [(";", "semicolon", ";"), ("|", "pipe", "|"), ("\t", "tab", "a tab")]
)
def test_what_parts_the_columns_is_found_by_the_header_and_told(mark, name, shown):
    said = []
    text = f"a{mark}b\n가, 나{mark}다\n"
    assert read(text, said=said) == [(2, ("가, 나", "다"))]
    assert said == [f"t: columns are parted by '{shown}'"]
    assert read(text, delimiter=name) == [(2, ("가, 나", "다"))]


def test_the_delimiter_that_was_named_is_not_guessed_about():
    with pytest.raises(DataError, match="line 1: columns 'a' and 'b' are missing; found a;b;"):
        read("a;b\n가;나\n", delimiter="comma")


def test_the_message_is_of_the_delimiter_that_makes_most_columns():
    with pytest.raises(DataError, match="line 1: column 'b' is missing; found a, c, d;"):
        read("a;c;d\n가;나;다\n")


@pytest.mark.parametrize("text", ["", "\n\n", "\r\n \r\n"])
def test_nothing_is_no_table(text):
    with pytest.raises(DataError, match=r"^t: the file is empty; its first line must name the columns$"):
        read(text)


def test_a_header_alone_has_no_rows():
    assert read("a,b\n") == []


def test_without_a_header_the_first_line_is_a_row():
    assert read("가,나\n다,라\n", no_header=True) == [(1, ("가", "나")), (2, ("다", "라"))]
    assert read('"가, 나",다\n', no_header=True) == [(1, ("가, 나", "다"))]


def test_rows_of_another_width_are_told_and_reading_goes_on():
    found = read("a,b\n가\n나,다,라\n마,바\n")
    assert [row for _, row in found] == [
        "the row has 1 fields, the header 2; each row must have one field for each column",
        "the row has 3 fields, the header 2; each row must have one field for each column",
        ("마", "바"),
    ]


def test_backslashes_before_marks_as_mysql_writes_them_are_no_silent_loss():
    found = read('a,b,label\n"그는 \\"응\\"이라고","네",3\n가,나,1\n', THREE)
    assert found == [(2, STRAY), (3, ("가", "나", "1"))]
