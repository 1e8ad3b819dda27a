"""Splits without a sentence on both sides.

`random` holds out a share of the pairs by chance. `hard` holds out pairs that look like KLUE-STS's
own dev set (Park et al. 2021, https://arxiv.org/abs/2105.09680): labels spread evenly over 0 to 5,
and word overlap that says little about the label, so that a model can't pass by counting shared
characters.

Pairs that share sentences, in one step or several, are a group, and a group is held out whole, so that
nothing is lost. A group of a quarter of all pairs is too much to hold out; it is parted where fewest pairs
hang together, and of its pairs those are dropped that have one sentence on either side.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sts.errors import DataError

if TYPE_CHECKING:
    import numpy as np
    from datasets import Dataset

LABEL_BINS = 10
# of all pairs; a larger group of pairs that share sentences is parted
LARGEST_GROUP = 0.25
# of fewer pairs a correlation says nothing
MANY = 20
# of overlap or score with the label: labels that are the wrong way round
INVERTED = -0.3


@dataclass(frozen=True)
class Split:
    """Training and validation pairs that share no sentence.

    Attributes:
        train: the pairs to train on.
        validation: the pairs that were held out.
        dropped: pairs in neither part, since they share a sentence with a held-out pair.
    """

    train: "Dataset"
    validation: "Dataset"
    dropped: int


def random_split(pairs: "Dataset", size: int, *, seed: int) -> Split:
    """Hold out `size` pairs by chance, and the pairs of their groups.

    Raises:
        DataError: fewer than two pairs would be left to train on.
    """
    import numpy as np

    order = np.random.default_rng(seed).permutation(len(pairs))
    return _hold_out(pairs, [int(row) for row in order[:size]], size)


def hard_split(pairs: "Dataset", size: int, *, seed: int) -> Split:
    """Hold out about `size` pairs whose labels are even and whose overlap is alike at every label.

    The pairs are sorted into ten bins by label, and each bin that has pairs gives the same number. The overlaps
    that a bin should show are common to all bins: the mean of the bins' quantile functions, which
    is the distribution closest to all of them (their Wasserstein barycentre). Each bin gives the
    pairs that match it best (a linear assignment). A bin that has too few pairs gives what it has.

    Args:
        pairs: labelled pairs, label in 0 to 5.
        size: the number of pairs to hold out; rounded down to a multiple of the number of bins, and up for groups.
        seed: decides between pairs that match equally well.

    Raises:
        DataError: no pair asked for, or fewer than two left to train on.
    """
    import numpy as np
    from scipy.optimize import linear_sum_assignment

    if size < 1:
        raise DataError(f"a split of {size} pairs holds out none; hold out 1 or more")
    overlap = np.array([bigram_overlap(a, b) for a, b in zip(pairs["sentence1"], pairs["sentence2"], strict=True)])
    label = np.asarray(pairs["label"])
    bins = np.minimum((label / 5 * LABEL_BINS).astype(int), LABEL_BINS - 1)
    generator = np.random.default_rng(seed)
    members = [generator.permutation(np.flatnonzero(bins == number)) for number in range(LABEL_BINS)]
    filled = sorted((rows for rows in members if len(rows)), key=len, reverse=True)
    if size < len(filled):
        filled = filled[:size]
    chosen_bins = {id(rows) for rows in filled}
    per_bin = size // len(filled)
    quantiles = (np.arange(per_bin) + 0.5) / per_bin
    target = np.mean([np.quantile(overlap[rows], quantiles) for rows in members if id(rows) in chosen_bins], axis=0)
    chosen: list[int] = []
    for rows in (rows for rows in members if id(rows) in chosen_bins):
        # leave at least half of a scarce bin to training
        wanted = target[:: max(1, -(-2 * per_bin // max(len(rows), 1)))] if len(rows) < 2 * per_bin else target
        _, columns = linear_sum_assignment(np.abs(overlap[rows][None, :] - wanted[:, None]) ** 2)
        chosen += [int(row) for row in rows[columns]]
    return _hold_out(pairs, chosen, size)


def overlap_pearson(pairs: "Dataset") -> float:
    """Pearson's r of character-bigram overlap with the label, -1 to 1: how far counting gets one; NaN if undefined."""
    import numpy as np

    overlap = [bigram_overlap(a, b) for a, b in zip(pairs["sentence1"], pairs["sentence2"], strict=True)]
    if len(overlap) < 2 or np.ptp(overlap) == 0 or np.ptp(np.asarray(pairs["label"][:], dtype=float)) == 0:
        return float("nan")
    return float(np.corrcoef(overlap, pairs["label"])[0, 1])


def inverted_labels(pairs: "Dataset") -> str | None:
    """What to say of pairs whose labels fall as their sentences share more; None where they do not."""
    r = overlap_pearson(pairs)
    if len(pairs) < MANY or not r <= INVERTED:
        return None
    return (
        f"the labels fall as the sentences share more characters (r = {r:.2f}); if a low label means that two "
        "sentences are the same, add --invert-labels"
    )


def bigram_overlap(sentence1: str, sentence2: str) -> float:
    """Jaccard overlap of two sentences' character bigrams, spaces left out, 0 to 1."""
    first, second = _bigrams(sentence1), _bigrams(sentence2)
    return len(first & second) / max(len(first | second), 1)


def _bigrams(sentence: str) -> set[str]:
    text = "".join(sentence.split())
    return {text[start : start + 2] for start in range(len(text) - 1)}


def without_sentences(pairs: "Dataset", sentences: Iterable[str]) -> "Dataset":
    """The pairs that have none of these sentences."""
    known = set(sentences)
    rows = zip(pairs["sentence1"], pairs["sentence2"], strict=True)
    return pairs.select([row for row, (a, b) in enumerate(rows) if a not in known and b not in known])


def _hold_out(pairs: "Dataset", chosen: list[int], size: int) -> Split:
    """Split off whole groups of the `chosen` rows, the smallest first, until there are `size` of them."""
    import numpy as np

    group = _groups(pairs["sentence1"][:], pairs["sentence2"][:])
    sizes = np.bincount(group[:, 0])
    held = np.zeros(len(sizes), dtype=bool)
    count = 0
    for row in sorted(chosen, key=lambda row: sizes[group[row, 0]]):
        if count >= size:
            break
        number = group[row, 0]
        count += 0 if held[number] else int(sizes[number])
        held[number] = True
    first, second = held[group[:, 0]], held[group[:, 1]]
    train, validation = np.flatnonzero(~first & ~second), np.flatnonzero(first & second)
    if len(train) < 2:
        raise DataError(
            f"holding out {len(validation)} of {len(pairs)} pairs leaves {len(train)} to train on, since pairs that "
            "share a sentence are held out together; give more pairs, or name validation pairs of your own "
            "(--validation-data)"
        )
    return Split(pairs.select(train), pairs.select(validation), len(pairs) - len(train) - len(validation))


def _groups(sentence1: list[str], sentence2: list[str]) -> "np.ndarray":
    """The groups (n, 2) of each pair's two sentences: the same one twice, but where a large group was parted."""
    import numpy as np
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    number = {sentence: place for place, sentence in enumerate(dict.fromkeys([*sentence1, *sentence2]))}
    edges = np.array([[number[sentence] for sentence in column] for column in (sentence1, sentence2)])
    links = coo_array((np.ones(edges.shape[1], dtype=bool), (edges[0], edges[1])), shape=(len(number), len(number)))
    count, component = connected_components(links, directed=False)
    for large in np.flatnonzero(np.bincount(component[edges[0]]) > LARGEST_GROUP * edges.shape[1]):
        for community in _communities(edges[:, component[edges[0]] == large])[1:]:
            component[list(community)] = count
            count += 1
    return component[edges.T]


def _communities(edges: "np.ndarray") -> list[set[int]]:
    """Parts of a connected graph that hang together by as few edges as may be (Blondel et al. 2008)."""
    import networkx

    graph = networkx.Graph()
    graph.add_edges_from(edges.T.tolist())
    return list(networkx.community.louvain_communities(graph, seed=0))
