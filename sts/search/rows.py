"""Rows of sentences, read one by one and checked; see `sts.files.table` for the formats.

A row has a `sentence`, optionally an `id`, and further columns as metadata: texts, whole and other numbers, true and
false, dates, null, and lists of texts. The sentence stays as it was written; ids and metadata, which are looked for by
what they say, are brought to their one form (`sts.text.form`).
"""

import datetime
import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from sts.files.columns import Columns
from sts.files.options import AS_FOUND, FileOptions
from sts.files.table import Say, read_table, silent
from sts.pairs.rows import BadRow, check_sentence, check_unicode
from sts.text.form import composed

SUFFIXES = (".txt", ".csv", ".tsv", ".jsonl", ".json", ".parquet", ".xlsx")
COLUMNS = Columns(("sentence",), ("id",), {"sentence": ("문장",)}, others=True)
MAX_ID_CHARACTERS = 200
ALLOWED = "metadata must be text, numbers, true, false, dates, null or lists of texts"

Value = str | int | float | bool | list[str] | None


@dataclass(frozen=True)
class Row:
    """A sentence of a collection.

    Attributes:
        sentence: its text, as it was written.
        id: what the user calls it; None where the file has no ids.
        metadata: further columns: texts (dates as in ISO 8601), numbers, true, false, None or lists of texts.
        place: where it stands in its file.
    """

    sentence: str
    id: str | None = None
    metadata: dict[str, Value] = field(default_factory=dict)
    place: str = ""


class _Bad(ValueError):
    """A value that can't be metadata; says why."""


def read_sentences(path: Path, *, options: FileOptions = AS_FOUND, say: Say = silent) -> Iterator[Row | BadRow]:
    """Read the sentences of a file one after the other, in constant memory but for `.json`.

    Args:
        path: the file; its suffix says the format. `.txt` has one sentence a line.
        options: how the file is read.
        say: told what was assumed.

    Yields:
        A `Row` for each good row and a `BadRow` for each other one, in file order.

    Raises:
        DataError: the file is missing, not of a known format, not in its encoding, or lacks the column `sentence`.
    """
    for row in read_table(path, COLUMNS, options=options, suffixes=SUFFIXES, text_column="sentence", say=say):
        found = row.fields if isinstance(row.fields, str) else check_row(row.fields, row.place)
        yield BadRow(str(path), row.place, found) if isinstance(found, str) else found


def check_row(fields: dict[str, Any], place: str) -> Row | str:
    """Make a sentence of a row's fields, or say what is wrong with them."""
    if "sentence" not in fields:
        return f"field 'sentence' is missing; found {', '.join(fields):.200}"
    if problem := check_sentence("sentence", fields["sentence"]):
        return problem
    try:
        identity = _identity(fields.get("id"))
    except _Bad as error:
        return str(error)
    metadata = check_metadata({name: value for name, value in fields.items() if name not in ("sentence", "id")})
    return metadata if isinstance(metadata, str) else Row(fields["sentence"], identity, metadata, place)


def check_metadata(fields: dict[str, Any]) -> dict[str, Value] | str:
    """Metadata as an index keeps it, or what is wrong with it."""
    found: dict[str, Value] = {}
    for given, value in fields.items():
        if problem := check_unicode("name", given):
            return problem
        name = composed(given)
        if name in found:
            return f"field '{name}' is there twice"
        try:
            found[name] = _value(name, value)
        except _Bad as error:
            return str(error)
    return found


def clean(metadata: dict[str, Any]) -> dict[str, Value]:
    """Metadata as it would be stored today; what can't be is null."""
    found: dict[str, Value] = {}
    forms = Counter(map(composed, metadata))
    for given, value in metadata.items():
        # of two names that are the same in their one form, neither may be lost
        name = composed(given) if forms[composed(given)] == 1 else given
        try:
            found[name] = _value(name, value)
        except _Bad:
            found[name] = None
    return found


def _identity(given: Any) -> str | None:
    if isinstance(given, float) and math.isnan(given):  # how tables write that there is none
        return None
    if isinstance(given, float | Decimal) and math.isfinite(given) and given == int(given):
        given = int(given)
    if isinstance(given, bool) or not isinstance(given, str | int | None):
        raise _Bad(f"field 'id' is {given!r:.60}; it must be text or a whole number")
    if isinstance(given, str) and (problem := check_unicode("id", given)):
        raise _Bad(problem)
    identity = None if given is None else composed(str(given)).strip()
    if identity and len(identity) > MAX_ID_CHARACTERS:
        raise _Bad(f"field 'id' has {len(identity):,} characters; at most {MAX_ID_CHARACTERS} are allowed")
    return identity or None


def _value(name: str, value: Any) -> Value:
    """A field's value as an index keeps it.

    Raises:
        _Bad: it is of a kind that can't be kept.
    """
    if isinstance(value, str):
        if problem := check_unicode(name, value):
            raise _Bad(problem)
        return composed(value)
    if isinstance(value, float | Decimal):
        number = float(value)
        if math.isnan(number):  # how tables write that there is none; JSON has no such number
            return None
        if math.isinf(number):
            raise _Bad(f"field '{name}' is {value}; a number must be finite")
        return number
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, datetime.datetime):
        midnight = value.time() == datetime.time() and value.tzinfo is None
        return (value.date() if midnight else value).isoformat()
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat()
    if isinstance(value, list | tuple) and all(isinstance(item, str) for item in value):
        return [str(_value(name, item)) for item in value]
    raise _Bad(f"field '{name}' is {value!r:.60}; {ALLOWED}")
