"""A teacher's scores, kept on disk, so that no pair is scored twice and an interruption loses one chunk at most."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Protocol

from sts.encoders.cache import cache_folder
from sts.errors import DataError
from sts.models import Scored

# pairs that are scored between two writes
CHUNK = 1024
# seconds that a process waits for another one's chunk to be written
WAIT = 60.0


class Teacher(Protocol):
    """Whatever scores pairs of sentences and can be told from any other that does."""

    @property
    def fingerprint(self) -> str:
        """Two teachers with the same one give the same scores."""
        ...

    def score(self, sentence1: Sequence[str], sentence2: Sequence[str]) -> Scored:
        """Scores 0 to 5."""
        ...


def cached_scores(
    teacher: Teacher, sentence1: Sequence[str], sentence2: Sequence[str], *, path: Path | None = None
) -> list[float]:
    """The teacher's scores of n pairs; those in the cache are read, the others computed and added to it.

    Args:
        teacher: scores pairs.
        sentence1: n sentences.
        sentence2: n sentences.
        path: the cache, an SQLite file; None means `teacher-scores.sqlite3` in this project's cache.

    Raises:
        DataError: the file can't be read or written, or is no SQLite file.
    """
    from tqdm import tqdm

    maker = teacher.fingerprint
    pairs = list(zip(sentence1, sentence2, strict=True))
    with _open(path or cache_folder() / "teacher-scores.sqlite3") as connection:
        query = "SELECT score FROM score WHERE teacher = ? AND sentence1 = ? AND sentence2 = ?"
        found = {pair: connection.execute(query, (maker, *pair)).fetchone() for pair in pairs}
        score = {pair: row[0] for pair, row in found.items() if row is not None}
        # by length, so that a chunk's batches have little padding
        due = sorted((pair for pair, row in found.items() if row is None), key=lambda pair: len(pair[0] + pair[1]))
        with tqdm(total=len(found), initial=len(score), unit="pair", desc="teacher", disable=None) as bar:
            for start in range(0, len(due), CHUNK):
                chunk = due[start : start + CHUNK]
                scores = teacher.score([a for a, _ in chunk], [b for _, b in chunk]).scores.tolist()
                with connection:
                    rows = [(maker, *pair, value) for pair, value in zip(chunk, scores, strict=True)]
                    connection.executemany("INSERT OR REPLACE INTO score VALUES (?, ?, ?, ?)", rows)
                score |= zip(chunk, scores, strict=True)
                bar.update(len(chunk))
    return [score[pair] for pair in pairs]


@contextmanager
def _open(path: Path) -> Iterator[sqlite3.Connection]:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with closing(sqlite3.connect(path, timeout=WAIT)) as connection:
            connection.execute(
                "CREATE TABLE IF NOT EXISTS score (teacher TEXT, sentence1 TEXT, sentence2 TEXT, score REAL NOT NULL, "
                "PRIMARY KEY (teacher, sentence1, sentence2)) WITHOUT ROWID"
            )
            yield connection
    except OSError as error:
        raise DataError(
            f"{path.parent}: can't be written ({error.strerror}); set STS_CACHE to a folder that can"
        ) from error
    except sqlite3.Error as error:
        raise DataError(
            f"{path}: the scores in it can't be used ({error}); make the file writable, or remove it if it is "
            "damaged, or set STS_CACHE to another folder"
        ) from error
