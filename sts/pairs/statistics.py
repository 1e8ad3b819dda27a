"""What there is to know of a set of pairs before a model is trained on it."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sts.pairs.load import LoadedPairs
from sts.pairs.split import bigram_overlap

if TYPE_CHECKING:
    import numpy as np

# parts of speech that carry meaning: nouns, verbs, adjectives, roots, adverbs, Latin words
CONTENT = frozenset({"NNG", "NNP", "VV", "VA", "XR", "MAG", "SL"})
SURPRISING = 10
FREQUENT = 25
# KLUE's own rule: a pair is similar from this label on (Park et al. 2021)
SIMILAR_FROM = 3.0


@dataclass(frozen=True)
class Surprise:
    """A pair whose overlap and label disagree."""

    sentence1: str
    sentence2: str
    label: float
    overlap: float


@dataclass(frozen=True)
class Statistics:
    """Of n pairs.

    Attributes:
        name: where the pairs come from.
        rows: n.
        bad_rows: rows that could not be used, by what was wrong with them.
        duplicates: rows that repeated another one and were left out.
        conflicts: pairs of sentences that occur with more than one label.
        identical: pairs of a sentence and itself.
        repeated: sentences that occur more than once.
        sentences: distinct sentences.
        label: (n,), 0 to 5.
        overlap: Jaccard overlap of character bigrams (n,), 0 to 1.
        pearson: of overlap and label, -1 to 1; None where either does not vary.
        characters, morphemes: lengths of the distinct sentences.
        sources: rows and mean label by source; empty without sources.
        frequent: content morphemes with the share of sentences that have them, most frequent first.
        much_overlap: much overlap and a low label, most surprising first.
        little_overlap: little overlap and a high label.
    """

    name: str
    rows: int
    bad_rows: dict[str, int]
    duplicates: int
    conflicts: int
    identical: int
    repeated: int
    sentences: frozenset[str]
    label: "np.ndarray"
    overlap: "np.ndarray"
    pearson: float | None
    characters: "np.ndarray"
    morphemes: "np.ndarray"
    sources: dict[str, tuple[int, float]]
    frequent: dict[str, float]
    much_overlap: list[Surprise]
    little_overlap: list[Surprise]

    @property
    def similar(self) -> float:
        """Share of pairs that are similar."""
        return float((self.label >= SIMILAR_FROM).mean())


def describe(loaded: LoadedPairs, progress: Callable[[Iterable[str], int], Iterable[str]]) -> Statistics:
    """Count and measure a set of pairs.

    Args:
        loaded: the pairs.
        progress: wraps the sentences that are analysed, given their number; it may draw a bar.
    """
    import numpy as np

    from sts.text.analysers import find_analyser

    pairs = loaded.pairs
    first, second = pairs["sentence1"][:], pairs["sentence2"][:]
    label = np.asarray(pairs["label"][:], dtype=float)
    overlap = np.array([bigram_overlap(a, b) for a, b in zip(first, second, strict=True)])
    occurrences = Counter([*first, *second])
    distinct = list(occurrences)
    lengths, documents = [], Counter[str]()
    for found in find_analyser("kiwi").analyse_many(progress(distinct, len(distinct))):
        lengths.append(len(found))
        documents.update({f"{each.form}/{each.tag}" for each in found if each.tag in CONTENT})
    surprise = _ranks(overlap) - _ranks(label)
    order = np.argsort(surprise, kind="stable")
    shown = min(SURPRISING, len(label) // 2)
    vary = overlap.std() > 0 and label.std() > 0
    return Statistics(
        name=loaded.description,
        rows=len(label),
        bad_rows=dict(Counter(row.problem for row in loaded.bad_rows)),
        duplicates=loaded.duplicates,
        conflicts=len(label) - len(set(zip(first, second, strict=True))),
        identical=sum(a == b for a, b in zip(first, second, strict=True)),
        repeated=sum(count > 1 for count in occurrences.values()),
        sentences=frozenset(distinct),
        label=label,
        overlap=overlap,
        pearson=float(np.corrcoef(overlap, label)[0, 1]) if vary else None,
        characters=np.array([len(sentence) for sentence in distinct]),
        morphemes=np.array(lengths),
        sources=_by_source(pairs["source"][:], label) if "source" in pairs.column_names else {},
        frequent={form: count / len(distinct) for form, count in documents.most_common()},
        much_overlap=list(_surprises(first, second, label, overlap, order[::-1][:shown])),
        little_overlap=list(_surprises(first, second, label, overlap, order[:shown])),
    )


def _ranks(values: "np.ndarray") -> "np.ndarray":
    """Ranks from 0 to 1, ties in the middle."""
    from scipy.stats import rankdata

    return rankdata(values) / len(values)


def _surprises(
    first: list[str], second: list[str], label: "np.ndarray", overlap: "np.ndarray", rows: "np.ndarray"
) -> Iterator[Surprise]:
    for row in rows.tolist():
        yield Surprise(first[row], second[row], float(label[row]), float(overlap[row]))


def _by_source(sources: list[str | None], label: "np.ndarray") -> dict[str, tuple[int, float]]:
    labels: dict[str, list[float]] = {}
    for source, value in zip(sources, label.tolist(), strict=True):
        labels.setdefault(source or "(none)", []).append(value)
    ordered = sorted(labels.items(), key=lambda item: -len(item[1]))
    return {source: (len(values), sum(values) / len(values)) for source, values in ordered}
