"""Splits without a sentence on both sides.

`random` holds out a share of the pairs by chance. `hard` holds out pairs that look like KLUE-STS's
own dev set (Park et al. 2021, https://arxiv.org/abs/2105.09680): labels spread evenly over 0 to 5,
and word overlap that says little about the label, so that a model can't pass by counting shared
characters.
"""

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sts.errors import DataError

if TYPE_CHECKING:
    from datasets import Dataset

LABEL_BINS = 10


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
    """Hold out `size` pairs by chance.

    Raises:
        DataError: fewer than two pairs would be left to train on.
    """
    import numpy as np

    order = np.random.default_rng(seed).permutation(len(pairs))
    return _hold_out(pairs, [int(row) for row in order[:size]])


def hard_split(pairs: "Dataset", size: int, *, seed: int) -> Split:
    """Hold out about `size` pairs whose labels are even and whose overlap is alike at every label.

    The pairs are sorted into ten bins by label, and each bin gives the same number. The overlaps
    that a bin should show are common to all bins: the mean of the bins' quantile functions, which
    is the distribution closest to all of them (their Wasserstein barycentre). Each bin gives the
    pairs that match it best (a linear assignment). A bin that has too few pairs gives what it has.

    Args:
        pairs: labelled pairs, label in 0 to 5.
        size: the number of pairs to hold out; rounded down to a multiple of ten.
        seed: decides between pairs that match equally well.

    Raises:
        DataError: fewer than ten pairs asked for, or fewer than two left to train on.
    """
    import numpy as np
    from scipy.optimize import linear_sum_assignment

    if size < LABEL_BINS:
        raise DataError(
            f"a hard split of {size} pairs can't cover {LABEL_BINS} label bins; hold out at least {LABEL_BINS}"
        )
    overlap = np.array([bigram_overlap(a, b) for a, b in zip(pairs["sentence1"], pairs["sentence2"], strict=True)])
    label = np.asarray(pairs["label"])
    bins = np.minimum((label / 5 * LABEL_BINS).astype(int), LABEL_BINS - 1)
    generator = np.random.default_rng(seed)
    members = [generator.permutation(np.flatnonzero(bins == number)) for number in range(LABEL_BINS)]
    per_bin = size // LABEL_BINS
    quantiles = (np.arange(per_bin) + 0.5) / per_bin
    target = np.mean([np.quantile(overlap[rows], quantiles) for rows in members if len(rows)], axis=0)
    chosen: list[int] = []
    for rows in members:
        # leave at least half of a scarce bin to training
        wanted = target[:: max(1, -(-2 * per_bin // max(len(rows), 1)))] if len(rows) < 2 * per_bin else target
        _, columns = linear_sum_assignment(np.abs(overlap[rows][None, :] - wanted[:, None]) ** 2)
        chosen += [int(row) for row in rows[columns]]
    return _hold_out(pairs, chosen)


def overlap_pearson(pairs: "Dataset") -> float:
    """Pearson's r of character-bigram overlap with the label, -1 to 1: how far counting gets one."""
    import numpy as np

    overlap = [bigram_overlap(a, b) for a, b in zip(pairs["sentence1"], pairs["sentence2"], strict=True)]
    return float(np.corrcoef(overlap, pairs["label"])[0, 1])


def bigram_overlap(sentence1: str, sentence2: str) -> float:
    """Jaccard overlap of two sentences' character bigrams, spaces left out, 0 to 1."""
    first, second = _bigrams(sentence1), _bigrams(sentence2)
    return len(first & second) / max(len(first | second), 1)


def _bigrams(sentence: str) -> set[str]:
    text = "".join(sentence.split())
    return {text[start : start + 2] for start in range(len(text) - 1)}


def _hold_out(pairs: "Dataset", chosen: list[int]) -> Split:
    """Split off the `chosen` rows and drop those that share a sentence with them."""
    sentence1, sentence2 = pairs["sentence1"], pairs["sentence2"]
    held = set(chosen)
    seen = Counter(sentence for row in chosen for sentence in (sentence1[row], sentence2[row]))
    rest = [row for row in range(len(pairs)) if row not in held]
    train = [row for row in rest if sentence1[row] not in seen and sentence2[row] not in seen]
    if len(train) < 2:
        raise DataError(
            f"holding out {len(chosen)} of {len(pairs)} pairs leaves {len(train)} to train on "
            f"({len(rest) - len(train)} share a sentence with the validation pairs); give more pairs, or hold out fewer"
        )
    return Split(pairs.select(train), pairs.select(sorted(chosen)), len(rest) - len(train))
