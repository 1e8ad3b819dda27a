"""What there is to know of a set of pairs before a model is trained on it."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sts.pairs.load import LoadedPairs
from sts.pairs.rows import SIMILAR_FROM, BadRow
from sts.pairs.scale import HIGHEST
from sts.pairs.split import bigram_overlap

if TYPE_CHECKING:
    import numpy as np

    from sts.text.analysers import Morpheme

# parts of speech that carry meaning: nouns, verbs, adjectives, roots, adverbs, words in Latin letters
CONTENT = frozenset({"NNG", "NNP", "VV", "VA", "XR", "MAG", "SL"})
SURPRISING = 10
# with fewer pairs a correlation says nothing: two always lie on a line
MIN_CORRELATED = 3


@dataclass(frozen=True)
class Conflict:
    """Two sentences, in whichever order, that are labelled in more than one way."""

    sentence1: str
    sentence2: str
    labels: tuple[float, ...]


@dataclass(frozen=True)
class Surprise:
    """A pair whose overlap and label disagree.

    Attributes:
        sentence1: its first sentence.
        sentence2: its second one.
        label: 0 to 5.
        overlap: of character bigrams, 0 to 1.
        score: how far the pair's rank by overlap lies above its rank by label, as a share of the set: near 1 for
            the most overlap and the lowest label, near -1 for the reverse.
    """

    sentence1: str
    sentence2: str
    label: float
    overlap: float
    score: float


@dataclass(frozen=True)
class Source:
    """The pairs of one source: their number, mean label (0 to 5), and the share that is similar."""

    name: str
    pairs: int
    mean_label: float
    similar: float


@dataclass(frozen=True)
class Statistics:
    """Of n pairs, exact duplicates left out.

    Attributes:
        name: what the set is called in tables and plots.
        description: where the pairs come from.
        fingerprint: SHA-256 over the pairs and labels.
        bad_rows: rows that could not be used.
        duplicates: rows that repeated another one and were left out.
        mirrored: pairs that are another pair with its sentences in the other order and the same label.
        identical: pairs of a sentence and itself.
        conflicts: pairs of sentences with more than one label, the furthest apart first.
        sentence1, sentence2: the sentences (n each).
        occurrences: distinct sentences, and in how many places each stands.
        label: (n,), 0 to 5.
        overlap: Jaccard overlap of character bigrams (n,), 0 to 1.
        pearson: of overlap and label, -1 to 1; None where either does not vary, and for one or two pairs.
        characters, morphemes: lengths of the distinct sentences.
        words: content morphemes in dictionary form, and how many distinct sentences have each.
        sources: largest first; empty without sources.
        much_overlap: much overlap and a low label, most surprising first.
        little_overlap: little overlap and a high label.
    """

    name: str
    description: str
    fingerprint: str
    bad_rows: tuple[BadRow, ...]
    duplicates: int
    mirrored: int
    identical: int
    conflicts: list[Conflict]
    sentence1: list[str]
    sentence2: list[str]
    occurrences: Counter[str]
    label: "np.ndarray"
    overlap: "np.ndarray"
    pearson: float | None
    characters: "np.ndarray"
    morphemes: "np.ndarray"
    words: Counter[str]
    sources: list[Source]
    much_overlap: list[Surprise]
    little_overlap: list[Surprise]

    @property
    def similar(self) -> float:
        """Share of pairs that are similar."""
        return float((self.label >= SIMILAR_FROM).mean())

    @property
    def is_binary(self) -> bool:
        """Whether there are no labels but 0 and 5."""
        return bool(((self.label == 0) | (self.label == HIGHEST)).all())

    @property
    def repeated(self) -> list[tuple[str, int]]:
        """Sentences that stand in more than one place, most often first."""
        return [(sentence, count) for sentence, count in self.occurrences.most_common() if count > 1]


def describe(
    loaded: LoadedPairs,
    name: str,
    progress: "Callable[[Iterable[list[Morpheme]], int], Iterable[list[Morpheme]]]",
) -> Statistics:
    """Count and measure a set of pairs.

    Args:
        loaded: the pairs.
        name: what the set is called.
        progress: passes on the analyses of the distinct sentences, given their number; it may draw a bar.
    """
    import numpy as np

    from sts.text.analysers import find_analyser

    pairs = loaded.pairs
    first, second = pairs["sentence1"][:], pairs["sentence2"][:]
    label = np.asarray(pairs["label"][:], dtype=float)
    overlap = np.array([bigram_overlap(a, b) for a, b in zip(first, second, strict=True)])
    occurrences = Counter([*first, *second])
    lengths, words = [], Counter[str]()
    analyses = find_analyser("kiwi").analyse_many(occurrences)
    for morphemes in progress(analyses, len(occurrences)):
        lengths.append(len(morphemes))
        words.update({_dictionary_form(each) for each in morphemes if each.tag in CONTENT})
    mirrored, conflicts = _repeated_pairs(first, second, label)
    much_overlap, little_overlap = _surprises(first, second, label, overlap)
    return Statistics(
        name=name,
        description=loaded.description,
        fingerprint=loaded.fingerprint,
        bad_rows=loaded.bad_rows,
        duplicates=loaded.duplicates,
        mirrored=mirrored,
        identical=sum(a == b for a, b in zip(first, second, strict=True)),
        conflicts=conflicts,
        sentence1=first,
        sentence2=second,
        occurrences=occurrences,
        label=label,
        overlap=overlap,
        pearson=_pearson(overlap, label),
        characters=np.array([len(sentence) for sentence in occurrences]),
        morphemes=np.array(lengths),
        words=words,
        sources=_by_source(pairs["source"][:], label) if "source" in pairs.column_names else [],
        much_overlap=much_overlap,
        little_overlap=little_overlap,
    )


def _dictionary_form(morpheme: "Morpheme") -> str:
    return morpheme.form + "다" if morpheme.tag in ("VV", "VA") else morpheme.form


def _repeated_pairs(first: Sequence[str], second: Sequence[str], label: "np.ndarray") -> tuple[int, list[Conflict]]:
    """How many pairs are mirrored, and the conflicts."""
    labels: dict[tuple[str, str], list[float]] = {}
    for a, b, value in zip(first, second, label.tolist(), strict=True):
        labels.setdefault((b, a) if (b, a) in labels else (a, b), []).append(value)
    mirrored = sum(len(values) - len(set(values)) for values in labels.values())
    conflicts = [Conflict(*pair, tuple(values)) for pair, values in labels.items() if len(set(values)) > 1]
    return mirrored, sorted(conflicts, key=lambda each: min(each.labels) - max(each.labels))


def _pearson(overlap: "np.ndarray", label: "np.ndarray") -> float | None:
    import numpy as np

    # not the standard deviation, which rounding keeps from 0
    if len(label) < MIN_CORRELATED or np.ptp(overlap) == 0 or np.ptp(label) == 0:
        return None
    return float(np.corrcoef(overlap, label)[0, 1])


def _surprises(
    first: Sequence[str], second: Sequence[str], label: "np.ndarray", overlap: "np.ndarray"
) -> tuple[list[Surprise], list[Surprise]]:
    """Pairs with much overlap and a low label, and the reverse, most surprising first.

    Ranks rather than the values, or what is left of them after a regression: where few pairs have much overlap,
    or where overlap says little about the label, those list pairs that no person would be surprised by.
    """
    import numpy as np
    from scipy.stats import rankdata

    score = (rankdata(overlap) - rankdata(label)) / len(label)
    order = np.argsort(-score, kind="stable").tolist()

    def listed(rows: Iterable[int]) -> list[Surprise]:
        return [
            Surprise(first[row], second[row], float(label[row]), float(overlap[row]), float(score[row])) for row in rows
        ]

    much = [row for row in order[:SURPRISING] if score[row] > 0]
    little = [row for row in reversed(order[-SURPRISING:]) if score[row] < 0]
    return listed(much), listed(little)


def _by_source(sources: Sequence[str | None], label: "np.ndarray") -> list[Source]:
    labels: dict[str, list[float]] = {}
    for name, value in zip(sources, label.tolist(), strict=True):
        labels.setdefault(name or "(none)", []).append(value)
    found = [
        Source(
            name, len(values), sum(values) / len(values), sum(value >= SIMILAR_FROM for value in values) / len(values)
        )
        for name, values in labels.items()
    ]
    return sorted(found, key=lambda each: -each.pairs)
