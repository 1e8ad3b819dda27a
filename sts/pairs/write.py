"""Writing rows of pairs, one by one, in the formats that `sts.pairs.rows` reads."""

import csv
import json
from collections.abc import Callable
from typing import IO, Any

RowWriter = Callable[[dict[str, Any]], None]


def _json_writer(stream: IO[str]) -> RowWriter:
    return lambda row: print(json.dumps(row, ensure_ascii=False), file=stream)


def _table_writer(stream: IO[str], *, tabs: bool) -> RowWriter:
    """Write rows as CSV, or as TSV without quoting, where a tab in a sentence becomes a space."""
    header_due = True

    def write(row: dict[str, Any]) -> None:
        nonlocal header_due
        if header_due:
            line(list(row))
            header_due = False
        line(
            [
                "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
                for value in row.values()
            ]
        )

    table = csv.writer(stream, lineterminator="\n")

    def line(cells: list[str]) -> None:
        if tabs:
            stream.write(
                "\t".join(" ".join(cell.split("\t")).replace("\n", " ").replace("\r", " ") for cell in cells) + "\n"
            )
        else:
            table.writerow(cells)

    return write


# by suffix: makes a function that writes a row to a stream; all rows have the keys of the first
WRITERS: dict[str, Callable[[IO[str]], RowWriter]] = {
    ".tsv": lambda stream: _table_writer(stream, tabs=True),
    ".csv": lambda stream: _table_writer(stream, tabs=False),
    ".jsonl": _json_writer,
}
