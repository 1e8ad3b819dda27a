"""The tables of the data report, what stands out in them, and the same figures for JSON."""

import itertools
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from sts import __version__
from sts.pairs.comparison import Comparison
from sts.pairs.rows import SIMILAR_FROM
from sts.pairs.split import INVERTED, MANY
from sts.pairs.statistics import Statistics, Surprise
from sts.plots import BIN_EDGES
from sts.tables import Table

if TYPE_CHECKING:
    import numpy as np

# a page is read by a person; the JSON has all
SHOWN_ROWS = 20
SHOWN_PLACES = 10
SHOWN_CHARACTERS = 300
STORED_WORDS = 200


def summary(sets: Sequence[Statistics], comparison: Comparison | None) -> Table:
    """The figures that tell sets apart, one column a set."""
    rows = [
        ["pairs", *(f"{len(each.label):,}" for each in sets)],
        ["rows that can't be used", *(f"{len(each.bad_rows):,}" for each in sets)],
        ["exact duplicates, left out", *(f"{each.duplicates:,}" for each in sets)],
        ["pairs repeated in the other order", *(f"{each.mirrored:,}" for each in sets)],
        ["pairs with contradicting labels", *(f"{len(each.conflicts):,}" for each in sets)],
        ["pairs of a sentence and itself", *(f"{each.identical:,}" for each in sets)],
        ["distinct sentences", *(f"{len(each.occurrences):,}" for each in sets)],
        ["sentences in several places", *(f"{len(each.repeated):,}" for each in sets)],
        ["mean label", *(f"{each.label.mean():.2f}" for each in sets)],
        [f"similar (label from {SIMILAR_FROM:.1f})", *(f"{each.similar:.1%}" for each in sets)],
        ["overlap and label, Pearson's r", *(_r(each) for each in sets)],
        ["characters, median", *(f"{_quantiles(each.characters)['median']:.0f}" for each in sets)],
        ["morphemes, median", *(f"{_quantiles(each.morphemes)['median']:.0f}" for each in sets)],
    ]
    if comparison is not None:
        rows.append(["sentences also in the other set", "", f"{len(comparison.shared):,}"])
    return Table(["", *(each.name for each in sets)], rows)


def findings(sets: Sequence[Statistics], comparison: Comparison | None) -> list[str]:
    """What a person should know before anything else, a sentence each."""
    lines = [] if comparison is None else [_leak(sets, comparison)]
    for each in sets:
        if each.bad_rows:
            lines.append(f"{_count(len(each.bad_rows), 'row')} of {each.name} can't be used.")
        if each.conflicts:
            pairs = _count(len(each.conflicts), "pair of sentences", "pairs of sentences")
            lines.append(f"{each.name} labels {pairs} in more than one way.")
        if each.duplicates:
            lines.append(f"{each.name} repeats {_count(each.duplicates, 'pair')}; counted once from here on.")
        if each.mirrored:
            lines.append(f"{each.name} repeats {_count(each.mirrored, 'pair')} in the other order; all are counted.")
        if each.pearson is None:
            lines.append(f"{each.name} has too few pairs for a correlation, or its overlap or label does not vary.")
        else:
            lines.append(
                f"Counting shared characters explains {each.pearson**2:.0%} of the variance of the labels of "
                f"{each.name} (r = {each.pearson:.2f})."
            )
            if each.pearson <= INVERTED and len(each.label) >= MANY:
                lines.append(
                    f"The labels of {each.name} fall as its sentences share more characters: if a low label means "
                    "that two sentences are the same, read it with --invert-labels."
                )
        empty = [_bin(low, high) for (low, high), pairs in _label_counts(each) if not pairs]
        if empty and not each.is_binary:
            lines.append(f"{each.name} has no label from {'; '.join(empty)}.")
    return lines


def _leak(sets: Sequence[Statistics], comparison: Comparison) -> str:
    first, second = sets
    if not comparison.shared and not comparison.alike:
        return f"No sentence of {second.name} is in {first.name}."
    line = (
        f"{len(comparison.shared):,} of the {_count(len(second.occurrences), 'sentence')} of {second.name} are in "
        f"{first.name} too, in {comparison.touched:,} of its {_count(len(second.label), 'pair')}"
    )
    if comparison.alike:
        line += f", and {len(comparison.alike):,} more but for spaces, punctuation or case"
    return f"{line}: a model trained on one and measured on the other looks better than it is."


def bad_rows(sets: Sequence[Statistics]) -> Table:
    """Rows that can't be used, those with the same problem together."""
    places: dict[tuple[str, str], list[str]] = {}
    for each in sets:
        for row in each.bad_rows:
            places.setdefault((row.path, row.problem), []).append(row.place)
    rows = []
    for (path, problem), found in list(places.items())[:SHOWN_ROWS]:
        more = f" and {len(found) - SHOWN_PLACES:,} more" if len(found) > SHOWN_PLACES else ""
        rows.append([path, shortened(problem), f"{len(found):,}", ", ".join(found[:SHOWN_PLACES]) + more])
    return Table(["file", "problem", "rows", "where"], rows)


def conflicts(sets: Sequence[Statistics]) -> Table:
    """Pairs of sentences with more than one label."""
    rows = []
    for each in sets:
        for found in each.conflicts[:SHOWN_ROWS]:
            cells = [", ".join(f"{value:.3g}" for value in found.labels)]
            cells += [shortened(found.sentence1), shortened(found.sentence2)]
            rows.append([each.name, *cells] if len(sets) > 1 else cells)
    return Table([*(["set"] if len(sets) > 1 else []), "labels", "sentence 1", "sentence 2"], rows)


def labels(sets: Sequence[Statistics]) -> Table:
    """Pairs in each half of a label point, and their share."""
    counts = [_label_counts(each) for each in sets]
    rows = []
    for number, ((low, high), _) in enumerate(counts[0]):
        cells = [_bin(low, high)]
        for each, found in zip(sets, counts, strict=True):
            cells += [f"{found[number][1]:,}", f"{found[number][1] / len(each.label):.1%}"]
        rows.append(cells)
    return Table(["label", *_per_set(sets, ["pairs", "share"])], rows)


def sources(sets: Sequence[Statistics]) -> Table:
    """Pairs, mean label and share of similar pairs by source."""
    names = dict.fromkeys(source.name for each in sets for source in each.sources)
    found = [{source.name: source for source in each.sources} for each in sets]
    rows = []
    for name in list(names)[:SHOWN_ROWS]:
        cells = [shortened(name)]
        for each, by_name in zip(sets, found, strict=True):
            source = by_name.get(name)
            if source is None:
                cells += ["0", "", "", ""]
            else:
                share = source.pairs / len(each.label)
                cells += [f"{source.pairs:,}", f"{share:.1%}", f"{source.mean_label:.2f}", f"{source.similar:.1%}"]
        rows.append(cells)
    return Table(["source", *_per_set(sets, ["pairs", "share", "mean label", "similar"])], rows)


def lengths(sets: Sequence[Statistics]) -> Table:
    """Quantiles of the lengths of distinct sentences."""
    measured = [("characters", each.name, each.characters) for each in sets]
    measured += [("morphemes", each.name, each.morphemes) for each in sets]
    rows = [
        [f"{unit}, {name}" if len(sets) > 1 else unit, *(f"{value:,.0f}" for value in _quantiles(values).values())]
        for unit, name, values in measured
    ]
    return Table(["length in", *_quantiles(sets[0].characters)], rows)


def shared(comparison: Comparison) -> Table:
    """Sentences that are in both sets, and those that nearly are."""
    rows = [["the same", shortened(sentence)] for sentence in comparison.shared[:SHOWN_ROWS]]
    rows += [["nearly", shortened(sentence)] for sentence in comparison.alike[:SHOWN_ROWS]]
    return Table(["found", "sentence"], rows)


def surprises(found: Sequence[Surprise]) -> Table:
    """Pairs whose overlap and label disagree."""
    rows = [
        [f"{each.label:.2f}", f"{each.overlap:.2f}", shortened(each.sentence1), shortened(each.sentence2)]
        for each in found
    ]
    return Table(["label", "overlap", "sentence 1", "sentence 2"], rows)


def repeated(each: Statistics) -> Table:
    """Sentences that stand in several places."""
    return Table(
        ["places", "sentence"],
        [[f"{count:,}", shortened(sentence)] for sentence, count in each.repeated[:SHOWN_ROWS]],
    )


def to_dict(sets: Sequence[Statistics], comparison: Comparison | None) -> dict[str, Any]:
    """All figures as JSON can hold them."""
    return {
        "sts_version": __version__,
        "sets": [_set_to_dict(each) for each in sets],
        "comparison": None if comparison is None else asdict(comparison),
    }


def _set_to_dict(each: Statistics) -> dict[str, Any]:
    return {
        "name": each.name,
        "description": each.description,
        "fingerprint": each.fingerprint,
        "pairs": len(each.label),
        "bad_rows": [asdict(row) for row in each.bad_rows],
        "duplicates": each.duplicates,
        "mirrored": each.mirrored,
        "identical": each.identical,
        "conflicts": [asdict(conflict) for conflict in each.conflicts],
        "sentences": len(each.occurrences),
        "repeated": dict(each.repeated),
        "similar": each.similar,
        "labels": {
            "mean": float(each.label.mean()),
            "edges": list(BIN_EDGES),
            "pairs": [pairs for _, pairs in _label_counts(each)],
        },
        "characters": _quantiles(each.characters),
        "morphemes": _quantiles(each.morphemes),
        "overlap_pearson": each.pearson,
        "sources": [asdict(source) for source in each.sources],
        "words": dict(each.words.most_common(STORED_WORDS)),
        "much_overlap": [asdict(surprise) for surprise in each.much_overlap],
        "little_overlap": [asdict(surprise) for surprise in each.little_overlap],
    }


def shortened(text: str) -> str:
    """A text that fits into a cell."""
    return text if len(text) <= SHOWN_CHARACTERS else text[:SHOWN_CHARACTERS] + "…"


def _per_set(sets: Sequence[Statistics], columns: list[str]) -> list[str]:
    """The columns of each set, with its name where there are two."""
    return [f"{column}, {each.name}" if len(sets) > 1 else column for each in sets for column in columns]


def _r(each: Statistics) -> str:
    return "undefined" if each.pearson is None else f"{each.pearson:.2f}"


def _bin(low: float, high: float) -> str:
    return f"{low:g} to {high:g}"


def _label_counts(each: Statistics) -> list[tuple[tuple[float, float], int]]:
    """The bins of half a label point, and the pairs in each; 5.0 belongs to the last one."""
    import numpy as np

    counts = np.histogram(each.label, BIN_EDGES)[0].tolist()
    return list(zip(itertools.pairwise(BIN_EDGES), counts, strict=True))


def _quantiles(values: "np.ndarray") -> dict[str, float]:
    import numpy as np

    named = {"shortest": 0.0, "5 %": 0.05, "median": 0.5, "95 %": 0.95, "longest": 1.0}
    return {name: float(np.quantile(values, share)) for name, share in named.items()}


def _count(number: int, one: str, many: str | None = None) -> str:
    return f"{number:,} {one if number == 1 else many or one + 's'}"
