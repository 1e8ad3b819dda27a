"""The data report: one list of sections, written as a self-contained HTML page and as Markdown."""

import base64
import io
import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sts import __version__, plots
from sts.files import REPORT_FILE, replacing_folder, write_json, write_text
from sts.pairs import plots as drawn
from sts.pairs.statistics import SIMILAR_FROM, Statistics, Surprise
from sts.tables import Table, escape_markdown

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.figure import Figure

HTML_FILE = "report.html"
STORED_MORPHEMES = 100


@dataclass(frozen=True)
class Section:
    """A part of the report.

    Attributes:
        title: its heading.
        text: what to make of it, in a sentence or two.
        table: figures, if any.
        plot: a picture's name, its figure, and what it shows in words; or none.
    """

    title: str
    text: str
    table: Table | None = None
    plot: "tuple[str, Figure, str] | None" = None


def write_report(output: Path, sets: Sequence[Statistics]) -> None:
    """Write `report.html`, `report.md`, its plots and `statistics.json` into a folder, all of it or nothing.

    Args:
        output: the folder; what is there is replaced.
        sets: the set that is reported, and perhaps one that it is held against.
    """
    title = f"{sets[0].name} against {sets[1].name}" if len(sets) > 1 else sets[0].name
    sections = [*_counts(sets), *_distributions(sets), *_surprises(sets)]
    with replacing_folder(output) as folder:
        for section in sections:
            if section.plot:
                plots.save(section.plot[1], folder / "plots" / f"{section.plot[0]}.png")
        write_text(folder / REPORT_FILE, _markdown(title, sections))
        write_text(folder / HTML_FILE, _html(title, sections))
        write_json(folder / "statistics.json", {"sets": [to_dict(each) for each in sets], "shared": shared(sets)})


def summary(sets: Sequence[Statistics]) -> Table:
    """The figures that tell sets apart, one column a set."""
    rows = [
        ["pairs", *(f"{each.rows:,}" for each in sets)],
        ["rows that can't be used", *(f"{sum(each.bad_rows.values()):,}" for each in sets)],
        ["exact duplicates, left out", *(f"{each.duplicates:,}" for each in sets)],
        ["pairs that occur again with another label", *(f"{each.conflicts:,}" for each in sets)],
        ["pairs of a sentence and itself", *(f"{each.identical:,}" for each in sets)],
        ["distinct sentences", *(f"{len(each.sentences):,}" for each in sets)],
        ["sentences that occur more than once", *(f"{each.repeated:,}" for each in sets)],
        ["mean label", *(f"{each.label.mean():.2f}" for each in sets)],
        [f"similar (label from {SIMILAR_FROM:g} on)", *(f"{each.similar:.1%}" for each in sets)],
        ["characters a sentence, median", *(f"{_median(each.characters):.0f}" for each in sets)],
        ["morphemes a sentence, median", *(f"{_median(each.morphemes):.0f}" for each in sets)],
        ["overlap and label, Pearson's r", *(_r(each) for each in sets)],
    ]
    if len(sets) > 1:
        rows.append(["sentences that both sets have", "", f"{shared(sets):,}"])
    return Table(["", *(each.name for each in sets)], rows)


def shared(sets: Sequence[Statistics]) -> int:
    """How many sentences two sets have in common; 0 for a single set."""
    return len(sets[0].sentences & sets[1].sentences) if len(sets) > 1 else 0


def to_dict(each: Statistics) -> dict[str, Any]:
    """A set's figures as JSON can hold them."""
    import numpy as np

    counts, edges = np.histogram(each.label, np.linspace(0, 5, drawn.BINS + 1))
    return {
        "name": each.name,
        "pairs": each.rows,
        "bad_rows": each.bad_rows,
        "duplicates": each.duplicates,
        "conflicts": each.conflicts,
        "identical": each.identical,
        "sentences": len(each.sentences),
        "repeated": each.repeated,
        "similar": each.similar,
        "labels": {"edges": edges.tolist(), "pairs": counts.tolist(), "mean": float(each.label.mean())},
        "characters": _quantiles(each.characters),
        "morphemes": _quantiles(each.morphemes),
        "overlap_pearson": each.pearson,
        "sources": {name: {"pairs": rows, "mean_label": mean} for name, (rows, mean) in each.sources.items()},
        "frequent_morphemes": dict(itertools.islice(each.frequent.items(), STORED_MORPHEMES)),
    }


def _counts(sets: Sequence[Statistics]) -> list[Section]:
    leak = " Sentences in both sets make a model look better than it is." if shared(sets) else ""
    sections = [Section("At a glance", f"What there is, and what is wrong with it.{leak}", summary(sets))]
    bad = [[each.name, problem, f"{count:,}"] for each in sets for problem, count in each.bad_rows.items()]
    if bad:
        text = "These rows were left out of everything below."
        sections.append(Section("Rows that can't be used", text, Table(["set", "problem", "rows"], bad)))
    return sections


def _distributions(sets: Sequence[Statistics]) -> list[Section]:
    balance = ", ".join(f"{each.similar:.1%} of {each.name}" for each in sets)
    sections = [
        Section(
            "Labels",
            f"Similar, from {SIMILAR_FROM:g} on (dashed line): {balance}.",
            plot=("labels", drawn.labels(sets), "histogram of labels"),
        ),
        Section(
            "Overlap and label",
            "How far counting shared characters gets one. A high r means that a model can pass without understanding; "
            "KLUE-STS's train pairs have r = 0.81, its dev pairs 0.27.",
            plot=("overlap", drawn.overlap_and_label(sets), "bigram overlap against label"),
        ),
        *(
            Section(
                f"Sentence lengths in {unit}",
                "Of distinct sentences; the longest hundredth stands in the last bar.",
                Table(["set", *_quantiles(sets[0].characters)], [_length_row(each, unit) for each in sets]),
                (unit, drawn.lengths(sets, unit), f"histogram of lengths in {unit}"),
            )
            for unit in ("characters", "morphemes")
        ),
        Section(
            "Most frequent morphemes",
            "Nouns, verbs, adjectives, roots and adverbs as Kiwi finds them; the share of sentences that have them.",
            plot=("morphemes_frequent", drawn.frequent_morphemes(sets), "most frequent morphemes"),
        ),
    ]
    rows = [
        [each.name, source, f"{count:,}", f"{count / each.rows:.1%}", f"{mean:.2f}"]
        for each in sets
        for source, (count, mean) in each.sources.items()
    ]
    if rows:
        table = Table(["set", "source", "pairs", "share", "mean label"], rows)
        sections.insert(1, Section("Sources", "Where the pairs come from.", table))
    return sections


def _surprises(sets: Sequence[Statistics]) -> list[Section]:
    return [
        Section(f"{title}: {each.name}", text, _surprise_table(found))
        for each in sets
        for title, text, found in (
            ("Much overlap, low label", "Alike in letters, not in meaning; or a wrong label.", each.much_overlap),
            ("Little overlap, high label", "Alike in meaning, not in letters; or a wrong label.", each.little_overlap),
        )
        if found
    ]


def _surprise_table(found: Sequence[Surprise]) -> Table:
    rows = [[f"{each.label:.2f}", f"{each.overlap:.2f}", each.sentence1, each.sentence2] for each in found]
    return Table(["label", "overlap", "sentence 1", "sentence 2"], rows)


def _length_row(each: Statistics, unit: str) -> list[str]:
    return [each.name, *(f"{value:.0f}" for value in _quantiles(getattr(each, unit)).values())]


def _quantiles(values: "np.ndarray") -> dict[str, float]:
    import numpy as np

    named = {"shortest": 0.0, "5 %": 0.05, "median": 0.5, "95 %": 0.95, "longest": 1.0}
    return {name: float(np.quantile(values, share)) for name, share in named.items()}


def _median(values: "np.ndarray") -> float:
    return _quantiles(values)["median"]


def _r(each: Statistics) -> str:
    return "undefined: nothing varies" if each.pearson is None else f"{each.pearson:.2f}"


def _markdown(title: str, sections: Sequence[Section]) -> str:
    parts = [f"# Data report: {escape_markdown(title)}\n"]
    for section in sections:
        parts.append(f"## {escape_markdown(section.title)}\n\n{escape_markdown(section.text)}\n")
        if section.plot:
            parts.append(f"![{section.plot[2]}](plots/{section.plot[0]}.png)\n")
        if section.table:
            parts.append(section.table.markdown())
    return "\n".join([*parts, f"Written by sts {__version__}.\n"])


def _html(title: str, sections: Sequence[Section]) -> str:
    from jinja2 import Environment, StrictUndefined

    # autoescape: sentences may hold anything
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    template = environment.from_string(files("sts.pairs").joinpath("report.html.j2").read_text(encoding="utf-8"))
    pictures = {section.plot[0]: _data_uri(section.plot[1]) for section in sections if section.plot}
    return template.render(title=title, sections=sections, pictures=pictures, version=__version__)


def _data_uri(figure: "Figure") -> str:
    stream = io.BytesIO()
    plots.save(figure, stream)
    return f"data:image/png;base64,{base64.b64encode(stream.getvalue()).decode()}"
