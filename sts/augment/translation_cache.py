"""Translations on disk, so that none is computed twice and an interruption loses one batch at most."""

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path

from sts.encoders.cache import cache_folder
from sts.errors import EncoderError

# seconds that a process waits for another one's batch to be written
WAIT = 60.0


class TranslationCache:
    """Translations by source text and by what made them, in one SQLite file; processes may share it.

    Args:
        path: the file; made when it is first needed. None means `translations.sqlite3` in this project's cache.
    """

    def __init__(self, path: Path | None = None) -> None:
        self.path = path or cache_folder() / "translations.sqlite3"

    def get(self, maker: str, sources: Iterable[str]) -> dict[str, list[str]]:
        """What is there already.

        Args:
            maker: identifies the model's weights and all settings.
            sources: texts to translate.

        Returns:
            The translations, best first, of those sources that have been translated.

        Raises:
            EncoderError: the file can't be read or written, or is no SQLite file.
        """
        query = "SELECT translations FROM translation WHERE maker = ? AND source = ?"
        with self._open() as connection:
            rows = {source: connection.execute(query, (maker, source)).fetchone() for source in sources}
        return {source: json.loads(row[0]) for source, row in rows.items() if row is not None}

    def put(self, maker: str, translations: Mapping[str, list[str]]) -> None:
        """Keep the translations of some sources, all of them or none.

        Raises:
            EncoderError: as for `get`.
        """
        rows = [(maker, source, json.dumps(found, ensure_ascii=False)) for source, found in translations.items()]
        with self._open() as connection, connection:
            connection.executemany("INSERT OR REPLACE INTO translation VALUES (?, ?, ?)", rows)

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with closing(sqlite3.connect(self.path, timeout=WAIT)) as connection:
                connection.execute(
                    "CREATE TABLE IF NOT EXISTS translation "
                    "(maker TEXT, source TEXT, translations TEXT NOT NULL, PRIMARY KEY (maker, source)) WITHOUT ROWID"
                )
                yield connection
        except OSError as error:
            raise EncoderError(
                f"{self.path.parent}: can't be written ({error.strerror}); set STS_CACHE to a folder that can"
            ) from error
        except sqlite3.Error as error:
            raise EncoderError(
                f"{self.path}: the translations in it can't be used ({error}); make the file writable, or remove it if "
                "it is damaged, or set STS_CACHE to another folder"
            ) from error
