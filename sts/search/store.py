"""What an index's folder holds, and the one step in which it changes.

    sentences.sqlite3   sentences, ids, metadata, checksums, and the state: what of the other files counts
    vectors.f32         a vector for each row ever written, only ever appended to; a row's number is its place
    index-N.faiss       a snapshot of the FAISS index, remade from time to time (none for kind flat)

SQLite's commit is the one moment at which a change happens. Vectors are appended and snapshots written
before it, and count only if the state says so: what a killed writer left behind is written over later.
"""

import json
import os
import sqlite3
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sts.errors import SearchError
from sts.search.kinds import Kind, VectorIndex, check_removable
from sts.search.rows import Row

if TYPE_CHECKING:
    import numpy as np

FORMAT_VERSION = 1
SENTENCES_FILE, VECTORS_FILE, LOCK_FILE = "sentences.sqlite3", "vectors.f32", ".lock"
# seconds to wait for another process: for its commit, and for its whole change
COMMIT_WAIT, WRITER_WAIT = 30.0, 10.0
# vectors that are read at once
CHUNK_ROWS = 65_536
# SQLite's limit of parameters in a statement is 32,766
CHUNK_PARAMETERS = 10_000

TABLES = """
CREATE TABLE state (value TEXT NOT NULL);
CREATE TABLE sentence (
    row INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, sentence TEXT NOT NULL, metadata TEXT NOT NULL,
    crc INTEGER NOT NULL
);
CREATE TABLE block (first INTEGER PRIMARY KEY, rows INTEGER NOT NULL, crc INTEGER NOT NULL);
CREATE TABLE removed (row INTEGER PRIMARY KEY);
"""


@dataclass(frozen=True)
class State:
    """What an index is, and what of its files counts.

    Attributes:
        model: folder of the bi-encoder that made the vectors.
        base_model: what that was trained from.
        fingerprint: tells that model from any other.
        dimension: numbers of a vector.
        kind: of FAISS index; None while sentences are still being read.
        why: why this kind.
        rows: vectors ever written.
        changes: commits so far.
        snapshot: name of the FAISS file, or None.
        snapshot_sha256: of that file.
        snapshot_rows: rows below this number are in the snapshot unless they were removed before it.
        breadth: cells or candidates that a search looks at.
        recall: measured recall@10 against exact search.
        source: the file that a build reads, and the options that decide what it makes of it.
        consumed: rows of that file that have been read.
        skipped: bad rows among these.
    """

    model: str
    base_model: str
    fingerprint: str
    dimension: int
    kind: Kind | None = None
    why: str = ""
    rows: int = 0
    changes: int = 0
    snapshot: str | None = None
    snapshot_sha256: str | None = None
    snapshot_rows: int = 0
    breadth: int = 0
    recall: float | None = None
    source: dict[str, Any] | None = None
    consumed: int = 0
    skipped: int = 0


@dataclass(frozen=True)
class Stored:
    """A sentence as the index keeps it."""

    row: int
    id: str
    sentence: str
    metadata: dict[str, Any]


class Store:
    """An index's folder.

    Args:
        folder: it.

    Raises:
        SearchError: it is no index, damaged, or of another format version.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        path = folder / SENTENCES_FILE
        if not path.is_file():
            raise SearchError(
                f"{folder}: holds no {SENTENCES_FILE}, so it is no index; `python -m sts.search build` makes one"
            )
        self.database = sqlite3.connect(path, timeout=COMMIT_WAIT, isolation_level=None, check_same_thread=False)
        # a large change stays in memory until its commit: pages spilled before would lock readers out
        self.database.execute("PRAGMA cache_spill = OFF")

    @classmethod
    def create(cls, folder: Path, state: State) -> "Store":
        """A new index in an existing, empty folder."""
        with sqlite3.connect(folder / SENTENCES_FILE) as database:
            database.executescript(TABLES)
            database.execute("INSERT INTO state VALUES (?)", (_state_text(state),))
        database.close()
        (folder / VECTORS_FILE).touch()
        return cls(folder)

    def close(self) -> None:
        """Let go of the files."""
        self.database.close()

    @contextmanager
    def reading(self) -> Iterator[State]:
        """A view that no writer changes; yields its state."""
        with self._errors():
            self.database.execute("BEGIN")
            try:
                yield self._state()
            finally:
                self.database.execute("ROLLBACK")

    @contextmanager
    def writing(self) -> Iterator["Change"]:
        """A change that happens as a whole when the block ends, or not at all.

        Raises:
            SearchError: another process has been changing the index for 10 seconds.
        """
        from filelock import FileLock, Timeout

        try:
            lock = FileLock(self.folder / LOCK_FILE).acquire(timeout=WRITER_WAIT)
        except Timeout as error:
            raise SearchError(
                f"{self.folder}: another process is changing this index; wait until it is done, and try again"
            ) from error
        with lock, self._errors():
            self.database.execute("PRAGMA synchronous = FULL")
            self.database.execute("BEGIN IMMEDIATE")
            try:
                change = Change(self, self._state())
                yield change
                change.finish()
                self.database.execute("COMMIT")
            except BaseException:
                if self.database.in_transaction:
                    self.database.execute("ROLLBACK")
                raise
            # no one reads these any more: older snapshots, and those of writers that were killed
            for path in self.folder.glob("index-*.faiss*"):
                if path.name != change.state.snapshot:
                    path.unlink()

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.OperationalError as error:
            if "locked" in str(error):
                raise SearchError(f"{self.folder}: another process is changing this index; try again") from error
            raise SearchError(f"{self.folder / SENTENCES_FILE}: can't be used ({error})") from error
        except sqlite3.DatabaseError as error:
            raise SearchError(damaged(self.folder / SENTENCES_FILE, str(error))) from error

    def _state(self) -> State:
        values = json.loads(self.database.execute("SELECT value FROM state").fetchone()[0])
        version = values.pop("format", None)
        if version != FORMAT_VERSION:
            raise SearchError(
                f"{self.folder}: the index has format {version!r}; this version of sts reads {FORMAT_VERSION}; "
                "build it again"
            )
        return State(**values)

    def vectors(self, state: State) -> "np.ndarray":
        """All vectors ever written (rows, dimension), read from disk as they are touched.

        Raises:
            SearchError: the file is too short.
        """
        import numpy as np

        path, shape = self.folder / VECTORS_FILE, (state.rows, state.dimension)
        if not path.is_file() or path.stat().st_size < state.rows * state.dimension * 4:
            raise SearchError(damaged(path, "it is missing or too short"))
        return np.memmap(path, np.float32, "r", shape=shape) if state.rows else np.zeros(shape, np.float32)

    def check_vectors(self, state: State) -> None:
        """Compare all vectors with their checksums.

        Raises:
            SearchError: some differ.
        """
        vectors = self.vectors(state)
        for first, rows, crc in self.database.execute("SELECT first, rows, crc FROM block ORDER BY first").fetchall():
            if zlib.crc32(vectors[first : first + rows]) != crc:  # type: ignore[arg-type]
                raise SearchError(
                    damaged(self.folder / VECTORS_FILE, f"rows {first} to {first + rows - 1} have changed")
                )

    def check(self, state: State) -> None:
        """Compare every file with its checksums.

        Raises:
            SearchError: one is missing or damaged.
        """
        problem = self.database.execute("PRAGMA quick_check(1)").fetchone()[0]
        if problem != "ok":
            raise SearchError(damaged(self.folder / SENTENCES_FILE, problem))
        self.check_vectors(state)
        if state.snapshot is not None:
            self._snapshot(state.snapshot, state)

    def _snapshot(self, name: str, state: State) -> Path:
        path = self.folder / name
        if not path.is_file():
            raise SearchError(damaged(path, "it is missing"))
        if digest_of(path) != state.snapshot_sha256:
            raise SearchError(damaged(path, "its checksum differs"))
        return path

    def fetch(self, rows: Sequence[int]) -> dict[int, Stored]:
        """The sentences of these rows; those that are not there any more are left out.

        Raises:
            SearchError: one is not what was written.
        """
        found = {}
        for start in range(0, len(rows), CHUNK_PARAMETERS):
            chunk = [int(row) for row in rows[start : start + CHUNK_PARAMETERS]]
            marks = ",".join("?" * len(chunk))
            query = f"SELECT row, id, sentence, metadata, crc FROM sentence WHERE row IN ({marks})"
            for row, identity, sentence, metadata, crc in self.database.execute(query, chunk):
                if row_crc(row, identity, sentence, metadata) != crc:
                    raise SearchError(damaged(self.folder / SENTENCES_FILE, f"the sentence of row {row} has changed"))
                found[row] = Stored(row, identity, sentence, json.loads(metadata))
        return found

    def live(self, where: str = "", parameters: Sequence[Any] = ()) -> "np.ndarray":
        """The row numbers, rising, of all sentences, or of those that an SQL condition holds for."""
        import numpy as np

        query = "SELECT row FROM sentence" + (f" WHERE {where}" if where else "") + " ORDER BY row"
        return np.fromiter((row for (row,) in self.database.execute(query, parameters)), dtype=np.int64)

    def count(self) -> int:
        """How many sentences there are."""
        return int(self.database.execute("SELECT count(*) FROM sentence").fetchone()[0])

    def load_index(self, state: State) -> VectorIndex:
        """The FAISS index of all sentences there are: the snapshot, what was added since, less what was removed.

        Raises:
            SearchError: the snapshot is missing or damaged.
        """
        import numpy as np

        if state.kind is None:
            raise ValueError("the kind is not decided yet")
        if state.snapshot is None:
            index = VectorIndex.new(state.kind, state.dimension, state.rows, np.zeros((0, state.dimension), np.float32))
        else:
            index = VectorIndex.read(state.kind, self._snapshot(state.snapshot, state))
        self.add_rows(index, state, state.snapshot_rows)
        removed = self.database.execute("SELECT row FROM removed")
        index.remove(np.fromiter((row for (row,) in removed), dtype=np.int64))
        return index

    def add_rows(self, index: VectorIndex, state: State, first_row: int, bar: Any = None) -> None:
        """Add the vectors of all rows from `first_row` on to an index, piece by piece."""
        import numpy as np

        vectors = self.vectors(state)
        for start in range(first_row, state.rows, CHUNK_ROWS):
            chunk = vectors[start : start + CHUNK_ROWS]
            index.add(chunk, np.arange(start, start + len(chunk)))
            if bar is not None:
                bar.update(len(chunk))


class Change:
    """What a writer does between two commits.

    Args:
        store: the index's folder, with a transaction begun.
        state: as it was.
    """

    def __init__(self, store: Store, state: State) -> None:
        self.store = store
        self.state = replace(state, changes=state.changes + 1)
        self._database = store.database
        self._file: Any = None

    def append(self, rows: Sequence[Row], vectors: "np.ndarray", *, replacing: bool) -> int:
        """Add sentences with their vectors (n, dimension).

        Args:
            rows: n sentences; one without an id gets its row number + 1.
            vectors: finite, not 0; they are brought to length 1.
            replacing: whether a sentence takes the place of one with the same id, or is refused.

        Returns:
            How many took the place of another.

        Raises:
            SearchError: an id is there already, or a vector is no direction.
        """
        import numpy as np

        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        if not (np.isfinite(lengths).all() and (lengths > 0).all()):
            raise SearchError(f"{self.store.folder}: the model makes vectors without a direction; train it again")
        data = np.ascontiguousarray(vectors / lengths, dtype=np.float32)
        first = self.state.rows
        replaced = 0
        for number, row in enumerate(rows, first):
            identity = str(number + 1) if row.id is None else row.id
            known = self._database.execute("SELECT row FROM sentence WHERE id = ?", (identity,)).fetchone()
            if known is not None:
                if not replacing or row.id is None:
                    remedy = "give each sentence its own id" if row.id is not None else "give these sentences ids"
                    raise SearchError(f"{row.place or 'a sentence'}: the id '{identity}' is there already; {remedy}")
                self._remove(known[0])
                replaced += 1
            metadata = json.dumps(row.metadata, ensure_ascii=False)
            self._database.execute(
                "INSERT INTO sentence VALUES (?, ?, ?, ?, ?)",
                (number, identity, row.sentence, metadata, row_crc(number, identity, row.sentence, metadata)),
            )
        if self._file is None:
            self._file = (self.store.folder / VECTORS_FILE).open("r+b")
        self._file.seek(first * self.state.dimension * 4)
        self._file.write(data)
        self._file.flush()
        self._database.execute("INSERT INTO block VALUES (?, ?, ?)", (first, len(rows), zlib.crc32(data)))  # type: ignore[arg-type]
        self.state = replace(self.state, rows=first + len(rows))
        return replaced

    def delete(self, ids: Sequence[str]) -> list[str]:
        """Delete sentences.

        Returns:
            The ids that are not there.
        """
        missing = []
        for identity in ids:
            known = self._database.execute("SELECT row FROM sentence WHERE id = ?", (identity,)).fetchone()
            if known is None:
                missing.append(identity)
            else:
                self._remove(known[0])
        return missing

    def _remove(self, row: int) -> None:
        if self.state.kind is not None:
            check_removable(self.state.kind)
        self._database.execute("DELETE FROM sentence WHERE row = ?", (row,))
        self._database.execute("INSERT INTO removed VALUES (?)", (row,))

    def note(self, **values: Any) -> None:
        """Change fields of the state."""
        self.state = replace(self.state, **values)

    def take_snapshot(self, write: Any) -> None:
        """Keep a FAISS file of all rows there are.

        Args:
            write: writes the FAISS file of all rows there are to a path.
        """
        name = f"index-{self.state.changes}.faiss"
        partial = self.store.folder / f"{name}.partial"
        write(partial)
        digest = sync_and_digest(partial)
        partial.replace(self.store.folder / name)
        self._database.execute("DELETE FROM removed")
        self.note(snapshot=name, snapshot_sha256=digest, snapshot_rows=self.state.rows)

    def finish(self) -> None:
        """Bring everything but the commit to the disk."""
        if self._file is not None:
            os.fsync(self._file.fileno())
            self._file.close()
        sync_folder(self.store.folder)
        self._database.execute("UPDATE state SET value = ?", (_state_text(self.state),))


def damaged(path: Path, why: str) -> str:
    """The message for a file that is not what was written."""
    return f"{path}: the file is damaged ({why}); restore it from a copy, or build the index again"


def row_crc(row: int, identity: str, sentence: str, metadata: str) -> int:
    """The checksum of a sentence as it is stored."""
    return zlib.crc32("\0".join((str(row), identity, sentence, metadata)).encode())


def sync_and_digest(path: Path) -> str:
    """Bring a file to the disk; returns its SHA-256."""
    with path.open("rb+") as stream:
        os.fsync(stream.fileno())
    return digest_of(path)


def digest_of(path: Path) -> str:
    """A file's SHA-256."""
    import hashlib

    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def sync_folder(folder: Path) -> None:
    """Bring a folder's names to the disk."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _state_text(state: State) -> str:
    return json.dumps({"format": FORMAT_VERSION} | asdict(state), ensure_ascii=False)
