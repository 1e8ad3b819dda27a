"""Rows that name their fields: JSON, JSON lines, Parquet; and Excel's sheets."""

import json
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import IO, Any

from sts.errors import DataError, MissingDependency, reason

# of all sheets together, unpacked; a file of a few kilobytes can claim to hold any number of bytes
MAX_UNPACKED = 2_000_000_000
# what JSON calls values of Python
NAMES = {
    dict: "an object",
    str: "a text",
    int: "a number",
    float: "a number",
    bool: "a truth value",
    type(None): "null",
}

Say = Callable[[str], None]
# where a row stands, and its fields, or text: what is wrong with it
Numbered = tuple[int, Any]


class Problem(str):
    """What is wrong with a row that could not be taken apart."""


def json_line_rows(lines: Iterable[str]) -> Iterator[Numbered]:
    """Rows of JSON lines."""
    for number, line in enumerate(lines, 1):
        if line.strip():
            try:
                yield number, json.loads(line, object_pairs_hook=_once)
            except (ValueError, RecursionError) as error:
                yield number, Problem(f"not JSON ({error}); each line must be one object")


def json_rows(path: Path, stream: IO[str]) -> Iterator[Numbered]:
    """Rows of a JSON file: a list of objects, as KLUE has it; `{"data": […]}`; or columns, as pandas writes them.

    Raises:
        DataError: it is no JSON, or of another shape.
    """
    try:
        value = json.load(stream, object_pairs_hook=_once)
    except UnicodeDecodeError:
        raise
    except (ValueError, RecursionError) as error:
        lines = "; it looks like JSON lines: call it .jsonl" if "Extra data" in str(error) else ""
        raise DataError(f"{path}: not JSON ({error}){lines or '; give a list of objects'}") from error
    yield from enumerate(_entries(path, value), 1)


def _entries(path: Path, value: Any) -> Iterable[Any]:
    if isinstance(value, dict) and isinstance(value.get("data"), list):
        names, value = value.get("columns"), value["data"]
        if isinstance(names, list) and all(isinstance(row, list) and len(row) == len(names) for row in value):
            return (dict(zip(names, row, strict=True)) for row in value)
    if isinstance(value, list):
        return value
    columns = list(value.values()) if isinstance(value, dict) else []
    if columns and all(isinstance(column, dict) and column.keys() == columns[0].keys() for column in columns):
        return ({name: column[key] for name, column in value.items()} for key in columns[0])
    if columns and all(isinstance(column, list) and len(column) == len(columns[0]) for column in columns):
        return (dict(zip(value, row, strict=True)) for row in zip(*columns, strict=True))
    raise DataError(
        f"{path}: holds {NAMES.get(type(value), 'a value')} of another shape; give a list of objects, an object with "
        "such a list under 'data', or columns of equal length"
    )


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object, refused where it has a field twice, of which one would be lost."""
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the field '{twice}' is there twice")
    return found


def parquet_names(path: Path) -> list[str]:
    """The columns of a Parquet file.

    Raises:
        DataError: it is none, or has two columns of one name.
    """
    import pyarrow
    import pyarrow.parquet

    try:
        names = list(pyarrow.parquet.read_schema(path).names)
    except pyarrow.ArrowException as error:
        raise DataError(f"{path}: not a Parquet file that can be read ({error})") from error
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise DataError(f"{path}: two columns are called '{twice}'; write the file with another name for one")
    return names


def parquet_rows(path: Path) -> Iterator[Numbered]:
    """Rows of a Parquet file.

    Raises:
        DataError: it is damaged.
    """
    import pyarrow
    import pyarrow.parquet

    try:
        with pyarrow.parquet.ParquetFile(path) as file:
            number = 0
            for batch in file.iter_batches(batch_size=10_000):
                for row in batch.to_pylist():
                    number += 1
                    yield number, row
    except pyarrow.ArrowException as error:
        raise DataError(f"{path}: not a Parquet file that can be read ({error})") from error


def excel_rows(path: Path, say: Say) -> Iterator[tuple[int, list[Any]]]:
    """Rows of a workbook's first sheet that hold anything: their numbers as Excel counts them, and the cells' values.

    Raises:
        MissingDependency: openpyxl is not installed.
        DataError: it is no workbook, damaged, or too large.
    """
    try:
        import openpyxl
    except ImportError as error:
        raise MissingDependency("openpyxl", f"reading {path}", "excel") from error
    with path.open("rb") as stream:
        try:
            with zipfile.ZipFile(stream) as archive:
                size = sum(entry.file_size for entry in archive.infolist())
            if size > MAX_UNPACKED:
                raise DataError(f"{path}: unpacks to {size:,} bytes; at most {MAX_UNPACKED:,} are read; save it as CSV")
            book = openpyxl.load_workbook(stream, read_only=True, data_only=True)
            try:
                sheet = book.worksheets[0]
                if len(book.worksheets) > 1:
                    say(f"{path}: reading its first sheet, '{sheet.title}', of {len(book.worksheets)}")
                for number, values in enumerate(sheet.iter_rows(values_only=True), 1):
                    if any(value not in (None, "") for value in values):
                        yield number, list(values)
            finally:
                book.close()
        # what a cut or foreign file makes of the unpacking, the XML, and the places in both
        except (zipfile.BadZipFile, zlib.error, SyntaxError, LookupError, ValueError, TypeError, OSError) as error:
            raise DataError(f"{path}: not an Excel workbook (.xlsx) that can be read ({reason(error)})") from error
