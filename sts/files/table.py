"""Tables as people have them: one reader for whatever holds rows of named fields.

| format | by suffix | |
|---|---|---|
| CSV | `.csv` | delimiter and quoting as found, see `sts.files.delimited` |
| TSV | `.tsv`, `.txt` | the same; quotation marks are characters unless they can't be (KorSTS has none quoted) |
| text | `.txt`, for sentences | one a line |
| JSON lines | `.jsonl` | an object a line |
| JSON | `.json` | a list of objects, `{"data": [...]}`, or columns; held in memory |
| Parquet | `.parquet` | |
| Excel | `.xlsx` | the first sheet; extra `excel` |

Text files are UTF-8, or what a byte order mark or `FileOptions.encoding` says.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from sts.errors import DataError
from sts.files.columns import Columns, ObjectColumns, Placed
from sts.files.delimited import Delimited
from sts.files.encoding import check_no_nul, open_text
from sts.files.objects import Problem, excel_rows, json_line_rows, json_rows, parquet_names, parquet_rows
from sts.files.options import AS_FOUND, DELIMITERS, FileOptions

SUFFIXES = (".csv", ".tsv", ".txt", ".jsonl", ".json", ".parquet", ".xlsx")
UNITS = {".json": "entry", ".parquet": "row", ".xlsx": "row"}

Say = Callable[[str], None]


def silent(_: str) -> None:
    """Say nothing."""


class RawRow(NamedTuple):
    """A row of a table.

    Attributes:
        unit: what its number counts: `line`, `entry` or `row`.
        number: where it stands, from 1 on.
        fields: its fields by name, or why it could not be taken apart.
        spelled: what the table calls each field; a field that is not in it has no name there.
    """

    unit: str
    number: int
    fields: dict[str, Any] | str
    spelled: Mapping[str, str]

    @property
    def place(self) -> str:
        """Where it stands, as messages say it."""
        return f"{self.unit} {self.number}"


def read_table(
    path: Path,
    columns: Columns,
    *,
    options: FileOptions = AS_FOUND,
    suffixes: tuple[str, ...] = SUFFIXES,
    text_column: str | None = None,
    say: Say = silent,
) -> Iterator[RawRow]:
    """Read the rows of a file one after the other, in constant memory but for `.json`.

    Args:
        path: the file; its suffix says the format.
        columns: which fields are looked for.
        options: how it is read.
        suffixes: those that are allowed.
        text_column: the field that a line of a `.txt` file is; None means that such a file is TSV.
        say: told what was assumed: names that were recognised, a delimiter, quoting.

    Raises:
        DataError: the file is missing, not of an allowed format, not in its encoding, or lacks a column.
        MissingDependency: it is a workbook, and the extra `excel` is not installed.
    """
    suffix = path.suffix.lower()
    if not path.is_file():
        raise DataError(f"{path}: no such file; give a file that ends in {', '.join(suffixes)}")
    if suffix not in suffixes:
        raise DataError(f"{path}: files of type '{path.suffix}' are not known; allowed are {', '.join(suffixes)}")
    unit = UNITS.get(suffix, "line")
    if suffix == ".parquet":
        names = parquet_names(path)
        columns.place(names, options.named, str(path))  # before any row: these are the same for all
        yield from _objects(str(path), unit, parquet_rows(path), columns, options, say)
    elif suffix == ".xlsx":
        yield from _sheet(path, columns, options, say)
    else:
        with open_text(path, options) as stream:
            if suffix == ".json":
                yield from _objects(str(path), unit, json_rows(path, stream), columns, options, say)
            elif suffix == ".jsonl":
                yield from json_lines(str(path), stream, columns, options, say)
            elif suffix == ".txt" and text_column is not None:
                yield from _text(path, stream, columns, options, text_column, say)
            else:
                lines = _checked(stream, path)
                yield from delimited(str(path), lines, columns, options, say, tabs=suffix != ".csv")


def delimited(
    name: str, lines: Iterable[str], columns: Columns, options: FileOptions, say: Say, *, tabs: bool
) -> Iterator[RawRow]:
    """Rows of delimited lines; see `sts.files.delimited`.

    Args:
        name: what messages call them.
        lines: with their ends.
        columns: which fields are looked for.
        options: how they are read.
        say: told what was assumed.
        tabs: whether they are TSV rather than CSV where `options` leave that open.
    """
    read = Delimited(name, lines, columns, options, quoted=not tabs, preferred="\t" if tabs else ",", say=say)
    placed = read.header()
    spelled = {} if placed.numbered else placed.spelled
    for number, values in read.rows(placed):
        yield RawRow("line", number, values if isinstance(values, str) else placed.row(values), spelled)


def json_lines(
    name: str, lines: Iterable[str], columns: Columns, options: FileOptions, say: Say = silent
) -> Iterator[RawRow]:
    """Rows of JSON lines; `name` is what messages call them."""
    return _objects(name, "line", json_line_rows(lines), columns, options, say)


def _objects(
    name: str,
    unit: str,
    rows: Iterable[tuple[int, Any]],
    columns: Columns,
    options: FileOptions,
    say: Say,
) -> Iterator[RawRow]:
    found = ObjectColumns(columns, options.named, lambda told: say(f"{name}: reading {', '.join(told)}"))
    first = True
    for number, fields in rows:
        if first and isinstance(fields, dict):
            found.check_named(fields, f"{name}, {unit} {number}")
            first = False
        placed = fields if isinstance(fields, Problem) else found.place(fields)
        if isinstance(placed, Placed):
            yield RawRow(unit, number, dict(zip(placed.names, fields.values(), strict=True)), placed.spelled)
        else:
            yield RawRow(unit, number, str(placed), {})


def _sheet(path: Path, columns: Columns, options: FileOptions, say: Say) -> Iterator[RawRow]:
    placed = None
    for number, values in excel_rows(path, say):
        if placed is None:
            where = f"{path}, row {number}"
            cells = values[: 1 + max(n for n, value in enumerate(values) if value not in (None, ""))]
            placed = (
                columns.in_order(len(cells), options.named, where)
                if options.no_header
                else columns.place(["" if cell is None else str(cell) for cell in cells], options.named, where)
            )
            if told := placed.told():
                say(f"{path}: reading {', '.join(told)}")
            if not options.no_header:
                continue
        width = len(placed.names)
        # a sheet is as wide as its widest row
        values = [*values, *[None] * (width - len(values))]
        extra = any(value not in (None, "") for value in values[width:])
        spelled = {} if placed.numbered else placed.spelled
        yield RawRow("row", number, placed.row(values if extra else values[:width]), spelled)
    if placed is None:
        raise DataError(f"{path}: the first sheet is empty; its first row must name the columns")


def _text(
    path: Path, stream: Iterable[str], columns: Columns, options: FileOptions, name: str, say: Say
) -> Iterator[RawRow]:
    """Lines of text, unless the file is a table in spite of its name."""
    lines = _checked(stream, path)
    ahead: list[str] = []
    first = ""
    for line in lines:
        ahead.append(line)
        if first := line.strip("\r\n "):
            break
    all_lines = _chained(ahead, lines)
    if options.no_header or options.columns or _is_header(first, columns):
        yield from delimited(str(path), all_lines, columns, options, say, tabs=True)
    elif "\t" in first:
        fields = first.count("\t") + 1
        raise DataError(
            f"{path}, line {len(ahead)}: has {fields} columns parted by tabs and names no column '{name}'; if the "
            "file is "
            f"a table, say which column holds the sentences: --columns {name}=NUMBER, with --no-header if it has no "
            "header"
        )
    else:
        for number, line in enumerate(all_lines, 1):
            if line.strip():
                text = line.rstrip("\r\n")
                problem = "holds a tab; a text file has one sentence a line, and a table begins with its header"
                yield RawRow("line", number, problem if "\t" in text else {name: text}, {name: name})


def _is_header(line: str, columns: Columns) -> bool:
    """Whether a line names the columns of a table, whatever stands between them."""
    for delimiter in DELIMITERS.values():
        cells = line.split(delimiter)
        try:
            if len(cells) > 1 and columns.place(cells, {}, ""):
                return True
        except DataError:
            continue
    return False


def _chained(ahead: Iterable[str], rest: Iterable[str]) -> Iterator[str]:
    yield from ahead
    yield from rest


def _checked(stream: Iterable[str], path: Path) -> Iterator[str]:
    """The lines of a file, the first of them looked at."""
    for number, line in enumerate(stream):
        if number == 0:
            check_no_nul(line, str(path), path)
            line = line.lstrip("\ufeff")  # a second mark, where files were joined
        yield line
