"""How much of what an exact search finds an index finds, and how far it must look for that."""

from typing import TYPE_CHECKING

from sts.search.kinds import VectorIndex
from sts.search.rank import nearest

if TYPE_CHECKING:
    import numpy as np

TOP_K = 10
QUERIES = 500
# the breadth is doubled until the recall reaches this
ENOUGH = 0.97
# vectors that are multiplied at once
CHUNK_ROWS = 65_536


def choose_breadth(index: VectorIndex, vectors: "np.ndarray", *, seed: int) -> tuple[int, float]:
    """The smallest breadth, a power of 2, with which an index finds nearly all, and its recall@10.

    Queries are up to 500 of the vectors, drawn by chance, each without itself.

    Args:
        index: holds all of the vectors.
        vectors: (n, d), of unit length.
        seed: draws the queries.
    """
    import numpy as np

    if index.kind == "flat":
        return 1, 1.0
    drawn = np.sort(np.random.default_rng(seed).permutation(len(vectors))[:QUERIES])
    queries = np.ascontiguousarray(vectors[drawn])
    truth = exact_neighbours(vectors, queries, drawn, TOP_K)
    breadth = 1
    while True:
        recall = recall_at(index, vectors, queries, drawn, truth, breadth)
        if recall >= ENOUGH or breadth >= index.widest:
            return breadth, recall
        breadth *= 2


def recall_at(
    index: VectorIndex,
    vectors: "np.ndarray",
    queries: "np.ndarray",
    own: "np.ndarray",
    truth: "np.ndarray",
    breadth: int,
) -> float:
    """The mean share of the true neighbours (m, k) that an index finds for queries (m, d), the rows `own` (m,) apart.

    A row as near as the last true neighbour counts as one: of equal rows, it does not matter which are found.
    """
    import numpy as np

    count = truth.shape[1]
    found = nearest(index, vectors, queries, count + 1, breadth=breadth, live=len(vectors))
    shares = []
    for query, (rows, cosines), true, row in zip(queries, found, truth, own, strict=True):
        limit = float((vectors[true] @ query).min()) - 1e-6
        good = cosines[rows != row][:count] >= limit
        shares.append(min(1.0, good.sum() / max(1, len(true))))
    return float(np.mean(shares))


def exact_neighbours(vectors: "np.ndarray", queries: "np.ndarray", own: "np.ndarray", count: int) -> "np.ndarray":
    """Row numbers (m, k) of the nearest of all vectors (n, d) to queries (m, d), the rows `own` (m,) apart."""
    import numpy as np

    count = min(count, len(vectors) - 1)
    best = np.zeros((len(queries), 0), np.float32)
    rows = np.zeros((len(queries), 0), np.int64)
    for start in range(0, len(vectors), CHUNK_ROWS):
        chunk = vectors[start : start + CHUNK_ROWS]
        cosines = queries @ chunk.T
        inside = (own >= start) & (own < start + len(chunk))
        cosines[np.flatnonzero(inside), own[inside] - start] = -np.inf
        numbers = np.broadcast_to(np.arange(start, start + len(chunk)), cosines.shape)
        best, rows = np.concatenate([best, cosines], axis=1), np.concatenate([rows, numbers], axis=1)
        if best.shape[1] > count:
            kept = np.argpartition(-best, count - 1, axis=1)[:, :count] if count else np.zeros((len(best), 0), int)
            best, rows = np.take_along_axis(best, kept, axis=1), np.take_along_axis(rows, kept, axis=1)
    return rows
