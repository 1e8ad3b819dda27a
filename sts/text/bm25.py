"""BM25 over morphemes: which sentences of a collection share rare words with a sentence."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from sts.text.morphemes import Morphemes
from sts.text.tags import ORIGINAL_DROPPED_TAGS, TAGS

if TYPE_CHECKING:
    import numpy as np

# particles, endings and the like, and all symbols but letters and numerals
DROPPED_TAGS = tuple(sorted(ORIGINAL_DROPPED_TAGS | {tag for tag in TAGS if tag[0] == "S"} - {"SL", "SH", "SN"}))
# queries whose scores over the whole collection are held at once
BATCH = 2048


class Bm25:
    """A collection of n sentences, indexed by their morphemes (Kiwi's, without particles, endings and punctuation).

    Args:
        sentences: the collection. Scores are those of Lucene's BM25 (Kamphuis et al. 2020) with its
            usual k1 = 1.5 and b = 0.75, as bm25s computes them.
    """

    def __init__(self, sentences: Sequence[str]) -> None:
        import bm25s

        self._words = Morphemes("kiwi", DROPPED_TAGS)
        self._size = len(sentences)
        self._index = bm25s.BM25(method="lucene")
        self._index.index(self._morphemes(sentences), show_progress=False)

    def _morphemes(self, sentences: Sequence[str]) -> list[list[str]]:
        return [line.split() for line in self._words.apply(sentences)]

    def search(self, queries: Sequence[str], top_k: int) -> tuple["np.ndarray", "np.ndarray"]:
        """The best rows of the collection for each of m queries.

        Args:
            queries: m sentences.
            top_k: rows a query; no more than the collection has.

        Returns:
            Row numbers (m, top_k), the best first, and their scores (m, top_k), float32; 0 where a row has no
            morpheme in common with the query.
        """
        import numpy as np

        top_k = min(top_k, self._size)
        rows, scores = [np.zeros((0, top_k), dtype=np.int64)], [np.zeros((0, top_k), dtype=np.float32)]
        for start in range(0, len(queries), BATCH):
            tokens = self._morphemes(queries[start : start + BATCH])
            found = self._index.retrieve(tokens, k=top_k, show_progress=False)
            rows.append(found.documents)
            scores.append(found.scores)
        return np.concatenate(rows), np.concatenate(scores)
