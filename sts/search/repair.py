"""Bringing what an older version kept in an index to what is kept today."""

import json
from dataclasses import dataclass
from pathlib import Path

from sts.search.change import changing
from sts.search.rows import clean
from sts.search.store import Store, row_crc
from sts.text.form import composed

# rows that are read at once
CHUNK = 10_000


@dataclass(frozen=True)
class Repaired:
    """What a repair did.

    Attributes:
        rows: sentences that were looked at.
        metadata: those whose metadata changed.
        ids: those whose id changed.
        kept: ids that would have become those of other sentences, and stay as they were.
    """

    rows: int
    metadata: int
    ids: int
    kept: tuple[str, ...]

    def told(self) -> str:
        """What a repair did, in a line."""
        line = f"of {self.rows:,} sentences, {self.metadata:,} have repaired metadata and {self.ids:,} a repaired id"
        if self.kept:
            line += (
                f"; {len(self.kept):,} ids stay, since their one form is another sentence's: {', '.join(self.kept[:5])}"
            )
        return line


def repair_index(folder: Path) -> Repaired:
    """Repair an index, all of it or nothing: metadata that is no JSON, and ids and metadata not in their one form.

    Raises:
        SearchError: the folder is no index, damaged, or being changed by another process.
    """
    store = Store(folder)
    try:
        with changing(store):
            return _repair(store)
    finally:
        store.close()


def _repair(store: Store) -> Repaired:
    rows = metadata_changed = ids_changed = 0
    kept: list[str] = []
    last = -1
    while True:
        query = "SELECT row, id, sentence, metadata FROM sentence WHERE row > ? ORDER BY row LIMIT ?"
        found = store.database.execute(query, (last, CHUNK)).fetchall()
        if not found:
            return Repaired(rows, metadata_changed, ids_changed, tuple(kept))
        for row, identity, sentence, text in found:
            rows, last = rows + 1, row
            new_id = composed(identity).strip()
            taken = "SELECT 1 FROM sentence WHERE id = ?"
            if new_id != identity and store.database.execute(taken, (new_id,)).fetchone():
                kept.append(identity)
                new_id = identity
            new_text = json.dumps(clean(json.loads(text)), ensure_ascii=False)
            if (new_id, new_text) != (identity, text):
                ids_changed += new_id != identity
                metadata_changed += new_text != text
                store.database.execute(
                    "UPDATE sentence SET id = ?, metadata = ?, crc = ? WHERE row = ?",
                    (new_id, new_text, row_crc(row, new_id, sentence, new_text), row),
                )
