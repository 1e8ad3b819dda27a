"""Files of sentences, read row by row and checked.

| format | by suffix | a row |
|---|---|---|
| text | `.txt` | one sentence a line |
| CSV, TSV, JSON lines, Parquet | as `sts.pairs.rows` | `sentence`, optionally `id`, further columns as metadata |
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sts.errors import DataError
from sts.pairs.rows import BadRow, check_sentence, check_unicode, raw_rows

SUFFIXES = (".txt", ".csv", ".tsv", ".jsonl", ".parquet")
MAX_ID_CHARACTERS = 200


@dataclass(frozen=True)
class Row:
    """A sentence of a collection.

    Attributes:
        sentence: its text.
        id: what the user calls it; None where the file has no ids.
        metadata: further columns: texts, numbers, true, false or None.
        place: where it stands in its file.
    """

    sentence: str
    id: str | None = None
    metadata: dict[str, Any] = field(default_factory=dict)
    place: str = ""


def read_sentences(path: Path) -> Iterator[Row | BadRow]:
    """Read the sentences of a file one after the other, in constant memory.

    Yields:
        A `Row` for each good row and a `BadRow` for each other one, in file order.

    Raises:
        DataError: the file is missing, not of a known format, not UTF-8, or lacks the column `sentence`.
    """
    for place, fields in raw_rows(path, SUFFIXES, _header, text_column="sentence"):
        row = fields if isinstance(fields, str) else check_row(fields, place)
        yield BadRow(str(path), place, row) if isinstance(row, str) else row


def check_row(fields: dict[str, Any], place: str) -> Row | str:
    """Make a sentence of a row's fields, or say what is wrong with them."""
    if problem := check_sentence("sentence", fields.get("sentence")):
        return problem
    given = fields.get("id")
    if isinstance(given, bool) or not isinstance(given, str | int | None):
        return f"field 'id' is {given!r:.60}; it must be text or a whole number"
    identity = None if given in (None, "") else str(given)
    if identity is not None and len(identity) > MAX_ID_CHARACTERS:
        return f"field 'id' has {len(identity):,} characters; at most {MAX_ID_CHARACTERS} are allowed"
    metadata = {name: value for name, value in fields.items() if name not in ("sentence", "id")}
    for name, value in [("id", identity), *metadata.items()]:
        if not isinstance(value, str | int | float | None):
            return f"field '{name}' is {value!r:.60}; metadata must be text, numbers, true, false or null"
        if problem := check_unicode(name, value):
            return problem
    return Row(fields["sentence"], identity, metadata, place)


def _header(name: str, header: list[str]) -> list[str]:
    names = [column.strip() for column in header]
    if "sentence" not in names:
        raise DataError(
            f"{name}, line 1: column 'sentence' is missing; found {', '.join(header)}; needed is sentence, and "
            "optionally id and further columns"
        )
    return names
