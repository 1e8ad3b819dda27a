"""A set that does not fit into memory."""

import hashlib
import sqlite3


class DiskSet:
    """A set of texts, kept as 128-bit hashes in a temporary SQLite database.

    SQLite holds the first two megabytes in memory and the rest in a file without a name, which the
    system removes with the process. Two texts in a thousand million share a hash with a probability
    of 1e-21.
    """

    def __init__(self) -> None:
        self._database = sqlite3.connect("")
        # nobody reads it after a crash, so it needs no journal
        self._database.execute("PRAGMA journal_mode = OFF")
        self._database.execute("CREATE TABLE texts (hash BLOB PRIMARY KEY) WITHOUT ROWID")

    def add(self, text: str) -> bool:
        """Add a text; false where it was there before."""
        return self._database.execute("INSERT OR IGNORE INTO texts VALUES (?)", (_hash(text),)).rowcount == 1

    def __contains__(self, text: object) -> bool:
        """Whether a text was added."""
        found = self._database.execute("SELECT 1 FROM texts WHERE hash = ?", (_hash(str(text)),)).fetchone()
        return found is not None

    def close(self) -> None:
        """Remove the set from the disk."""
        self._database.close()


def _hash(text: str) -> bytes:
    return hashlib.blake2b(text.encode(), digest_size=16).digest()
