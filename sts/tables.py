"""Tables: the cells are made once, and shown on a terminal or in Markdown."""

import re
from dataclasses import dataclass

MARKDOWN_SYNTAX = re.compile(r"([\\`*_{}\[\]<>|#~&$])")


@dataclass(frozen=True)
class Table:
    """A header and rows of cells, all of them text."""

    header: list[str]
    rows: list[list[str]]

    def markdown(self) -> str:
        """The table in Markdown; whatever the cells hold is shown as it is."""
        header, *rows = [[escape_markdown(cell) for cell in row] for row in (self.header, *self.rows)]
        lines = [header, ["---"] * len(header), *rows]
        return "".join(f"| {' | '.join(line)} |\n" for line in lines)

    def show(self) -> None:
        """Print the table on standard output."""
        from rich import box
        from rich.console import Console
        from rich.table import Table as RichTable
        from rich.text import Text

        table = RichTable(box=box.SIMPLE_HEAD, pad_edge=False)
        for title in self.header:
            table.add_column(Text(title))
        for row in self.rows:
            table.add_row(*map(Text, row))
        Console(highlight=False).print(table)


def escape_markdown(text: str) -> str:
    """Text for one line of Markdown, with everything that Markdown would interpret taken literally."""
    return MARKDOWN_SYNTAX.sub(r"\\\1", " ".join(text.split()))
