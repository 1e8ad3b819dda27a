"""Searching an index of sentences."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, Self

from sts.bundled import scorer_folder
from sts.errors import SearchError, UsageError
from sts.models.precision import ScoringPrecision
from sts.models.runtime import Backend
from sts.search.kinds import VectorIndex
from sts.search.rank import DIGITS, nearest
from sts.search.store import State, Store, Stored
from sts.search.where import condition
from sts.text.form import composed

if TYPE_CHECKING:
    import numpy as np

    from sts.models import Calibration, Encoded, Scorer
    from sts.models.coverage import Coverage

MAX_TOP_K = 1000
# rows a text that are looked at for distinct sentences; more are copies of few
MAX_LOOKED_AT = 20_000


class Embedder(Protocol):
    """Whatever makes vectors of sentences, as `BiScorer` does."""

    @property
    def dimension(self) -> int:
        """Numbers of a vector."""
        ...

    @property
    def calibration(self) -> "Calibration":
        """From cosine to score."""
        ...

    @property
    def fingerprint(self) -> str:
        """Tells this model from any other."""
        ...

    def encode(self, sentences: Sequence[str], *, batch_size: int = 64, progress: bool = False) -> "Encoded":
        """Vectors of unit length."""
        ...

    def read(self, sentences: Sequence[str]) -> "dict[int, Coverage]":
        """What was read and what was not of those of n sentences that the vocabulary does not know whole, by place."""
        ...


@dataclass(frozen=True)
class Hit:
    """A sentence that was found.

    Attributes:
        id: what the user calls it.
        sentence: its text.
        metadata: its further columns.
        cosine: of its vector with the query's, -1 to 1.
        score: 0 to 5; calibrated from the cosine, or the reranker's.
        unknown: the share of the text that the model does not know, of the query or the sentence, whichever was read
            less, 0 to 1.
        unread: whether too little was read to call the two similar; see `sts.models.coverage`.
    """

    id: str
    sentence: str
    metadata: dict[str, Any]
    cosine: float
    score: float
    unknown: float = 0.0
    unread: bool = False


@dataclass(frozen=True)
class _View:
    """What is searched: the index and all vectors as one state of the folder has them."""

    state: State
    index: VectorIndex
    vectors: "np.ndarray"
    live: int


class SentenceIndex:
    """An index of sentences, open for searching.

    It follows the changes that writers make while it is open, and threads may share it.

    Args:
        folder: what `build` made.
        model: makes vectors of queries; must be the model that the index was built with.

    Raises:
        SearchError: the folder is no index, damaged, or was built with another model.
    """

    def __init__(self, folder: Path, model: Embedder) -> None:
        self.folder = folder
        self.model = model
        self._store = Store(folder)
        self._lock = threading.Lock()  # of the database's connection
        with self._store.reading() as state:
            check_model(folder, state, model)
            self._view = _load(self._store, state)

    @classmethod
    def open(cls, folder: Path, model: "Embedder | Path | None" = None) -> Self:
        """Open an index.

        Args:
            folder: what `build` made.
            model: the bi-encoder, or its folder; None means the folder that the index remembers.

        Raises:
            SearchError: as for the class.
            ScorerError: the model can't be loaded.
            UsageError: the model is no bi-encoder.
        """
        if model is None:
            model = scorer_folder(read_state(folder).model)
        return cls(folder, load_embedder(model, read_state(folder).dimension) if isinstance(model, Path) else model)

    def close(self) -> None:
        """Let go of the files."""
        self._store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __len__(self) -> int:
        return self._current().live

    @property
    def state(self) -> State:
        """What the index is, as its folder says now."""
        return self._current().state

    def search(
        self,
        texts: Sequence[str],
        top_k: int = 10,
        *,
        where: dict[str, Any] | None = None,
        reranker: "Scorer | None" = None,
        candidates: int = 50,
        distinct: bool = False,
    ) -> list[list[Hit]]:
        """The most similar sentences for each of m texts.

        Args:
            texts: m sentences.
            top_k: sentences a text, 1 to 1,000; there are fewer only where no more are left.
            where: metadata that a sentence must have, by name; see `sts.search.where`.
            reranker: scores the `candidates` best by cosine, and orders them by its scores.
            candidates: sentences a text that are reranked, `top_k` to 1,000.
            distinct: of sentences with the same text, find the first alone.

        Returns:
            For each text, hits by falling cosine, or by falling score with a reranker; ties in the order of ids.

        Raises:
            UsageError: a number out of range, or a filter that can't be one.
        """
        check_counts(top_k, candidates if reranker else None)
        if not texts:
            return []
        encoded = self.model.encode(texts)
        found = self.search_vectors(encoded.vectors, candidates if reranker else top_k, where=where, distinct=distinct)
        if reranker is not None:
            return _reranked(reranker, texts, found, top_k)
        return [
            _claimed(self.model, text, encoded.coverage.get(place), hits)
            for place, (text, hits) in enumerate(zip(texts, found, strict=True))
        ]

    def search_vectors(
        self,
        queries: "np.ndarray",
        top_k: int = 10,
        *,
        where: dict[str, Any] | None = None,
        distinct: bool = False,
    ) -> list[list[Hit]]:
        """As `search`, for vectors (m, dimension) of unit length; of what was not read of texts it knows nothing."""
        if distinct:
            return [self._distinct(query[None], top_k, where) for query in queries]
        return self._nearest(queries, top_k, where)

    def fields(self) -> list[str]:
        """The names of all metadata."""
        with self._lock, self._store.reading():
            return self._store.fields()

    def _distinct(self, query: "np.ndarray", top_k: int, where: dict[str, Any] | None) -> list[Hit]:
        """The nearest sentences of different texts: more and more are looked at until there are enough."""
        count = 2 * top_k
        while True:
            (hits,) = self._nearest(query, count, where)
            kept = list({composed(hit.sentence): hit for hit in reversed(hits)}.values())[::-1]
            if len(kept) >= top_k or len(hits) < count or count >= MAX_LOOKED_AT:
                return kept[:top_k]
            count = min(4 * count, MAX_LOOKED_AT)

    def _nearest(self, queries: "np.ndarray", top_k: int, where: dict[str, Any] | None) -> list[list[Hit]]:
        while True:
            view = self._current()
            allowed = None
            if where:
                matches = condition(where)
                with self._lock, self._store.reading():
                    allowed = self._store.matching(*matches)
            ranked = nearest(
                view.index,
                view.vectors,
                queries,
                top_k,
                breadth=view.state.breadth,
                live=view.live,
                allowed=allowed,
            )
            with self._lock, self._store.reading() as state:
                if state != view.state:
                    continue  # a writer was faster: what was found may not be there any more
                stored = self._store.fetch(sorted({row for rows, _ in ranked for row in rows.tolist()}))
            return [self._hits(rows, cosines, stored, top_k) for rows, cosines in ranked]

    def _current(self) -> _View:
        """The folder as it is now; loaded anew where it has changed, so that a running search keeps what it has."""
        with self._lock, self._store.reading() as state:
            if state != self._view.state:
                check_model(self.folder, state, self.model)
                self._view = _load(self._store, state)
            return self._view

    def _hits(self, rows: "np.ndarray", cosines: "np.ndarray", stored: dict[int, Stored], top_k: int) -> list[Hit]:
        found = [(stored[row], float(cosine)) for row, cosine in zip(rows.tolist(), cosines, strict=True)]
        found.sort(key=lambda each: (-round(each[1], DIGITS), each[0].id))
        scores = self.model.calibration.scores([cosine for _, cosine in found[:top_k]]).tolist()
        return [
            Hit(each.id, each.sentence, each.metadata, cosine, score)
            for (each, cosine), score in zip(found[:top_k], scores, strict=True)
        ]


def check_counts(top_k: int, candidates: int | None) -> None:
    """Check how many sentences are asked for.

    Raises:
        UsageError: a number out of range.
    """
    limits = [("top-k", top_k, 1)] + ([("candidates", candidates, top_k)] if candidates is not None else [])
    for name, value, least in limits:
        if not least <= value <= MAX_TOP_K:
            raise UsageError(f"--{name} is {value}; allowed is {least} to {MAX_TOP_K:,}")


def read_state(folder: Path) -> State:
    """What an index is.

    Raises:
        SearchError: the folder is no index, or a build that was not finished.
    """
    store = Store(folder)
    try:
        with store.reading() as state:
            return state
    finally:
        store.close()


def load_embedder(
    folder: Path, dimension: int | None, *, precision: ScoringPrecision = "auto", backend: Backend = "auto"
) -> Any:
    """A bi-encoder from its folder, its vectors cut to `dimension` numbers.

    Raises:
        ScorerError: it can't be loaded.
        UsageError: it is a cross-encoder.
    """
    from sts.models import load_scorer
    from sts.models.info import read_info

    if read_info(folder).mode != "bi":
        raise UsageError(f"{folder}: is a cross-encoder, which makes no vectors; name a bi-encoder's folder")
    return load_scorer(folder, dimension=dimension, precision=precision, backend=backend)


def check_model(folder: Path, state: State, model: Embedder) -> None:
    """Check that an index's vectors are this model's.

    Raises:
        SearchError: they are another model's.
    """
    if state.fingerprint != model.fingerprint:
        raise SearchError(
            f"{folder}: was built with another model ({state.model}, from {state.base_model}); this one's vectors "
            "can't be compared with its; name that model, with the --backend of then, or build the index again"
        )


def _load(store: Store, state: State) -> _View:
    if state.kind is None:
        raise SearchError(f"{store.folder}: its build was not finished; run it again")
    store.check_vectors(state)
    return _View(state, store.load_index(state), store.vectors(state), store.count())


def _claimed(model: Embedder, text: str, coverage: "Coverage | None", hits: list[Hit]) -> list[Hit]:
    """Hits with what may be said of them, where not all of a query or of their sentences was read."""
    found = model.read([hit.sentence for hit in hits])
    if coverage is None and not found:
        return hits
    from sts.models.coverage import claims

    pairs = [(composed(text), composed(hit.sentence)) for hit in hits]
    claimed = claims(pairs, {} if coverage is None else dict.fromkeys(range(len(hits)), coverage), found)
    return [
        replace(
            hit,
            score=claimed.fixed.get(place, hit.score),
            unknown=float(claimed.unknown[place]),
            unread=bool(claimed.unread[place]),
        )
        for place, hit in enumerate(hits)
    ]


def _reranked(reranker: "Scorer", texts: Sequence[str], found: list[list[Hit]], top_k: int) -> list[list[Hit]]:
    pairs = [(text, hit) for text, hits in zip(texts, found, strict=True) for hit in hits]
    scored_pairs = reranker.score([text for text, _ in pairs], [hit.sentence for _, hit in pairs])
    columns = (scored_pairs.scores, scored_pairs.unknown, scored_pairs.unread)
    scored = iter(
        replace(hit, score=score, unknown=unknown, unread=unread)
        for (_, hit), score, unknown, unread in zip(pairs, *(column.tolist() for column in columns), strict=True)
    )
    ranked = [sorted((next(scored) for _ in hits), key=lambda hit: (-hit.score, hit.id)) for hits in found]
    return [hits[:top_k] for hits in ranked]
