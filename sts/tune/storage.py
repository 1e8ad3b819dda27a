"""Where a study's trials are kept: an SQLite file, a journal file, or a database server."""

import json
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from sts.errors import StudyError, UsageError

if TYPE_CHECKING:
    from optuna.storages import BaseStorage

SQLITE_FILE, STUDY_FILE = "study.db", "study.json"
# seconds between a worker's signs of life in a database, and after how many it counts as dead
HEARTBEAT, GRACE = 20, 120
# how often a trial is begun again whose process dies; a third death is likely the trial's own fault
MAX_RETRIES = 2
# characters of a journal's first line, which makes the study and is short
LONGEST_LINE = 10_000


@contextmanager
def open_storage(name: str | None, output: Path) -> "Iterator[BaseStorage]":
    """Open a study's storage.

    Args:
        name: a file `….db` (SQLite) or `….journal`, or a URL of SQLAlchemy's; None means `study.db` in `output`.
        output: the study's folder.

    Raises:
        UsageError: `name` is neither.
        StudyError: it can't be opened, or an SQLite file is in use by another process.
    """
    from filelock import FileLock, Timeout

    if name is not None and "://" in name:
        with _database(name, shown(name)) as database:
            yield database
        return
    path = Path(name) if name is not None else output / SQLITE_FILE
    if path.suffix not in (".db", ".journal"):
        raise UsageError(
            f"--storage {name}: must be a file ending in .db (SQLite, one process) or .journal (any number of "
            "processes on this machine), or a database's URL such as postgresql+psycopg://user@host/name"
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".journal":
        yield _journal(path)
        return
    # SQLite's locks are not made for trainings that write from several processes
    lock = FileLock(path.with_name(path.name + ".lock"), timeout=0)
    try:
        lock.acquire()
    except Timeout as error:
        raise StudyError(
            f"{path}: another process is running this study; for several at once, use --storage {path.stem}.journal, "
            "or a database's URL, from the first one on"
        ) from error
    try:
        with _database(f"sqlite:///{path.absolute()}", str(path)) as database:
            yield database
    finally:
        lock.release()


def study_record(study: str, name: str | None) -> dict[str, str]:
    """What a study's folder says of it: its name, and where it is kept, whatever folder a command is given in."""
    if name is None:
        return {"study": study, "storage": SQLITE_FILE}
    return {"study": study, "storage": shown(name) if "://" in name else str(Path(name).resolve())}


def shown(name: str) -> str:
    """A storage's name without a password."""
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError

    if "://" not in name:
        return name
    try:
        return make_url(name).render_as_string(hide_password=True)
    except (ArgumentError, ValueError) as error:
        raise UsageError(f"--storage: {name.split('://')[0]}://… is no URL of a database ({error})") from error


def _journal(path: Path) -> "BaseStorage":
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    try:
        if path.exists():
            with path.open("rb") as stream:
                first = stream.readline(LONGEST_LINE)
            # Optuna would append to any file whose last line it can't read
            if first and "op_code" not in json.loads(first):
                raise ValueError("its first line is none of a journal")
        return JournalStorage(JournalFileBackend(str(path)))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StudyError(f"{path}: can't be used as a study's journal ({error}); name another file") from error


@contextmanager
def _database(url: str, name: str) -> "Iterator[BaseStorage]":
    from optuna.exceptions import ExperimentalWarning, StorageInternalError
    from optuna.storages import RDBStorage, RetryHeartbeatStaleTrialCallback
    from sqlalchemy.exc import SQLAlchemyError

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        try:
            storage = RDBStorage(
                url,
                heartbeat_interval=HEARTBEAT,
                grace_period=GRACE,
                heartbeat_stale_trial_callback=RetryHeartbeatStaleTrialCallback(max_retry=MAX_RETRIES),
            )
        except ImportError as error:
            raise StudyError(f"--storage {name}: {error}; install the database's driver") from error
        except (SQLAlchemyError, StorageInternalError, RuntimeError) as error:
            raise StudyError(f"--storage {name}: can't be opened ({_first_line(error)})") from error
    try:
        yield storage
    finally:
        storage.remove_session()
        storage.engine.dispose()


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
