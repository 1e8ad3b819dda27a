"""Files of sentence pairs, read row by row and checked.

| format | by suffix | quoting |
|---|---|---|
| CSV | `.csv` | as in RFC 4180 |
| TSV | `.tsv`, `.txt` | none: a line is a row, a quotation mark is a character (KorSTS) |
| JSON lines | `.jsonl` | one object a line |
| KLUE's JSON | `.json` | a list of objects, labels under `labels` |
| Parquet | `.parquet` | columns as below, or KLUE's nested `labels` |

Columns: `sentence1`, `sentence2`, `label` (or KorSTS's `score`), optionally `guid`, `source`
(or KorSTS's `genre`) and `binary_label`. Text files are UTF-8, with or without a byte order mark.
"""

import csv
import json
import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Literal

from sts.errors import DataError

SUFFIXES = (".csv", ".tsv", ".txt", ".jsonl", ".json", ".parquet")
# KLUE's rule: a pair is similar from this label on (Park et al. 2021, https://arxiv.org/abs/2105.09680)
SIMILAR_FROM = 3.0
# far above any sentence; a larger "field" is a file that is not what it says
MAX_FIELD_CHARACTERS = 100_000

OnBadRow = Literal["error", "skip"]
# makes the column names of a file in this project's terms, given how messages call the file and its header
Header = Callable[[str, list[str]], list[str]]
# a raw row: where it stands ("line 3"), and its fields, or the reason why it could not be taken apart
RawRow = tuple[str, "dict[str, Any] | str"]


@dataclass(frozen=True)
class Pair:
    """Two sentences and their similarity (0 to 5; None where the file has no labels)."""

    sentence1: str
    sentence2: str
    label: float | None
    guid: str | None = None
    source: str | None = None
    binary_label: int | None = None


@dataclass(frozen=True)
class BadRow:
    """A row that can't be used: the file, the place in it, and what is wrong."""

    path: str
    place: str
    problem: str

    def __str__(self) -> str:
        return f"{self.path}, {self.place}: {self.problem}"


def read_pairs(path: Path, *, labelled: bool = True) -> Iterator[Pair | BadRow]:
    """Read the pairs of a file one after the other, in constant memory but for `.json`.

    Args:
        path: the file; its suffix says the format.
        labelled: whether a label is required; without, a `label` column is ignored.

    Yields:
        A `Pair` for each good row and a `BadRow` for each other one, in file order.

    Raises:
        DataError: the file is missing, not of a known format, not UTF-8, or lacks a column.
    """
    for place, fields in raw_rows(path, SUFFIXES, _pair_header):
        fields = fields if isinstance(fields, str) else flatten_row(fields)
        pair = fields if isinstance(fields, str) else check_fields(fields, labelled=labelled)
        yield BadRow(str(path), place, pair) if isinstance(pair, str) else pair


def check_fields(fields: dict[str, Any], *, labelled: bool) -> Pair | str:
    """Make a pair of a row's fields, or say what is wrong with them."""
    for name in ("sentence1", "sentence2"):
        if problem := check_sentence(name, fields.get(name)):
            return problem
    for name in ("guid", "source"):
        if problem := check_unicode(name, fields.get(name)):
            return problem
    label = None
    if labelled:
        value = fields.get("label")
        label = _number(value)
        if label is None:
            return f"field 'label' is {value!r}; it must be a number from 0 to 5"
        if not 0 <= label <= 5:
            return f"field 'label' is {value}; it must lie in 0 to 5"
    binary = _number(fields.get("binary_label"))
    if fields.get("binary_label") not in (None, "") and binary not in (0, 1):
        return f"field 'binary_label' is {fields['binary_label']!r}; it must be 0 or 1"
    guid, source = fields.get("guid"), fields.get("source")
    return Pair(
        fields["sentence1"],
        fields["sentence2"],
        label,
        None if guid in (None, "") else str(guid),
        None if source in (None, "") else str(source),
        None if binary is None else int(binary),
    )


def check_sentence(name: str, value: Any) -> str | None:
    """What is wrong with a field that must hold a sentence, or None."""
    if not isinstance(value, str):
        return f"field '{name}' is {value!r}; it must be text"
    if not value.strip():
        return f"field '{name}' is empty; it must hold a sentence"
    if len(value) > MAX_FIELD_CHARACTERS:
        return f"field '{name}' has {len(value):,} characters; at most {MAX_FIELD_CHARACTERS:,} are allowed"
    return check_unicode(name, value)


def check_unicode(name: str, value: Any) -> str | None:
    """What is wrong with a field's text, or None; JSON can spell half a character, UTF-8 and the analysers can't."""
    try:
        str(value).encode()
    except UnicodeEncodeError as error:
        return f"field '{name}' holds half a character ({error.object[error.start]!r}); it must be Unicode text"
    return None


def _number(value: Any) -> float | None:
    """The finite number that `value` is or spells, else None; true and false are no numbers."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def raw_rows(
    path: Path, suffixes: tuple[str, ...], header: Header, *, text_column: str | None = None
) -> Iterator[RawRow]:
    """Take a file apart into rows of fields, whatever its format; see the table above.

    Args:
        path: the file; its suffix says the format.
        suffixes: those that are allowed.
        header: makes the column names of a CSV or TSV file, or refuses them.
        text_column: the column that a line of a `.txt` file is; None means that such a file is TSV.

    Raises:
        DataError: the file is missing, not of an allowed format, or not UTF-8.
    """
    suffix = path.suffix.lower()
    if not path.is_file():
        raise DataError(f"{path}: no such file; give a file that ends in {', '.join(suffixes)}")
    if suffix not in suffixes:
        raise DataError(f"{path}: files of type '{path.suffix}' are not known; allowed are {', '.join(suffixes)}")
    if suffix == ".parquet":
        yield from _parquet_rows(path)
        return
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            if suffix == ".json":
                yield from _json_rows(path, stream)
            elif suffix == ".jsonl":
                yield from json_line_rows(str(path), stream)
            elif suffix == ".csv":
                yield from _csv_rows(path, stream, header)
            elif suffix == ".txt" and text_column is not None:
                for number, line in enumerate(stream, 1):
                    if line.strip():
                        yield f"line {number}", {text_column: line.rstrip("\r\n")}
            else:
                yield from tsv_rows(str(path), stream, header)
    except UnicodeDecodeError as error:
        raise DataError(
            f"{path}: byte {error.start} is not UTF-8 (0x{error.object[error.start]:02x}); "
            "save the file as UTF-8, with or without a byte order mark"
        ) from error


def _csv_rows(path: Path, stream: IO[str], canonical: Header) -> Iterator[RawRow]:
    csv.field_size_limit(10 * MAX_FIELD_CHARACTERS)
    reader = csv.reader(stream, strict=True)
    header: list[str] | None = None
    while True:
        line = reader.line_num + 1
        try:
            values = next(reader)
        except StopIteration:
            break
        except csv.Error as error:
            # what follows an unclosed quotation mark can't be told apart from the broken field
            yield f"line {line}", f"broken CSV ({error}); close the quotation mark that opens here"
            break
        if header is None:
            header = canonical(str(path), values)
        elif values:
            yield f"line {line}", _zip_row(header, values)
    if header is None:
        raise DataError(f"{path}: the file is empty; its first line must name the columns")


def tsv_rows(name: str, stream: Iterable[str], canonical: Header | None = None) -> Iterator[RawRow]:
    """Rows of tab-separated text without quoting; `name` is how messages call the file."""
    header: list[str] | None = None
    for number, line in enumerate(stream, 1):
        line = line.rstrip("\r\n")
        if header is None:
            header = (canonical or _pair_header)(name, line.split("\t"))
        elif line.strip():
            yield f"line {number}", _zip_row(header, line.split("\t"))
    if header is None:
        raise DataError(f"{name}: the file is empty; its first line must name the columns, separated by tabs")


def json_line_rows(name: str, stream: Iterable[str]) -> Iterator[RawRow]:
    """Rows of JSON lines; `name` is how messages call the file."""
    for number, line in enumerate(stream, 1):
        if line.strip():
            try:
                value = json.loads(line)
            except (json.JSONDecodeError, RecursionError) as error:
                yield f"line {number}", f"not JSON ({error}); each line must be one object"
                continue
            yield f"line {number}", _object(value)


def _json_rows(path: Path, stream: IO[str]) -> Iterator[RawRow]:
    try:
        rows = json.load(stream)
    except (json.JSONDecodeError, RecursionError) as error:
        raise DataError(f"{path}: not JSON ({error}); KLUE's format is a list of objects") from error
    if not isinstance(rows, list):
        raise DataError(f"{path}: holds a {type(rows).__name__}; KLUE's format is a list of objects")
    for number, row in enumerate(rows, 1):
        yield f"entry {number}", _object(row)


def _parquet_rows(path: Path) -> Iterator[RawRow]:
    import pyarrow
    import pyarrow.parquet

    try:
        with pyarrow.parquet.ParquetFile(path) as file:
            number = 0
            for batch in file.iter_batches(batch_size=10_000):
                for row in batch.to_pylist():
                    number += 1
                    yield f"row {number}", _object(row)
    except pyarrow.ArrowException as error:
        raise DataError(f"{path}: not a Parquet file that can be read ({error})") from error


def _pair_header(name: str, header: list[str]) -> list[str]:
    """Column names in this project's terms; KorSTS calls the label `score` and the source `genre`."""
    names = [column.strip() for column in header]
    renamed = {"score": "label", "genre": "source"} if "label" not in names else {}
    names = [renamed.get(column, column) for column in names]
    for column in ("sentence1", "sentence2"):
        if column not in names:
            raise DataError(
                f"{name}, line 1: column '{column}' is missing; found {', '.join(header)}; "
                "needed are sentence1, sentence2 and label"
            )
    return names


def _zip_row(header: list[str], values: list[str]) -> dict[str, Any] | str:
    if len(values) != len(header):
        return (
            f"the row has {len(values)} fields, the header {len(header)}; each row must have one field for each column"
        )
    return dict(zip(header, values, strict=True))


def _object(row: Any) -> dict[str, Any] | str:
    return row if isinstance(row, dict) else f"the row is {row!r:.60}; it must be an object"


def flatten_row(row: dict[str, Any]) -> dict[str, Any]:
    """A row of a pair in this project's terms: KLUE nests its labels under `labels`."""
    labels = row.get("labels")
    if isinstance(labels, dict):
        row = row | {"label": labels.get("real-label"), "binary_label": labels.get("binary-label")}
    elif "label" not in row and "score" in row:
        row = row | {"label": row["score"]}
    return row
