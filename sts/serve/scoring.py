"""The models as requests use them: tokenised in the request's thread, computed in batches, remembered.

Scores do not depend on the request that asked for them, but for what a batch's company changes in bf16; see the
README.
"""

import hashlib
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cachetools import LRUCache

from sts.models.alignment import COMMON, Link, Words, center_of, link_words, split_words, word_vectors
from sts.models.coverage import Claims, Coverage, claims
from sts.serve.batcher import Batcher
from sts.text.form import composed

if TYPE_CHECKING:
    import numpy as np

    from sts.models import BiScorer, Calibration, CrossScorer, Encoded, Scored, ScorerInfo
    from sts.models.batches import Lanes, Tokenized

# pairs that are tokenised at once, so that a long request lets others tokenise in between
CHUNK = 64


@dataclass(frozen=True)
class Result:
    """What a network made of a sentence or pair.

    Attributes:
        value: a score from 0 to 5, or a vector (dimension,) of length 1.
        tokens: tokens before cutting.
        truncated: whether it was longer than the model and was cut.
        left_as_is: whether the text pipeline would have left nothing of a sentence.
        unknown: the share of the text that the vocabulary does not know, 0 to 1; see `sts.models.coverage`.
        unread: of a pair, whether too little was read to call it similar.
        coverage: of a sentence, what was read and what was not; None where all was.
    """

    value: Any
    tokens: int
    truncated: bool
    left_as_is: bool
    unknown: float = 0.0
    unread: bool = False
    coverage: Coverage | None = None


class _Batched(ABC):
    """A network behind the queue; `sts.serve.batcher.Work`.

    Args:
        network: the scorer.
        folder: where it came from; the API calls it by its name.
        batcher: the queue.
        cache_size: results that are remembered.
        count: called with (tokens, hits, misses) of each request.
    """

    def __init__(
        self, network: Any, folder: Path, batcher: Batcher, cache_size: int, count: Callable[[int, int, int], None]
    ) -> None:
        self.network = network
        self.folder = folder
        self.name = folder.resolve().name
        self.info: ScorerInfo = network.info
        self.fingerprint: str = network.fingerprint
        self._batcher = batcher
        self._count = count
        self._cache: LRUCache[bytes, Result] | None = LRUCache(cache_size) if cache_size else None
        self._cache_lock = threading.Lock()
        self._states = _States(network)

    @property
    def version(self) -> str:
        """Changes with the weights and settings."""
        return self.fingerprint[:12]

    def results(self, *columns: Sequence[str]) -> list[Result]:
        """Results of n sentences, or of n pairs, in their order; each is computed once.

        Args:
            columns: one list of n sentences, or two.

        Raises:
            ServeError: see `Batcher.submit`.
        """
        rows = [tuple(map(composed, row)) for row in zip(*columns, strict=True)]
        keys = [self._key(row) for row in rows]
        known = self._known(keys)
        missing = list({key: row for key, row in zip(keys, rows, strict=True) if key not in known}.items())
        self._batcher.check_room(len(missing))
        items = [
            item for start in range(0, len(missing), CHUNK) for item in self._items(missing[start : start + CHUNK])
        ]
        values = self._batcher.submit(self, [item.rows for item in items])
        for (key, _), item, value in zip(missing, items, values, strict=True):
            known[key] = item.result(value)
        if self._cache is not None:
            with self._cache_lock:
                for key, _ in missing:
                    self._cache[key] = known[key]
        self._count(sum(item.tokens for item in items), len(rows) - len(missing), len(missing))
        return [known[key] for key in keys]

    def align(self, sentence1: str, sentence2: str) -> tuple[Words, Words, list[Link]]:
        """The words of two sentences, and which of them go together; see `sts.models.alignment`.

        Raises:
            ServeError: see `Batcher.submit`.
        """
        words = split_words(self.network.runtime, [sentence1, sentence2], self.info.max_length)
        vectors1, vectors2 = self._batcher.submit(self._states, words)
        if self._states.center is None:
            self._states.center = self._center()
        return words[0], words[1], link_words(vectors1, vectors2, self._states.center)

    def _center(self) -> "np.ndarray":
        # by the queue, as all else: more threads that compute than cores slow each other down
        words = split_words(self.network.runtime, COMMON, self.info.max_length)
        return center_of(self._batcher.submit(self._states, words))

    @property
    def lanes(self) -> "Lanes":
        """See `Work`."""
        return self.network.runtime.lanes

    def length(self, item: list[dict[str, list[int]]]) -> int:
        """See `Work`."""
        return sum(len(row["input_ids"]) for row in item)

    def compute(self, items: Sequence[list[dict[str, list[int]]]], *, alone: bool) -> list[Any]:
        """Values of items, each of one row of tokens or two; see `Work`.

        Raises:
            FloatingPointError: a value is not finite.
        """
        import numpy as np

        # all first rows, then all second ones: as the network's `combine` expects them
        rows = [item[order] for order in range(len(items[0])) for item in items]
        tokens = {name: [row[name] for row in rows] for name in rows[0]}
        values = self._finished(self.network.compute(tokens, alone=alone))
        if not np.isfinite(values).all():
            raise FloatingPointError("the model's output is not finite")
        return list(values)

    @abstractmethod
    def _finished(self, found: "np.ndarray") -> "np.ndarray":
        """Values (n, …) of items, of what the network gave for their rows."""

    def _tokenized(self, rows: Sequence[tuple[str, ...]]) -> "Tokenized":
        return self.network.tokenize(*(list(column) for column in zip(*rows, strict=True)))

    def _items(self, missing: Sequence[tuple[bytes, tuple[str, ...]]]) -> list["_Item"]:
        found = self._tokenized([row for _, row in missing])
        count = len(missing)
        orders = len(found.tokens["input_ids"]) // count
        return [
            _Item(
                [
                    {name: column[order * count + place] for name, column in found.tokens.items()}
                    for order in range(orders)
                ],
                int(found.lengths[place]),
                bool(found.truncated[place]),
                bool(found.left_as_is[place]),
                **self._covered(found, place),
            )
            for place in range(count)
        ]

    @abstractmethod
    def _covered(self, found: "Tokenized", place: int) -> dict[str, Any]:
        """What an item says of what was not read of it."""

    def _key(self, row: tuple[str, ...]) -> bytes:
        # a digest, so that long sentences do not fill the memory; the order counts only where the score minds it
        texts = row if self.info.orders == "one" else tuple(sorted(row))
        digest = hashlib.blake2b(digest_size=16)
        for text in texts:
            encoded = text.encode("utf-8", "surrogatepass")
            digest.update(len(encoded).to_bytes(8, "little") + encoded)
        return digest.digest()

    def _known(self, keys: Sequence[bytes]) -> dict[bytes, Result]:
        if self._cache is None:
            return {}
        with self._cache_lock:
            return {key: found for key in keys if (found := self._cache.get(key)) is not None}


@dataclass(frozen=True)
class _Item:
    """A sentence or pair, tokenised: its rows, one for each order that it is scored in."""

    rows: list[dict[str, list[int]]]
    tokens: int
    truncated: bool
    left_as_is: bool
    unknown: float = 0.0
    unread: bool = False
    coverage: Coverage | None = None
    fixed: float | None = None

    def result(self, value: Any) -> Result:
        """What comes of it, given what the network made of its rows."""
        value = value if self.fixed is None else self.fixed
        return Result(value, self.tokens, self.truncated, self.left_as_is, self.unknown, self.unread, self.coverage)


class _States:
    """A network's vectors of words; `sts.serve.batcher.Work`.

    Args:
        scorer: whose network it is.
    """

    def __init__(self, scorer: Any) -> None:
        self.scorer = scorer
        self.center: np.ndarray | None = None

    @property
    def lanes(self) -> "Lanes":
        """See `Work`."""
        return self.scorer.runtime.lanes

    def length(self, item: Words) -> int:
        """See `Work`."""
        return len(item.tokens["input_ids"])

    def compute(self, items: Sequence[Words], *, alone: bool) -> list[Any]:
        """Vectors (words, hidden) of each sentence's words."""
        return list(word_vectors(self.scorer.runtime, items, alone=alone))


class BatchedCross(_Batched):
    """A cross-encoder behind the queue; a `sts.models.Scorer`."""

    network: "CrossScorer"

    def pairs(self, sentence1: Sequence[str], sentence2: Sequence[str]) -> list[Result]:
        """Scores of n pairs."""
        return self.results(sentence1, sentence2)

    def score(
        self, sentence1: Sequence[str], sentence2: Sequence[str], *, batch_size: int = 0, progress: bool = False
    ) -> "Scored":
        """As every scorer does; the queue decides the batches."""
        return _scored(self.pairs(sentence1, sentence2))

    def _finished(self, found: "np.ndarray") -> "np.ndarray":
        return self.network.combine(found)

    def _covered(self, found: "Tokenized", place: int) -> dict[str, Any]:
        claimed: Claims = found.coverage
        return {
            "unknown": float(claimed.unknown[place]),
            "unread": bool(claimed.unread[place]),
            "fixed": claimed.fixed.get(place),
        }


class BatchedBi(_Batched):
    """A bi-encoder behind the queue; a `sts.models.Scorer` and a `sts.search.index.Embedder`."""

    network: "BiScorer"

    @property
    def dimension(self) -> int:
        """Numbers of a vector."""
        return self.network.dimension

    @property
    def calibration(self) -> "Calibration":
        """From cosine to score."""
        return self.network.calibration

    def vectors(self, sentences: Sequence[str]) -> list[Result]:
        """Vectors of n sentences."""
        return self.results(sentences)

    def encode(self, sentences: Sequence[str], *, batch_size: int = 0, progress: bool = False) -> "Encoded":
        """As every encoder does; the queue decides the batches."""
        import numpy as np

        from sts.models import Encoded

        found = self.vectors(sentences)
        vectors = np.array([each.value for each in found], dtype=np.float32).reshape(len(found), self.dimension)
        return Encoded(
            vectors,
            np.array([each.truncated for each in found], dtype=bool),
            np.array([each.left_as_is for each in found], dtype=bool),
            _coverages(found),
        )

    def read(self, sentences: Sequence[str]) -> dict[int, Coverage]:
        """See `BiScorer.read`; nothing is computed for it."""
        return self.network.read(sentences)

    def pairs(self, sentence1: Sequence[str], sentence2: Sequence[str]) -> list[Result]:
        """Scores of n pairs."""
        found = self.vectors([*sentence1, *sentence2])
        half = len(sentence1)
        joined = list(zip(found[:half], found[half:], strict=True))
        texts = [(composed(a), composed(b)) for a, b in zip(sentence1, sentence2, strict=True)]
        claimed = claims(texts, _coverages(found[:half]), _coverages(found[half:]))
        scores = claimed.apply(self.calibration.scores([float(a.value @ b.value) for a, b in joined])).tolist()
        return [
            Result(
                score,
                max(a.tokens, b.tokens),
                a.truncated or b.truncated,
                a.left_as_is or b.left_as_is,
                float(claimed.unknown[place]),
                bool(claimed.unread[place]),
            )
            for place, (score, (a, b)) in enumerate(zip(scores, joined, strict=True))
        ]

    def score(
        self, sentence1: Sequence[str], sentence2: Sequence[str], *, batch_size: int = 0, progress: bool = False
    ) -> "Scored":
        """As every scorer does; the queue decides the batches."""
        return _scored(self.pairs(sentence1, sentence2))

    def _finished(self, found: "np.ndarray") -> "np.ndarray":
        return found

    def _covered(self, found: "Tokenized", place: int) -> dict[str, Any]:
        coverage = found.coverage.get(place)
        return {} if coverage is None else {"unknown": coverage.unknown, "coverage": coverage}


def _coverages(found: Sequence[Result]) -> dict[int, Coverage]:
    return {place: each.coverage for place, each in enumerate(found) if each.coverage is not None}


def _scored(found: Sequence[Result]) -> "Scored":
    import numpy as np

    from sts.models import Scored

    return Scored(
        np.array([each.value for each in found], dtype=np.float32),
        np.array([each.truncated for each in found], dtype=bool),
        np.array([each.left_as_is for each in found], dtype=bool),
        np.array([each.unknown for each in found], dtype=np.float32),
        np.array([each.unread for each in found], dtype=bool),
    )
