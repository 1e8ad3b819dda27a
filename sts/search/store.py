"""What an index's folder holds, and the one step in which it changes.

    sentences.sqlite3   sentences, ids, metadata, checksums, and the state: what of the other files counts
    vectors.f32         a vector for each row ever written, only ever appended to; a row's number is its place
    index-N.faiss       a snapshot of the FAISS index, remade from time to time (none for kind flat)

SQLite's commit is the one moment at which a change happens. Vectors are appended and snapshots written
before it, and count only if the state says so: what a killed writer left behind is written over later.
"""

import json
import sqlite3
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sts.errors import SearchError
from sts.search.kinds import Kind, VectorIndex
from sts.search.rows import clean
from sts.text.form import composed

if TYPE_CHECKING:
    import numpy as np

FORMAT_VERSION = 1
SENTENCES_FILE, VECTORS_FILE = "sentences.sqlite3", "vectors.f32"
# seconds to wait for another process's commit
COMMIT_WAIT = 30.0
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
        model: folder of the bi-encoder that made the vectors, or bundled-bi; see `scorer_folder`.
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
            database.execute("INSERT INTO state VALUES (?)", (state_text(state),))
        database.close()
        (folder / VECTORS_FILE).touch()
        return cls(folder)

    def close(self) -> None:
        """Let go of the files."""
        self.database.close()

    @contextmanager
    def reading(self) -> Iterator[State]:
        """A view that no writer changes; yields its state."""
        with self.errors():
            self.database.execute("BEGIN")
            try:
                yield self.state()
            finally:
                self.database.execute("ROLLBACK")

    @contextmanager
    def errors(self) -> Iterator[None]:
        """Turn SQLite's errors into this project's."""
        try:
            yield
        except sqlite3.OperationalError as error:
            if "locked" in str(error):
                raise SearchError(f"{self.folder}: another process is changing this index; try again") from error
            raise SearchError(f"{self.folder / SENTENCES_FILE}: can't be used ({error})") from error
        except sqlite3.DatabaseError as error:
            raise SearchError(damaged(self.folder / SENTENCES_FILE, str(error))) from error

    def state(self) -> State:
        """The state as the transaction that has begun sees it."""
        path = self.folder / SENTENCES_FILE
        try:
            values = json.loads(self.database.execute("SELECT value FROM state").fetchone()[0])
            version = values.pop("format", None)
            if version == FORMAT_VERSION:
                return State(**values)
        except (TypeError, ValueError, AttributeError) as error:
            raise SearchError(damaged(path, f"its state can't be read: {error}")) from error
        raise SearchError(
            f"{self.folder}: the index has format {version!r}; this version of sts reads {FORMAT_VERSION}: build it"
        )

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
        path = self.folder / Path(name).name
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
                # NaN and Infinity, which JSON does not have: an older version kept them, see `poisoned`
                values = json.loads(metadata, parse_constant=lambda _: None)
                found[row] = Stored(row, identity, sentence, values)
        return found

    def live(self, where: str = "", parameters: Sequence[Any] = ()) -> "np.ndarray":
        """The row numbers, rising, of all sentences, or of those that an SQL condition holds for."""
        import numpy as np

        query = "SELECT row FROM sentence" + (f" WHERE {where}" if where else "") + " ORDER BY row"
        return np.fromiter((row for (row,) in self.database.execute(query, parameters)), dtype=np.int64)

    def poisoned(self) -> list[tuple[int, str]]:
        """Rows, with their ids, whose metadata is no JSON, so that no filter can read it."""
        found = self.database.execute("SELECT row, id FROM sentence WHERE NOT json_valid(metadata) ORDER BY row")
        return [(int(row), str(identity)) for row, identity in found]

    def check_metadata(self) -> None:
        """See whether all metadata is as it would be stored today.

        Raises:
            SearchError: some is not.
        """
        found = self.poisoned()
        if found:
            row, identity = found[0]
            raise SearchError(
                f"{self.folder}: the metadata of {len(found):,} sentences, the first of id '{identity}' (row {row}), "
                f"is no JSON (NaN or Infinity); python -m sts.search info --index {self.folder} --repair puts null in "
                "their place"
            )

    def other_form(self) -> int:
        """How many sentences have an id or metadata that is not in its one form."""
        query = "SELECT id, metadata FROM sentence"
        return sum(composed(text) != text for row in self.database.execute(query) for text in row)

    def check_sentences(self) -> None:
        """Compare every sentence with its checksum.

        Raises:
            SearchError: one is not what was written.
        """
        for row, identity, sentence, metadata, crc in self.database.execute(
            "SELECT row, id, sentence, metadata, crc FROM sentence"
        ):
            if row_crc(row, identity, sentence, metadata) != crc:
                raise SearchError(damaged(self.folder / SENTENCES_FILE, f"the sentence of row {row} has changed"))

    def fields(self) -> list[str]:
        """The names of all metadata."""
        query = "SELECT DISTINCT json_each.key FROM sentence, json_each(metadata) WHERE json_valid(metadata)"
        return sorted(name for (name,) in self.database.execute(query))

    def matching(self, condition: str, parameters: Sequence[Any]) -> "np.ndarray":
        """The row numbers, rising, of the sentences whose metadata an SQL condition holds for.

        Metadata that is no JSON (see `poisoned`) is read as it would be stored today.
        """
        import numpy as np

        found = self.live(f"CASE WHEN json_valid(metadata) THEN {condition} ELSE 0 END", parameters)
        poisoned = []
        for row, _ in self.poisoned():
            (text,) = self.database.execute("SELECT metadata FROM sentence WHERE row = ?", (row,)).fetchone()
            cleaned = json.dumps(clean(json.loads(text)), ensure_ascii=False)
            query = f"WITH cleaned(metadata) AS (SELECT ?{len(parameters) + 1}) SELECT 1 FROM cleaned WHERE {condition}"
            if self.database.execute(query, [*parameters, cleaned]).fetchone():
                poisoned.append(row)
        return np.sort(np.concatenate([found, np.array(poisoned, dtype=np.int64)]))

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


def damaged(path: Path, why: str) -> str:
    """The message for a file that is not what was written."""
    return f"{path}: the file is damaged ({why}); restore it from a copy, or build the index again"


def row_crc(row: int, identity: str, sentence: str, metadata: str) -> int:
    """The checksum of a sentence as it is stored."""
    return zlib.crc32("\0".join((str(row), identity, sentence, metadata)).encode())


def digest_of(path: Path) -> str:
    """A file's SHA-256."""
    import hashlib

    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def state_text(state: State) -> str:
    """A state as it is stored."""
    return json.dumps({"format": FORMAT_VERSION} | asdict(state), ensure_ascii=False)
