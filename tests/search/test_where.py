import json
import sqlite3
import unicodedata

import pytest

from sts.errors import UsageError
from sts.search.where import condition, parse_where


def nfd(text):
    return unicodedata.normalize("NFD", text)


STORED = {
    "text": {"v": "가나"},
    "digits": {"v": "2020"},
    "padded": {"v": "02020"},
    "whole": {"v": 2020},
    "real": {"v": 2020.0},
    "half": {"v": -1.5},
    "true": {"v": True},
    "false": {"v": False},
    "True": {"v": "True"},
    "FALSE": {"v": "FALSE"},
    "null": {"v": None},
    "word": {"v": "null"},
    "empty": {"v": ""},
    "list": {"v": ["가", "2020", "x y"]},
    "none": {"v": []},
    "huge": {"v": 12345678901234567},
    "far": {"v": 10**30},
    "day": {"v": "2020-01-02"},
    "else": {"w": 1},
}


def found(name, value, **more):
    """What of the rows above, and more, a filter finds, in the order of their names."""
    stored = STORED | more
    database = sqlite3.connect(":memory:")
    database.execute("CREATE TABLE sentence (id TEXT, metadata TEXT)")
    rows = [(row, json.dumps(values, ensure_ascii=False)) for row, values in stored.items()]
    database.executemany("INSERT INTO sentence VALUES (?, ?)", rows)
    query, parameters = condition({name: value})
    names = {row for (row,) in database.execute(f"SELECT id FROM sentence WHERE {query}", parameters)}
    return [row for row in stored if row in names]


@pytest.mark.parametrize(
    ("typed", "rows"),
    [
        ("가나", ["text"]),
        (nfd("가나"), ["text"]),
        ("가", ["list"]),
        (nfd("가"), ["list"]),
        ("2020", ["digits", "whole", "real", "list"]),
        ("2020.0", ["digits", "whole", "real"]),
        ("2.02e3", ["digits", "whole", "real"]),
        ("２０２０", ["digits", "whole", "real", "list"]),
        ("02020", ["digits", "padded", "whole", "real"]),
        ("-1.50", ["half"]),
        ("True", ["true", "True"]),
        ("true", ["true", "True"]),
        ("false", ["false", "FALSE"]),
        ("False", ["false", "FALSE"]),
        ("1", []),
        ("0", []),
        ("null", ["null", "word"]),
        ("", ["empty"]),
        ("x y", ["list"]),
        ("12345678901234567", ["huge"]),
        ("12345678901234568", []),
        ("1" + "0" * 30, ["far"]),
        ("2020-01-02", ["day"]),
        ("2020-01-02T00:00:00", []),
        ("없음", []),
    ],
)
def test_what_was_typed_finds_values_however_they_are_stored(typed, rows):
    assert found("v", typed) == rows


@pytest.mark.parametrize(
    ("value", "rows"),
    [
        (2020, ["digits", "whole", "real", "list"]),
        (2020.5, []),
        (-1.5, ["half"]),
        (True, ["true", "True"]),
        (False, ["false", "FALSE"]),
        ("2020", ["digits", "whole", "real", "list"]),
        (12345678901234567, ["huge"]),
        ("", ["empty"]),
    ],
)
def test_values_of_json_mean_themselves(value, rows):
    assert found("v", value) == rows


def test_null_is_no_text_and_no_field_that_is_missing():
    assert set(found("v", None)) - {"word"} == {"null"}


@pytest.mark.parametrize("value", ["2021", 2021, "2021.0", 2021.0])
def test_the_text_of_a_number_is_found_by_the_number(value):
    # as pandas writes a column of whole numbers with gaps into CSV
    assert found("v", value, spelled={"v": "2021.0"}) == ["spelled"]


def test_a_text_with_spaces_around_it_is_found():
    assert found("v", parse_where(["v=가나다"])["v"], spaces={"v": " 가나다 "}) == ["spaces"]


@pytest.mark.parametrize("name", ["출처", "a.b", "a b", "a[0]", "$", "a'b", "열:1", "sentence"])
def test_names_may_hold_what_paths_and_sql_have_signs_for(name):
    assert found(name, "x", named={name: "x"}) == found(nfd(name), "x", named={name: "x"}) == ["named"]


@pytest.mark.parametrize(
    ("typed", "filters"),
    [
        (["source=airbnb"], {"source": "airbnb"}),
        ([" year = 2020 "], {"year": "2020"}),
        ([nfd("출처") + "=" + nfd("가")], {"출처": nfd("가")}),
        (["formula=a=b"], {"formula": "a=b"}),
        (["a=1", "b="], {"a": "1", "b": ""}),
        ([], {}),
    ],
)
def test_filters_are_a_name_and_a_value(typed, filters):
    assert parse_where(typed) == filters


@pytest.mark.parametrize(
    ("typed", "operator"),
    [
        ("year>=2020", ">="),
        ("year >= 2020", ">="),
        ("year<=2020", "<="),
        ("year>2020", ">"),
        ("year < 2020", "<"),
        ("year!=2020", "!="),
        ("year==2020", "=="),
        ("year<>2020", "<>"),
        ("name=~가", "=~"),
        ("name~가", "~"),
    ],
)
def test_an_operator_that_there_is_not_is_named(typed, operator):
    with pytest.raises(UsageError) as raised:
        parse_where([typed])
    assert str(raised.value) == (
        f"--where {typed}: the operator {operator} is not known; a filter is name=value, such as source=airbnb"
    )


@pytest.mark.parametrize("typed", ["year", "=2020", " =2020", "year 2020"])
def test_what_is_no_filter_is_told(typed):
    with pytest.raises(UsageError, match=rf"^--where {typed}: must be name=value, each name once, such as source=airb"):
        parse_where([typed])


def test_a_name_given_twice_in_either_form_is_told():
    with pytest.raises(UsageError, match="must be name=value, each name once"):
        parse_where(["출처=a", nfd("출처") + "=b"])


def test_there_are_not_too_many():
    with pytest.raises(UsageError, match=r"^--where has 21 filters; at most 20 are allowed$"):
        parse_where([f"a{number}=1" for number in range(21)])


@pytest.mark.parametrize("name", ['a"b', "a\\b", "a\0b"])
def test_names_that_no_path_spells_are_told(name):
    with pytest.raises(UsageError, match="the name must not hold a quotation mark, a backslash or NUL"):
        condition({name: 1})


@pytest.mark.parametrize("name", ["year>=", "year >", "year<", "year!", "name~", "a="])
def test_names_that_end_in_an_operator_are_told(name):
    with pytest.raises(UsageError, match="ends in an operator, which is not known"):
        condition({name: 1})
