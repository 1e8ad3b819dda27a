"""Writing rows, one by one, in the formats that `sts.files.table` reads.

CSV files begin with a byte order mark, without which Excel does not read Korean. In TSV, which has no quoting, a tab or
line break in a sentence becomes a space.
"""

import csv
import datetime
import json
import math
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import IO, Any

from sts.errors import DataError, MissingDependency, UsageError
from sts.files.write import open_for_excel, replacing_file

RowWriter = Callable[[dict[str, Any]], None]
SUFFIXES = (".tsv", ".csv", ".jsonl", ".xlsx")
# Excel's own limits
MAX_SHEET_ROWS = 1_048_576
MAX_CELL_CHARACTERS = 32_767
MAX_EXACT = 10**15


def check_output_file(output: Path, sources: Iterable[str | Path], *, overwrite: bool) -> None:
    """Refuse an `--output` that pairs can't be written to, before any work is done.

    Raises:
        UsageError: its suffix is none of `SUFFIXES`, it is one of `sources`, a folder, or there and not to be replaced.
    """
    if output.suffix.lower() not in SUFFIXES:
        raise UsageError(f"--output {output}: allowed are files that end in {', '.join(SUFFIXES)}")
    if any(Path(source).resolve() == output.resolve() for source in sources):
        raise UsageError(f"--output {output}: is an input file; name another")
    if output.is_dir():
        raise UsageError(f"--output {output}: is a folder; name a file")
    if output.exists() and not overwrite:
        raise UsageError(f"--output {output}: the file exists; name another one, or add --overwrite to replace it")


@contextmanager
def writing_rows(path: Path, columns: Sequence[str] | None = None) -> Iterator[RowWriter]:
    """Write rows to a file that appears when all of them are written.

    Args:
        path: the file; its suffix, one of `SUFFIXES`, says the format.
        columns: of a table; None means the names of the first row.

    Yields:
        A function that writes a row.

    Raises:
        DataError: a row has a field that a table has no column for, or Excel can't hold it.
        MissingDependency: the file is a workbook, and the extra `excel` is not installed.
    """
    suffix = path.suffix.lower()
    with replacing_file(path) as partial:
        if suffix == ".xlsx":
            with _workbook(partial, path, columns) as write:
                yield write
        else:
            opened = open_for_excel(partial) if suffix == ".csv" else partial.open("w", encoding="utf-8", newline="")
            with opened as stream:
                yield row_writer(stream, suffix, columns)


def row_writer(stream: IO[str], suffix: str, columns: Sequence[str] | None = None) -> RowWriter:
    """What writes rows to a stream.

    Args:
        stream: of text.
        suffix: `.tsv`, `.csv` or `.jsonl`.
        columns: of a table; None means the names of the first row.
    """
    if suffix == ".jsonl":
        return lambda row: print(json.dumps(plain(row), ensure_ascii=False), file=stream)
    if suffix == ".csv":
        table = csv.writer(stream, lineterminator="\n")
        return _table(lambda cells: table.writerow(map(_cell, cells)), columns)
    return _table(lambda cells: stream.write("\t".join(_bare(_cell(cell)) for cell in cells) + "\n"), columns)


def _table(line: Callable[[list[Any]], object], columns: Sequence[str] | None) -> RowWriter:
    """What writes rows below a header."""
    header: list[str] = []

    def write(row: dict[str, Any]) -> None:
        if not header:
            header.extend(row if columns is None else columns)
            line(list(header))
        if len(row) != len(header) or row.keys() != set(header):
            extra = [name for name in row if name not in header]
            if extra:
                raise DataError(
                    f"a row has the field '{extra[0]}', which is no column of the output; write .jsonl, where each row "
                    "has fields of its own"
                )
        line([row.get(name) for name in header])

    return write


@contextmanager
def _workbook(partial: Path, path: Path, columns: Sequence[str] | None) -> Iterator[RowWriter]:
    try:
        from openpyxl import Workbook
        from openpyxl.cell import WriteOnlyCell
        from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
    except ImportError as error:
        raise MissingDependency("openpyxl", f"writing {path}", "excel") from error
    book = Workbook(write_only=True)
    sheet = book.create_sheet("pairs")
    count = 0

    def cell(value: Any) -> Any:
        if value is None or isinstance(value, bool | float) or (isinstance(value, int) and abs(value) < MAX_EXACT):
            return plain(value)
        text = ILLEGAL_CHARACTERS_RE.sub("\ufffd", _cell(value))
        if len(text) > MAX_CELL_CHARACTERS:
            raise DataError(
                f"{path}: a cell of Excel holds {MAX_CELL_CHARACTERS:,} characters, a field {len(text):,}; write .csv"
            )
        made = WriteOnlyCell(sheet, text)
        made.data_type = "s"  # a sentence that begins with = is no formula
        return made

    def line(cells: list[Any]) -> None:
        nonlocal count
        count += 1
        if count > MAX_SHEET_ROWS:
            raise DataError(f"{path}: a sheet of Excel holds {MAX_SHEET_ROWS:,} rows; write .csv")
        sheet.append([cell(value) for value in cells])

    try:
        yield _table(line, columns)
        book.save(partial)
    finally:
        book.close()


def plain(value: Any) -> Any:
    """A value as JSON can hold it: numbers that are none become null, dates and times text as in ISO 8601."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {str(name): plain(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat()
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    return value if value is None or isinstance(value, str | int) else str(value)


def _cell(value: Any) -> str:
    value = plain(value)
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    return json.dumps(value, ensure_ascii=False) if isinstance(value, list | dict) else str(value)


def _bare(cell: str) -> str:
    return re.sub(r"[\t\r\n]", " ", cell)
