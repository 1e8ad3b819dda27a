"""The data report: one list of sections, written as a self-contained HTML page and as Markdown."""

from collections.abc import Sequence
from pathlib import Path

from sts import plots
from sts.files import REPORT_FILE, replacing_folder, write_json, write_text
from sts.pairs import plots as drawn
from sts.pairs import report_tables as tables
from sts.pairs.comparison import Comparison
from sts.pairs.rows import SIMILAR_FROM
from sts.pairs.statistics import Statistics
from sts.report_page import Section, html, markdown
from sts.tables import Table

KIND = "Data report"
HTML_FILE = "report.html"
JSON_FILE = "statistics.json"


def write_report(output: Path, sets: Sequence[Statistics], comparison: Comparison | None) -> None:
    """Write `report.html`, `report.md`, its plots and `statistics.json` into a folder, all of it or nothing.

    Args:
        output: the folder; what is there is replaced.
        sets: the set that is reported, and perhaps one that it is held against.
        comparison: of the two sets; None for one.
    """
    title = " against ".join(each.name for each in sets)
    about = [f"{each.description} (SHA-256 of the pairs: {each.fingerprint})" for each in sets]
    sections = [*_contents(sets, comparison), *_distributions(sets)]
    if comparison is not None:
        sections += _shared(sets, comparison)
    sections += _pairs_to_read(sets)
    with replacing_folder(output) as folder:
        write_text(folder / HTML_FILE, html(KIND, title, about, sections))
        write_text(folder / REPORT_FILE, markdown(KIND, title, about, sections))
        for picture in (picture for section in sections for picture in section.pictures):
            plots.save(picture.figure, folder / "plots" / f"{picture.name}.png")
        write_json(folder / JSON_FILE, tables.to_dict(sets, comparison))


def _contents(sets: Sequence[Statistics], comparison: Comparison | None) -> list[Section]:
    """What there is, and what is wrong with it."""
    sections = [
        Section(
            "At a glance",
            "What stands out, and the figures behind it.",
            tables.summary(sets, comparison),
            points=tables.findings(sets, comparison),
        )
    ]
    if any(each.bad_rows for each in sets):
        table = tables.bad_rows(sets)
        total = len({(row.path, row.problem) for each in sets for row in each.bad_rows})
        text, rest = "Left out of everything else on this page.", _rest(table, total, "problems")
        sections.append(Section("Rows that can't be used", text, table, rows_are_named=False, note=rest))
    if any(each.conflicts for each in sets):
        table = tables.conflicts(sets)
        text = "The same two sentences, in whichever order, with more than one label."
        rest = _rest(table, sum(len(each.conflicts) for each in sets), "pairs")
        sections.append(Section("Contradicting labels", text, table, rows_are_named=False, note=rest))
    return sections


def _distributions(sets: Sequence[Statistics]) -> list[Section]:
    balance = ", ".join(f"{each.similar:.1%} of {each.name}" for each in sets)
    sections = [
        Section(
            "Labels",
            f"Similar, with a label of {SIMILAR_FROM:.1f} or more (right of the dashed line): {balance}. "
            "A bin holds its lower end, the last one both.",
            tables.labels(sets),
            [drawn.labels(sets)],
        )
    ]
    if any(each.sources for each in sets):
        table = tables.sources(sets)
        total = len({source.name for each in sets for source in each.sources})
        sections.append(Section("Sources", "Where the pairs come from.", table, note=_rest(table, total, "sources")))
    sections += [
        Section(
            "Overlap and label",
            "How far counting shared characters gets one: Jaccard overlap of character bigrams, spaces left out. "
            "With a high r a model can pass without understanding; KLUE-STS's train pairs have r = 0.81, its dev "
            "pairs 0.27.",
            pictures=drawn.overlap_and_label(sets),
        ),
        Section(
            "Sentence lengths",
            "Of distinct sentences; morphemes as Kiwi finds them. Dashed: medians. The longest hundredth stands in the "
            "last bin.",
            tables.lengths(sets),
            [drawn.lengths(sets, "characters"), drawn.lengths(sets, "morphemes")],
        ),
    ]
    if any(each.words for each in sets):
        text = "Nouns, verbs, adjectives, roots and adverbs in dictionary form: the share of sentences that have them."
        sections.append(Section("Most frequent words", text, pictures=[drawn.frequent_words(sets)]))
    return sections


def _shared(sets: Sequence[Statistics], comparison: Comparison) -> list[Section]:
    """Sentences that two sets share, if any."""
    if not comparison.shared and not comparison.alike:
        return []
    first, second = sets
    table = tables.shared(comparison)
    text = (
        f"Sentences of {second.name} that are in {first.name} too; nearly: but for spaces, punctuation or case. "
        "Do not train on one set and measure on the other."
    )
    rest = _rest(table, len(comparison.shared) + len(comparison.alike), "sentences")
    return [Section("Shared sentences", text, table, rows_are_named=False, note=rest)]


def _pairs_to_read(sets: Sequence[Statistics]) -> list[Section]:
    """Lists of pairs and sentences that a person should look at."""
    sections = []
    for each in sets:
        owner = f": {each.name}" if len(sets) > 1 else ""
        for title, text, found in (
            ("Much overlap, low label", "Alike in letters, not in meaning; or a wrong label.", each.much_overlap),
            ("Little overlap, high label", "Alike in meaning, not in letters; or a wrong label.", each.little_overlap),
        ):
            if found:
                text += " First come the pairs whose ranks by overlap and by label lie furthest apart."
                sections.append(Section(title + owner, text, tables.surprises(found), rows_are_named=False))
        if each.repeated:
            table = tables.repeated(each)
            text = "Sentences in several places; a split that puts one of them on both sides leaks."
            rest = _rest(table, len(each.repeated), "sentences")
            sections.append(Section(f"Repeated sentences{owner}", text, table, rows_are_named=False, note=rest))
    return sections


def _rest(table: Table, total: int, what: str) -> str:
    """What a table leaves out."""
    shown = len(table.rows)
    return f"{shown:,} of {total:,} {what}; {JSON_FILE} has all." if total > shown else ""
