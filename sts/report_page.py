"""Sections of a report as one HTML page that opens offline, and as Markdown."""

import base64
import re
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files

from sts import __version__, plots
from sts.plots import Picture
from sts.tables import Table, escape_markdown

HANGUL = re.compile(r"[\u1100-\u11ff\u3130-\u318f\uac00-\ud7a3]")
NUMBER = re.compile(r"[+-]?[\d,.]+(e-?\d+)?%?")


@dataclass(frozen=True)
class Section:
    """A part of the report.

    Attributes:
        title: its heading.
        text: what to make of it, in a sentence or two.
        table: figures or rows, if any.
        pictures: plots, shown side by side where the page is wide enough.
        points: a list below the text.
        rows_are_named: whether the first cell of each row says what the row is about.
        note: what the table leaves out; empty where it is whole.
    """

    title: str
    text: str
    table: Table | None = None
    pictures: Sequence[Picture] = ()
    points: Sequence[str] = ()
    rows_are_named: bool = True
    note: str = ""


def markdown(kind: str, title: str, about: Sequence[str], sections: Sequence[Section]) -> str:
    """The report in Markdown; its pictures are expected in the folder `plots` as PNG."""
    parts = [f"# {escape_markdown(kind)}: {escape_markdown(title)}\n", _points(about)]
    for section in sections:
        parts.append(f"## {escape_markdown(section.title)}\n\n{escape_markdown(section.text)}\n")
        if section.points:
            parts.append(_points(section.points))
        parts += [f"![{escape_markdown(picture.alt)}](plots/{picture.name}.png)\n" for picture in section.pictures]
        if section.table:
            parts.append(section.table.markdown())
        if section.note:
            parts.append(f"{escape_markdown(section.note)}\n")
    return "\n".join([*parts, f"Written by sts {__version__}.\n"])


def html(kind: str, title: str, about: Sequence[str], sections: Sequence[Section]) -> str:
    """The report as a page that needs nothing beside it: plots are drawn in it, for light and for dark screens."""
    from jinja2 import Environment, StrictUndefined

    # autoescape: sentences may hold anything
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.tests["hangul"] = lambda text: HANGUL.search(text) is not None
    environment.tests["numeric"] = lambda text: NUMBER.fullmatch(text) is not None
    template = environment.from_string(files("sts").joinpath("report.html.j2").read_text(encoding="utf-8"))
    drawn = {picture.name: plots.svg(picture.figure) for section in sections for picture in section.pictures}
    light = {name: _data_uri(drawing) for name, drawing in drawn.items()}
    dark = {name: _data_uri(plots.darkened(drawing)) for name, drawing in drawn.items()}
    return template.render(
        kind=kind, title=title, about=about, sections=sections, light=light, dark=dark, version=__version__
    )


def _points(lines: Sequence[str]) -> str:
    return "".join(f"- {escape_markdown(line)}\n" for line in lines)


def _data_uri(drawing: str) -> str:
    return f"data:image/svg+xml;base64,{base64.b64encode(drawing.encode()).decode()}"
