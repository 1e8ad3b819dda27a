"""Pairs of sentences within a collection that mean nearly the same."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sts.errors import UsageError
from sts.search.kinds import VectorIndex, training_rows

if TYPE_CHECKING:
    import numpy as np

SEED = 42
# so few rows are compared each with each
ALL_PAIRS_BELOW = 10_000
QUERIES = 1024
# how far a compressed vector's cosine may be off
SLACK = 0.05
# 16 bytes each; more are a threshold that is too low
MAX_PAIRS = 20_000_000


@dataclass(frozen=True)
class NearPairs:
    """Pairs of rows, the most similar first.

    Attributes:
        a, b: row numbers (p,), a < b.
        cosines: float32 (p,).
    """

    a: "np.ndarray"
    b: "np.ndarray"
    cosines: "np.ndarray"


def near_pairs(
    index: VectorIndex,
    vectors: "np.ndarray",
    live: "np.ndarray",
    cosine: float,
    *,
    breadth: int,
    say: Callable[[str], None],
) -> NearPairs:
    """The pairs of rows with at least this cosine: all of them below 10,000 rows, nearly all above.

    Below 10,000 rows each is compared with each. Above, a row is compared with those of the cells of an inverted
    file that are nearest to it: the index's own, as many as a search looks at, or one that is made for the purpose,
    the square root of its cells. A pair is missed only if neither row's cells hold the other. Cosines are exact.

    Args:
        index: the collection's.
        vectors: those of all rows ever written (n, d).
        live: rising row numbers of the sentences there are.
        cosine: at least, -1 to 1.
        breadth: cells that the index looks at in a search.
        say: prints a line.

    Raises:
        UsageError: there are more than 20 million such pairs.
    """
    import numpy as np
    from tqdm import tqdm

    if not len(live):
        return NearPairs(live, live, np.zeros(0, dtype=np.float32))
    find, rows = _finder(index, vectors, live, cosine, breadth, say)
    parts: list[Any] = []
    total = 0
    with tqdm(total=len(rows), unit="sentence", desc="comparing", disable=None) as bar:
        for start in range(0, len(rows), QUERIES):
            block = rows[start : start + QUERIES]
            first, second = find(block)
            known = np.isin(second, rows)  # the index may hold more rows than are to be compared
            first, second = first[known], second[known]
            pairs = np.unique(np.sort(np.stack([first, second], axis=1)[first != second], axis=1), axis=0)
            found = np.concatenate(
                [
                    (vectors[part[:, 0]] * vectors[part[:, 1]]).sum(axis=1)
                    for part in np.array_split(pairs, max(1, len(pairs) // QUERIES))
                ]
            )
            good = found >= cosine
            parts.append((pairs[good], found[good]))
            total += int(good.sum())
            if total > MAX_PAIRS:
                raise UsageError(f"--threshold: more than {MAX_PAIRS:,} pairs are this similar; raise it")
            bar.update(len(block))
    # a pair is found from either side
    pairs, place = np.unique(np.concatenate([part for part, _ in parts]), axis=0, return_index=True)
    cosines = np.concatenate([found for _, found in parts])[place]
    order = np.lexsort((pairs[:, 1], pairs[:, 0], -cosines))
    return NearPairs(pairs[order, 0], pairs[order, 1], cosines[order])


def _finder(
    index: VectorIndex,
    vectors: "np.ndarray",
    live: "np.ndarray",
    cosine: float,
    breadth: int,
    say: Callable[[str], None],
) -> "tuple[Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]], np.ndarray]":
    """What finds, for a block of rows, pairs of rows that may be near; and the rows to ask it for."""
    import numpy as np

    if len(live) < ALL_PAIRS_BELOW:
        kept = np.ascontiguousarray(vectors[live])

        def each_with_each(block: "np.ndarray") -> "tuple[np.ndarray, np.ndarray]":
            query, row = np.nonzero(vectors[block] @ kept.T >= cosine)
            return block[query], live[row]

        return each_with_each, live
    if index.kind not in ("ivfflat", "ivfpq"):
        say(f"grouping {len(live):,} sentences into cells")
        sample = np.random.default_rng(SEED).permutation(live)[: training_rows("ivfflat", len(live))]
        index = VectorIndex.new("ivfflat", vectors.shape[1], len(live), vectors[np.sort(sample)])
        for start in range(0, len(live), QUERIES):
            index.add(vectors[live[start : start + QUERIES]], live[start : start + QUERIES])
        breadth = max(1, math.isqrt(index.widest))
    limit = cosine - SLACK if index.kind == "ivfpq" else cosine - 1e-6

    def in_cells(block: "np.ndarray") -> "tuple[np.ndarray, np.ndarray]":
        query, row = index.within(np.ascontiguousarray(vectors[block]), limit, breadth)
        return block[query], row

    return in_cells, live
