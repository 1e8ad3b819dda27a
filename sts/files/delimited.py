"""CSV and TSV: lines of fields with something between them, quoted or not.

A row is a line, unless a quotation mark that opens a field is closed on a later one. A mark that is never closed, or
whose row would swallow lines that are rows themselves, is a stray one: its line is a bad row, and reading goes on at
the next.
"""

import csv
import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from sts.errors import DataError
from sts.files.columns import Columns, Placed
from sts.files.options import DELIMITERS, FileOptions

# far above any sentence; a larger "field" is a file that is not what it says
MAX_FIELD_CHARACTERS = 100_000
# of a row over several lines
MAX_ROW_CHARACTERS = 10 * MAX_FIELD_CHARACTERS
MAX_ROW_LINES = 1_000
# with fewer columns, a line of a long cell looks like a row by chance
TELLING_COLUMNS = 3
STRAY = (
    "broken CSV: a quotation mark opens a field and is not closed where it should be; close the quotation mark, double "
    "it, or read the file with --quoting none"
)

Say = Callable[[str], None]
# where a row stands, and its fields or what is wrong with it
Numbered = tuple[int, "list[str] | str"]


@dataclass
class Delimited:
    """A file of delimited lines, read once.

    Args:
        name: what messages call it.
        lines: its lines, with their ends.
        columns: what is looked for in its header.
        options: how it is read.
        quoted: whether quotation marks enclose fields where `options` leave that open.
        preferred: the delimiter to try first.
        say: told what was assumed.
    """

    name: str
    lines: Iterable[str]
    columns: Columns
    options: FileOptions
    quoted: bool
    preferred: str
    say: Say
    delimiter: str = ","
    _ahead: deque[tuple[int, str]] = field(default_factory=deque)
    _told: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        csv.field_size_limit(MAX_ROW_CHARACTERS)
        self._numbered = enumerate(self.lines, 1)
        if self.options.quoting != "auto":
            self.quoted = self.options.quoting == "double"
        self._spaced = False
        self._header: list[str] = []

    def header(self) -> Placed:
        """Read the header and choose the delimiter by it.

        Raises:
            DataError: there is no header, or it lacks a column.
        """
        first = next((entry for entry in self._lines() if entry[1].strip()), None)
        if first is None:
            raise DataError(f"{self.name}: the file is empty; its first line must name the columns")
        number, line = first
        where = f"{self.name}, line {number}"
        if self.options.no_header:
            self._ahead.appendleft(first)
        tried: list[tuple[int, DataError]] = []
        for delimiter in self._delimiters():
            cells, spaced = _cells(line, delimiter, quoted=self.options.quoting != "none")
            try:
                if self.options.no_header:
                    placed = self.columns.in_order(len(cells), self.options.named, where)
                else:
                    placed = self.columns.place(cells, self.options.named, where)
            except DataError as error:
                tried.append((len(cells), error))
                continue
            self.delimiter, self._spaced = delimiter, spaced
            self._header = [] if self.options.no_header else cells
            if spaced:
                self._tell("spaces after the marks between columns are left out")
            if delimiter != self.preferred and self.options.delimiter == "auto":
                self._tell(f"columns are parted by '{_shown(delimiter)}'")
            if not self.quoted and _all_quoted(line, delimiter) and self.options.quoting == "auto":
                self.quoted = True
                self._tell("fields are in quotation marks, as in CSV; --quoting none reads the marks as characters")
            if told := placed.told():
                self._tell(f"reading {', '.join(told)}")
            return placed
        # the delimiter that makes the most columns says best what is missing
        raise max(tried, key=lambda each: each[0])[1]

    def rows(self, placed: Placed) -> Iterator[Numbered]:
        """The values of each row after the header, in file order."""
        width = len(placed.names)
        read = self._quoted_row if self.quoted else self._plain_row
        for number, line in self._lines():
            if not line.strip():
                continue
            row = read(line, width) if '"' in line and self.options.quoting != "none" else self._split(line)
            # files that were joined
            yield number, "the row repeats the header" if row == self._header else row

    def _lines(self) -> Iterator[tuple[int, str]]:
        while True:
            if self._ahead:
                yield self._ahead.popleft()
            elif (entry := next(self._numbered, None)) is not None:
                yield entry
            else:
                return

    def _delimiters(self) -> list[str]:
        if self.options.delimiter != "auto":
            return [DELIMITERS[self.options.delimiter]]
        return [self.preferred, *(each for each in DELIMITERS.values() if each != self.preferred)]

    def _split(self, line: str) -> list[str]:
        values = line.rstrip("\r\n").split(self.delimiter)
        return [value.lstrip(" ") for value in values] if self._spaced else values

    def _quoted_row(self, line: str, width: int) -> list[str] | str:
        found = self._record(line, width, spaced=self._spaced)
        late = re.search(rf"(?:^|{re.escape(self.delimiter)})[ \t]+\"", line)
        if late and not self._spaced and (not found.fits(width) or _quoted_late(found.values)):
            other = self._record(line, width, spaced=True, ahead=found.taken)
            if other.fits(width):
                self._tell("a space before a quotation mark is left out")
                return self._accepted(other)
        return self._accepted(found)

    def _plain_row(self, line: str, width: int) -> list[str] | str:
        """A row of a file whose quotation marks are characters, unless a field can only be a quoted one."""
        values = self._split(line)
        unquoted = [_unquoted(value) for value in values]
        if len(values) == width and unquoted == values:
            if any(len(value) > 1 and value[0] == value[-1] == '"' for value in values):
                self._tell("some fields stand in quotation marks, which are kept; --quoting double takes them off")
            return values
        if len(values) != width:
            found = self._record(line, width, spaced=False)
            if not found.fits(width):
                self._ahead.extendleft(reversed(found.taken))
                return values
            unquoted = found.values
        self._tell("fields with doubled quotation marks are read as quoted ones; --quoting none reads them as they are")
        return unquoted

    def _accepted(self, found: "_Record") -> list[str] | str:
        """What a record is; if it is none, its further lines are read again."""
        if found.problem is None:
            return found.values
        self._ahead.extendleft(reversed(found.taken))
        return found.problem

    def _record(self, line: str, width: int, *, spaced: bool, ahead: Sequence[tuple[int, str]] = ()) -> "_Record":
        """A quoted row that begins on a line; `ahead` are lines that were taken for it before."""
        self._ahead.extendleft(reversed(ahead))
        taken: list[tuple[int, str]] = []

        def feed() -> Iterator[str]:
            yield line
            size = len(line)
            for entry in self._lines():
                taken.append(entry)
                size += len(entry[1])
                if size > MAX_ROW_CHARACTERS or len(taken) > MAX_ROW_LINES:
                    return
                yield entry[1]

        try:
            values = next(csv.reader(feed(), delimiter=self.delimiter, strict=True, skipinitialspace=spaced))
        except csv.Error:
            return _Record([], taken, STRAY)
        # lines that are rows themselves were swallowed between two marks that have nothing to do with each other
        are_rows = [len(self._split(each)) == width for each in (line, *(each for _, each in taken))]
        telling = taken and width >= TELLING_COLUMNS
        stray = telling and (all(are_rows) or (len(values) != width and any(are_rows[1:])))
        return _Record(values, taken, STRAY if stray else None)

    def _tell(self, line: str) -> None:
        if line not in self._told:
            self._told.add(line)
            self.say(f"{self.name}: {line}")


@dataclass(frozen=True)
class _Record:
    """A row that may go over several lines.

    Attributes:
        values: its fields.
        taken: the lines after its first.
        problem: why it is none.
    """

    values: list[str]
    taken: list[tuple[int, str]]
    problem: str | None

    def fits(self, width: int) -> bool:
        """Whether it is a row of so many fields."""
        return self.problem is None and len(self.values) == width


def _cells(line: str, delimiter: str, *, quoted: bool) -> tuple[list[str], bool]:
    """A first line's fields, and whether each but the first stands after a space."""
    line = line.rstrip("\r\n")
    plain = line.split(delimiter)
    spaced = len(plain) > 1 and all(cell.startswith(" ") for cell in plain[1:])
    if not quoted or '"' not in line:
        return [cell.strip() for cell in plain], spaced
    try:
        return next(csv.reader([line], delimiter=delimiter, strict=True, skipinitialspace=True)), spaced
    except csv.Error:
        return plain, spaced


def _all_quoted(line: str, delimiter: str) -> bool:
    cells = [cell.strip() for cell in line.rstrip("\r\n").split(delimiter)]
    return all(len(cell) > 1 and cell[0] == cell[-1] == '"' for cell in cells)


def _unquoted(value: str) -> str:
    """A field without the marks around it, if it was written as CSV writes a field with marks in it, else as it is."""
    inner = value[1:-1]
    if len(value) < 4 or value[0] != '"' or value[-1] != '"' or '""' not in inner:
        return value
    return value if '"' in inner.replace('""', "") else inner.replace('""', '"')


def _quoted_late(values: Iterable[str]) -> bool:
    """Whether a field holds a quotation mark after a space, which CSV takes for a character."""
    return any(value[:1] in (" ", "\t") and value.lstrip().startswith('"') for value in values)


def _shown(delimiter: str) -> str:
    return "a tab" if delimiter == "\t" else delimiter
