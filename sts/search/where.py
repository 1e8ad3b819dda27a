"""Filters on metadata: `source=airbnb`.

A filter compares values, however they are spelled: `year=2020` finds the number 2020.0 and the text "2020", `ok=False`
finds false, `empty=null` finds null, `tags=가` finds a list that holds the text.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sts.errors import UsageError
from sts.text.form import composed

MAX_FILTERS = 20
# what people type for operators that there are not
OPERATORS = re.compile(r"(<=|>=|!=|==|=~|~=|<>|[<>!~])")
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
WORDS = {"true": True, "false": False}

# by the kind of what is stored: its path, and what it is compared with
_SAME = """CASE json_type(metadata, {path})
 WHEN 'text' THEN trim(json_extract(metadata, {path})) = {text} OR lower(trim(json_extract(metadata, {path}))) = {word}
  OR (json_extract(metadata, {path}) GLOB '*[0-9]*' AND json_extract(metadata, {path}) NOT GLOB '*[^0-9.-]*'
   AND json_extract(metadata, {path}) NOT GLOB '?*-*' AND json_extract(metadata, {path}) NOT GLOB '*.*.*'
   AND json_extract(metadata, {path}) NOT GLOB '0[0-9]*' AND CAST(json_extract(metadata, {path}) AS REAL) = {number})
 WHEN 'integer' THEN json_extract(metadata, {path}) = {number}
 WHEN 'real' THEN json_extract(metadata, {path}) = {number}
 WHEN 'true' THEN {word} = 'true'
 WHEN 'false' THEN {word} = 'false'
 WHEN 'null' THEN {null}
 WHEN 'array' THEN EXISTS (SELECT 1 FROM json_each(metadata, {path}) WHERE trim(json_each.value) = {text})
 ELSE 0 END"""


@dataclass(frozen=True)
class _Wanted:
    """What a value is compared with, by the kind of what is stored."""

    text: str | None = None
    word: str | None = None
    number: float | None = None
    null: bool = False

    @classmethod
    def of(cls, value: Any) -> "_Wanted":
        """A value that was typed as text may be meant as any kind; a number or truth value of JSON is one."""
        if isinstance(value, bool):
            return cls(json.dumps(value), json.dumps(value))
        if value is None:
            return cls("null", null=True)
        if isinstance(value, int | float):
            return cls(json.dumps(value), number=value)
        text = composed(str(value)).strip()
        word = text.lower()
        is_number = NUMBER.fullmatch(text) is not None
        return cls(
            text,
            word if word in WORDS else None,
            _exact(text) if is_number else None,
            word == "null",
        )


def parse_where(filters: Sequence[str]) -> dict[str, str]:
    """Filters as the command line has them, by name.

    Raises:
        UsageError: a filter is not of the form name=value, has an operator that there is not, or there are too many.
    """
    if len(filters) > MAX_FILTERS:
        raise UsageError(f"--where has {len(filters)} filters; at most {MAX_FILTERS} are allowed")
    parsed: dict[str, str] = {}
    for each in filters:
        name, equals, value = each.partition("=")
        found = OPERATORS.search(name[-1:] + equals + value[:1]) or (None if equals else OPERATORS.search(each))
        if found and found[1] != "=":
            raise UsageError(
                f"--where {each}: the operator {found[1]} is not known; a filter is name=value, such as source=airbnb"
            )
        name, value = composed(name).strip(), value.strip()
        if not equals or not name or name in parsed:
            raise UsageError(f"--where {each}: must be name=value, each name once, such as source=airbnb")
        parsed[name] = value
    return parsed


def check_names(where: Mapping[str, Any]) -> None:
    """Check the names of filters.

    Raises:
        UsageError: a name that no path in JSON can spell, or that ends in what looks like an operator.
    """
    for name, value in where.items():
        if '"' in name or "\\" in name or "\0" in name:
            raise UsageError(
                f"--where {name!r:.60}={value!r:.60}: the name must not hold a quotation mark, a backslash or NUL"
            )
        if name.rstrip()[-1:] in ("<", ">", "!", "~", "="):
            raise UsageError(
                f"--where {name!r:.60}: ends in an operator, which is not known; a filter is a name and its value"
            )


def condition(where: Mapping[str, Any]) -> tuple[str, list[Any]]:
    """An SQL condition that all filters hold, and its parameters.

    Args:
        where: by name, a text, which is compared by what it may spell; or a number, true, false or None.

    Raises:
        UsageError: see `check_names`.
    """
    check_names(where)
    parts: list[str] = []
    parameters: list[Any] = []
    for name, value in where.items():
        wanted = _Wanted.of(value)
        marks = {
            key: f"?{len(parameters) + place}"
            for place, key in enumerate(("path", "text", "word", "number", "null"), 1)
        }
        parts.append(f"({_SAME.format(**marks)})")
        parameters += [f'$."{composed(name)}"', wanted.text, wanted.word, wanted.number, wanted.null]
    return " AND ".join(parts), parameters


def _exact(text: str) -> float:
    """A number, as a whole one where it is one, so that large ones stay exact; those beyond SQLite's are floats."""
    number = float(text)
    if re.fullmatch(r"[+-]?\d{1,18}", text):
        return int(text)
    return number
