"""Changing an index's folder: everything is written beside what counts, and one commit makes it count."""

import json
import os
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sts.errors import SearchError
from sts.search.kinds import check_removable
from sts.search.rows import Row
from sts.search.store import VECTORS_FILE, State, Store, digest_of, row_crc, state_text
from sts.text.form import composed

if TYPE_CHECKING:
    import numpy as np

LOCK_FILE = ".lock"
# seconds to wait for another process's change
WRITER_WAIT = 10.0


@contextmanager
def changing(store: Store) -> Iterator["Change"]:
    """A change of an index that happens as a whole when the block ends, or not at all.

    Raises:
        SearchError: another process has been changing the index for 10 seconds.
    """
    from filelock import FileLock, Timeout

    try:
        lock = FileLock(store.folder / LOCK_FILE).acquire(timeout=WRITER_WAIT)
    except Timeout as error:
        raise SearchError(
            f"{store.folder}: another process is changing this index; wait until it is done, and try again"
        ) from error
    with lock, store.errors():
        store.database.execute("PRAGMA synchronous = FULL")
        store.database.execute("BEGIN IMMEDIATE")
        try:
            change = Change(store, store.state())
            yield change
            change.finish()
            store.database.execute("COMMIT")
        except BaseException:
            if store.database.in_transaction:
                store.database.execute("ROLLBACK")
            raise
        # no one reads these any more: older snapshots, and those of writers that were killed
        for path in store.folder.glob("index-*.faiss*"):
            if path.name != change.state.snapshot:
                path.unlink()


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
            # as it was written first: an older version kept ids so
            query = "SELECT row FROM sentence WHERE id = ?"
            known = self._database.execute(query, (identity,)).fetchone()
            known = known or self._database.execute(query, (composed(identity).strip(),)).fetchone()
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

    def take_snapshot(self, write: Callable[[Path], None]) -> None:
        """Keep a FAISS file of all rows there are.

        Args:
            write: writes the FAISS file of all rows there are to a path.
        """
        name = f"index-{self.state.changes}.faiss"
        partial = self.store.folder / f"{name}.partial"
        write(partial)
        digest = _sync_and_digest(partial)
        partial.replace(self.store.folder / name)
        self._database.execute("DELETE FROM removed")
        self.note(snapshot=name, snapshot_sha256=digest, snapshot_rows=self.state.rows)

    def finish(self) -> None:
        """Bring everything but the commit to the disk."""
        if self._file is not None:
            os.fsync(self._file.fileno())
            self._file.close()
        sync_folder(self.store.folder)
        self._database.execute("UPDATE state SET value = ?", (state_text(self.state),))


def _sync_and_digest(path: Path) -> str:
    """Bring a file to the disk; returns its SHA-256."""
    with path.open("rb+") as stream:
        os.fsync(stream.fileno())
    return digest_of(path)


def sync_folder(folder: Path) -> None:
    """Bring a folder's names to the disk."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
