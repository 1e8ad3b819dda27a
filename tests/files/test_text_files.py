import pytest

from sts.errors import DataError
from sts.files.columns import Columns
from sts.files.options import FileOptions
from sts.files.table import read_table

SENTENCE = Columns(("sentence",), ("id",), others=True)


def sentences(path, **options):
    found = read_table(path, SENTENCE, options=FileOptions(**options), text_column="sentence")
    return [(row.place, row.fields) for row in found]


def write(path, text):
    path.write_text(text, encoding="utf-8", newline="")
    return path


def test_a_text_file_has_a_sentence_a_line(tmp_path):
    path = write(tmp_path / "a.txt", "\ufeff가나\r\n\r\n다, 라\r\n마\t바\r\n")
    assert sentences(path) == [
        ("line 1", {"sentence": "가나"}),
        ("line 3", {"sentence": "다, 라"}),
        ("line 4", "holds a tab; a text file has one sentence a line, and a table begins with its header"),
    ]


def test_a_table_named_txt_is_not_read_as_text(tmp_path):
    path = write(tmp_path / "a.txt", "a1\t가나\t3\na2\t다라\t4\n")
    with pytest.raises(DataError) as raised:
        sentences(path)
    assert str(raised.value).replace(str(path), "a.txt") == (
        "a.txt, line 1: has 3 columns parted by tabs and names no column 'sentence'; if the file is a table, say which "
        "column holds the sentences: --columns sentence=NUMBER, with --no-header if it has no header"
    )
    found = sentences(path, no_header=True, columns=["sentence=2", "id=1"])
    assert [(fields["id"], fields["sentence"]) for _, fields in found] == [("a1", "가나"), ("a2", "다라")]
    headed = write(tmp_path / "b.txt", "id\tSentence\n1\t가나\n")
    assert sentences(headed) == [("line 2", {"id": "1", "sentence": "가나"})]


@pytest.mark.parametrize("mark", [",", ";", "|"])
def test_a_table_named_txt_whose_header_has_other_marks_is_not_read_as_text(tmp_path, mark):
    path = write(tmp_path / "a.txt", f"id{mark}sentence\n1{mark}가나\n")
    try:
        found = sentences(path)
    except DataError:
        return
    assert found == [("line 2", {"id": "1", "sentence": "가나"})]
