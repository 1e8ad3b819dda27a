"""From queries to rows: candidates from FAISS, or all rows that a filter leaves, and their exact cosines."""

from typing import TYPE_CHECKING

from sts.search.kinds import VectorIndex

if TYPE_CHECKING:
    import numpy as np

    Ranked = tuple[np.ndarray, np.ndarray]

# so few rows that a filter leaves are measured one by one, which is fast and exact
EXACT_ROWS = 20_000
# candidates beyond those wanted, so that equal cosines can be put in the order of their ids
SPARE = 16
# candidates for each row wanted, where vectors are compressed
REFINE = 8
# cosines that differ by less are equal: the same sentence, computed in another batch
DIGITS = 6
# rows whose vectors are read from disk at once
BLOCK_ROWS = 65_536


def nearest(
    index: VectorIndex,
    vectors: "np.ndarray",
    queries: "np.ndarray",
    count: int,
    *,
    breadth: int,
    live: int,
    allowed: "np.ndarray | None" = None,
) -> "list[Ranked]":
    """The nearest rows of each of m queries.

    Args:
        index: proposes candidates.
        vectors: those of all rows (n, d); cosines are measured on them, so that they are exact in every kind.
        queries: (m, d), of unit length.
        count: rows wanted for each query, 1 or more.
        breadth: see `VectorIndex.search`.
        live: rows that the index holds.
        allowed: rising row numbers that may be found; None means all.

    Returns:
        For each query, row numbers and cosines (k,), the best first: all candidates, `count` of them or more unless
        fewer are there, and among them all that tie with the last one wanted.
    """
    available = live if allowed is None else len(allowed)
    if allowed is not None and available <= EXACT_ROWS:
        return [exact(vectors, query, count, allowed) for query in queries]
    want = min(available, (count + SPARE) * (REFINE if index.kind == "ivfpq" else 1))
    found = index.search(queries, want, breadth, allowed)
    return [
        _measured(index, vectors, query, count, rows, breadth, available, allowed)
        for query, rows in zip(queries, found, strict=True)
    ]


def exact(vectors: "np.ndarray", query: "np.ndarray", count: int, rows: "np.ndarray") -> "Ranked":
    """The `count` nearest of these rows to one query, and all that tie with the last of them."""
    import numpy as np

    kept, cosines = rows[:0], np.zeros(0, np.float32)
    for start in range(0, len(rows), BLOCK_ROWS):
        block = rows[start : start + BLOCK_ROWS]
        kept = np.concatenate([kept, block])
        cosines = np.concatenate([cosines, vectors[block] @ query])
        if len(kept) > count:
            limit = np.round(np.partition(cosines, -count)[-count], DIGITS)
            good = np.round(cosines, DIGITS) >= limit
            kept, cosines = kept[good], cosines[good]
    return _sorted(kept, cosines)


def _measured(
    index: VectorIndex,
    vectors: "np.ndarray",
    query: "np.ndarray",
    count: int,
    rows: "np.ndarray",
    breadth: int,
    available: int,
    allowed: "np.ndarray | None",
) -> "Ranked":
    """The candidates of one query with their cosines; more are looked for where they do not suffice."""
    rows = rows[rows >= 0]  # FAISS fills up with -1
    while True:
        if len(rows) < min(count, available):
            if allowed is not None:
                return exact(vectors, query, count, allowed)
            rows = _again(index, query, min(available, max(count, 2 * len(rows)) + SPARE), index.widest, allowed)
        ranked = _sorted(rows, vectors[rows] @ query)
        if len(rows) >= available or len(rows) <= count or not _tied(ranked[1], count):
            return ranked
        more = _again(index, query, min(available, 4 * len(rows)), breadth, allowed)
        if len(more) <= len(rows):
            return ranked
        rows = more


def _again(
    index: VectorIndex, query: "np.ndarray", count: int, breadth: int, allowed: "np.ndarray | None"
) -> "np.ndarray":
    rows = index.search(query[None], count, breadth, allowed)[0]
    return rows[rows >= 0]


def _tied(cosines: "np.ndarray", count: int) -> bool:
    """Whether the last candidate is as near as the last one wanted, so that there may be more of them."""
    return bool(round(float(cosines[-1]), DIGITS) == round(float(cosines[count - 1]), DIGITS))


def _sorted(rows: "np.ndarray", cosines: "np.ndarray") -> "Ranked":
    import numpy as np

    order = np.argsort(-cosines, kind="stable")
    return rows[order], cosines[order]
