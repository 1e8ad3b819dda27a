"""Sentences of an index that its model can't read, whose vectors say little of them."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

from sts.errors import UsageError
from sts.models.coverage import TOO_MUCH, Coverage, claims
from sts.search.duplicates import MAX_PAIRS, NearPairs
from sts.search.index import Embedder
from sts.search.store import Store
from sts.text.form import composed

if TYPE_CHECKING:
    import numpy as np

CHUNK = 4096


@dataclass(frozen=True)
class Unread:
    """What a model can't read of an index's sentences.

    Attributes:
        coverage: of the sentences that it does not know whole, by row.
        rows: rising row numbers of those of which it missed more than it read; only the same text is like them.
        same: pairs of these rows that have the same text.
    """

    coverage: dict[int, Coverage]
    rows: "np.ndarray"
    same: list[tuple[int, int]]


def find_unread(store: Store, model: Embedder, live: "np.ndarray", progress: Callable[[int], object]) -> Unread:
    """Look at the texts of an index.

    Args:
        store: the index's.
        model: that it was built with.
        live: rising row numbers of the sentences there are.
        progress: called with the number of sentences that were looked at since the last call.

    Raises:
        UsageError: more pairs have the same text than can be listed.
    """
    import numpy as np

    coverage: dict[int, Coverage] = {}
    texts: dict[str, list[int]] = defaultdict(list)
    for start in range(0, len(live), CHUNK):
        rows = live[start : start + CHUNK].tolist()
        stored = store.fetch(rows)
        for place, found in model.read([stored[row].sentence for row in rows]).items():
            coverage[rows[place]] = found
            if found.unknown > TOO_MUCH:
                texts[composed(stored[rows[place]].sentence)].append(rows[place])
        progress(len(rows))
    if sum(len(same) * (len(same) - 1) // 2 for same in texts.values()) > MAX_PAIRS:
        raise UsageError(
            f"more than {MAX_PAIRS:,} pairs of sentences that the model can't read have the same text; remove the "
            "copies"
        )
    unread = np.array(sorted(row for same in texts.values() for row in same), dtype=np.int64)
    return Unread(coverage, unread, sorted(pair for same in texts.values() for pair in combinations(same, 2)))


def with_claims(found: NearPairs, unread: Unread) -> tuple[NearPairs, int]:
    """Near pairs without those that are near by what was not read, and with those of unread sentences of the same text.

    Returns:
        The pairs, the most similar first, and how many were left out.
    """
    import numpy as np

    if not unread.coverage:
        return found, 0
    # a pair in which all was read of one sentence differs in more than what was missed of the other
    places = [
        place
        for place, (a, b) in enumerate(zip(found.a.tolist(), found.b.tolist(), strict=True))
        if a in unread.coverage and b in unread.coverage
    ]
    columns = [
        {number: unread.coverage[int(rows[place])] for number, place in enumerate(places)}
        for rows in (found.a, found.b)
    ]
    # which texts these are matters only where nothing is known to differ
    refused = claims([("a", "b")] * len(places), *columns).unread
    kept = np.ones(len(found.a), dtype=bool)
    kept[np.array(places, dtype=int)[refused]] = False
    a, b = (np.array([pair[side] for pair in unread.same], dtype=found.a.dtype) for side in (0, 1))
    a, b = np.concatenate([a, found.a[kept]]), np.concatenate([b, found.b[kept]])
    cosines = np.concatenate([np.ones(len(unread.same), dtype=found.cosines.dtype), found.cosines[kept]])
    order = np.lexsort((b, a, -cosines))
    return NearPairs(a[order], b[order], cosines[order]), int((~kept).sum())


def readable(live: "np.ndarray", unread: Unread) -> "np.ndarray":
    """The rows of `live` whose vectors say what their sentences mean."""
    import numpy as np

    return live[~np.isin(live, unread.rows, assume_unique=True)] if len(unread.rows) else live
