"""The kinds of FAISS index, behind one class, with the traps of each kept inside.

| kind | exact | memory for each of n vectors of d numbers | delete |
|---|---|---|---|
| flat | yes | 4 d bytes | yes |
| ivfflat | nearly | 4 d bytes and an id | yes |
| hnsw | nearly | 4 d bytes and 64 links | no: FAISS can't |
| ivfpq | by its candidates, which are measured again | d / 2 bytes and an id | yes |
"""

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

from sts.errors import UsageError

if TYPE_CHECKING:
    import numpy as np

Kind = Literal["flat", "ivfflat", "hnsw", "ivfpq"]
KINDS: tuple[Kind, ...] = get_args(Kind)
# below, an exact search takes milliseconds; above, ivfflat finds nearly the same far faster (scripts/bench_search.py)
FLAT_BELOW = 50_000
# below, vectors of 384 numbers fit into 8 GB
IVFFLAT_BELOW = 5_000_000
# vectors to learn each centroid from: FAISS warns below 39
PER_CENTROID = 40
# k-means cannot make 256 centroids of fewer vectors
PQ_CENTROIDS = 256
HNSW_LINKS = 32
HNSW_CONSTRUCTION = 80


def choose_kind(rows: int) -> tuple[Kind, str]:
    """The kind for so many sentences, and why."""
    if rows < FLAT_BELOW:
        return "flat", f"{rows:,} sentences are fewer than {FLAT_BELOW:,}: exact search is fast enough"
    if rows < IVFFLAT_BELOW:
        return (
            "ivfflat",
            f"{rows:,} sentences are {FLAT_BELOW:,} or more: nearly exact, much faster, rows can be deleted",
        )
    return "ivfpq", f"{rows:,} sentences are {IVFFLAT_BELOW:,} or more: compressed, so that they fit into memory"


def training_rows(kind: Kind, rows: int) -> int:
    """How many of so many vectors a kind learns its cells from."""
    if kind not in ("ivfflat", "ivfpq"):
        return 0
    return min(rows, max(PER_CENTROID * _cells(rows), PER_CENTROID * PQ_CENTROIDS if kind == "ivfpq" else 0))


def check_kind(kind: Kind, rows: int, dimension: int) -> None:
    """Check that a kind can hold such vectors.

    Raises:
        UsageError: too few rows, or a number of dimensions that can't be halved.
    """
    if kind == "ivfpq" and rows < PQ_CENTROIDS:
        raise UsageError(f"--kind ivfpq needs {PQ_CENTROIDS} sentences or more to learn from; there are {rows}")
    if kind == "ivfpq" and dimension % 2:
        raise UsageError(f"--kind ivfpq needs an even number of dimensions; the model's vectors have {dimension}")


class VectorIndex:
    """A FAISS index of vectors of unit length under row numbers, by inner product.

    Args:
        kind: one of `KINDS`.
        index: FAISS's own, of that kind.
    """

    def __init__(self, kind: Kind, index: Any) -> None:
        self.kind = kind
        self.index = index

    @classmethod
    def new(cls, kind: Kind, dimension: int, rows: int, sample: "np.ndarray") -> "VectorIndex":
        """An empty index.

        Args:
            kind: one of `KINDS`.
            dimension: numbers of a vector.
            rows: vectors that will be added.
            sample: vectors (`training_rows`, dimension) to learn from; empty for kinds that do not learn.
        """
        faiss: Any = _faiss()
        if kind == "flat":
            return cls(kind, faiss.IndexIDMap2(faiss.IndexFlatIP(dimension)))
        if kind == "hnsw":
            index = faiss.IndexHNSWFlat(dimension, HNSW_LINKS, faiss.METRIC_INNER_PRODUCT)
            index.hnsw.efConstruction = HNSW_CONSTRUCTION
            return cls(kind, index)
        coarse = faiss.IndexFlatIP(dimension)
        if kind == "ivfflat":
            index = faiss.IndexIVFFlat(coarse, dimension, _cells(rows), faiss.METRIC_INNER_PRODUCT)
        else:
            index = faiss.IndexIVFPQ(coarse, dimension, _cells(rows), dimension // 2, 8, faiss.METRIC_INNER_PRODUCT)
            index.pq.cp.min_points_per_centroid = 1  # fewer than its 39 are worth no warning
        index.cp.min_points_per_centroid = 1
        index.train(sample)
        # IVF keeps ids itself; an IDMap around it would lose step with deletions
        index.set_direct_map_type(faiss.DirectMap.Hashtable)
        return cls(kind, index)

    @classmethod
    def read(cls, kind: Kind, path: Path) -> "VectorIndex":
        """What `write` wrote."""
        import faiss

        return cls(kind, faiss.read_index(str(path)))

    def write(self, path: Path) -> None:
        """Write FAISS's file; whoever calls it makes sure that no one sees half of it."""
        import faiss

        faiss.write_index(self.index, str(path))

    def add(self, vectors: "np.ndarray", rows: "np.ndarray") -> None:
        """Add vectors (n, d) under row numbers (n,), none of which may be there: FAISS does not check."""
        import numpy as np

        if self.kind == "hnsw":  # its ids are positions
            if not np.array_equal(rows, np.arange(self.index.ntotal, self.index.ntotal + len(rows))):
                raise ValueError(f"row {rows[0]} can't be added to an hnsw index of {self.index.ntotal} rows")
            self.index.add(vectors)
        else:
            self.index.add_with_ids(vectors, rows)

    def remove(self, rows: "np.ndarray") -> None:
        """Remove rows; those that are not there are passed over.

        Raises:
            UsageError: the kind can't remove.
        """
        import numpy as np

        if len(rows):
            check_removable(self.kind)
            self.index.remove_ids(np.ascontiguousarray(rows, dtype=np.int64))

    def search(
        self, queries: "np.ndarray", count: int, breadth: int, allowed: "np.ndarray | None" = None
    ) -> "np.ndarray":
        """Row numbers (m, count) of the nearest rows of m queries (m, d), best first, -1 where there are no more.

        Args:
            queries: of unit length.
            count: rows a query.
            breadth: cells (ivf) or candidates (hnsw) that are looked at; no meaning for flat.
            allowed: row numbers that may be found; None means all.
        """
        faiss: Any = _faiss()
        selector = None if allowed is None else faiss.IDSelectorBitmap(_bitmap(allowed))
        options = {} if selector is None else {"sel": selector}
        # given with each call: nprobe and efSearch on the index would be shared by all threads
        if self.kind == "flat":
            parameters = faiss.SearchParameters(**options) if options else None
        elif self.kind == "hnsw":
            parameters = faiss.SearchParametersHNSW(efSearch=max(breadth, count), **options)
        else:
            parameters = faiss.SearchParametersIVF(nprobe=min(breadth, self.index.nlist), **options)
        return self.index.search(queries, count, params=parameters)[1]

    def within(self, queries: "np.ndarray", cosine: float, breadth: int) -> "tuple[np.ndarray, np.ndarray]":
        """For an ivf kind: which rows have at least this cosine with which query.

        Returns:
            The query's number (p,) and the row (p,) of each pair found.
        """
        import numpy as np

        faiss: Any = _faiss()
        parameters = faiss.SearchParametersIVF(nprobe=min(breadth, self.index.nlist))
        limits, _, rows = self.index.range_search(queries, cosine, params=parameters)
        return np.repeat(np.arange(len(queries)), np.diff(limits.astype(np.int64))), rows

    @property
    def widest(self) -> int:
        """The breadth at which nothing is left out (ivf), or beyond which it is not worth while (hnsw)."""
        return int(self.index.nlist) if self.kind in ("ivfflat", "ivfpq") else 1024


def check_removable(kind: Kind) -> None:
    """Check that a kind of index can lose rows.

    Raises:
        UsageError: it is hnsw.
    """
    if kind == "hnsw":
        raise UsageError(
            "an index of kind hnsw can't delete or replace sentences; build one of kind ivfflat, or build it again"
        )


def _faiss() -> Any:
    """FAISS, whose types its stubs tell only in part."""
    import faiss

    return faiss


def _cells(rows: int) -> int:
    """Cells of an inverted file: 4 times the square root, as FAISS's guidelines have it, and enough rows for each."""
    return max(1, min(round(4 * math.sqrt(rows)), rows // PER_CENTROID))


def _bitmap(rows: "np.ndarray") -> "np.ndarray":
    import numpy as np

    bits = np.zeros(int(rows.max(initial=0)) + 1, dtype=bool)
    bits[rows] = True
    return np.packbits(bits, bitorder="little")
