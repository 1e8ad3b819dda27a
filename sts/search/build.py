"""Making an index of a file, and changing it."""

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sts.errors import DataError, SearchError, UsageError
from sts.files.options import AS_FOUND, FileOptions
from sts.files.write import replacing_folder
from sts.pairs.rows import BadRow, OnBadRow
from sts.search.change import Change, changing, sync_folder
from sts.search.index import Embedder, check_model, read_state
from sts.search.kinds import Kind, VectorIndex, check_kind, check_removable, choose_kind, training_rows
from sts.search.recall import choose_breadth
from sts.search.rows import SUFFIXES, Row, read_sentences
from sts.search.store import SENTENCES_FILE, State, Store

# sentences that are encoded together and, in a build, committed together
CHUNK = 4096
# a snapshot is remade when more than this share of the rows are beside it
STALE = 0.1
SEED = 42


@dataclass(frozen=True)
class Changed:
    """What a change did.

    Attributes:
        added: sentences that were added, those that took another one's place among them.
        replaced: sentences that took the place of one with the same id.
        skipped: bad rows that were left out.
        missing: ids that were to be deleted and are not there.
        rows: sentences that are there now.
    """

    added: int = 0
    replaced: int = 0
    skipped: int = 0
    missing: tuple[str, ...] = ()
    rows: int = 0


def build_index(
    model: Embedder,
    names: tuple[str, str],
    sentences: Path,
    folder: Path,
    *,
    kind: Kind | None = None,
    on_bad_row: OnBadRow = "error",
    batch_size: int = 64,
    say: Callable[[str], None],
    options: FileOptions = AS_FOUND,
) -> State:
    """Make an index of a file's sentences; one that was interrupted goes on where it was.

    Args:
        model: makes the vectors.
        names: the model's folder and what it was trained from, which the index remembers.
        sentences: the file; see `sts.search.rows`.
        folder: where the index goes; until it is complete, it stands in `folder`.partial.
        kind: of FAISS index; None chooses by size.
        on_bad_row: stop at a row that can't be used, or leave it out.
        batch_size: sentences that go through the model together.
        say: prints a line.
        options: how the file is read.

    Raises:
        DataError: the file can't be read, has a bad row, or holds no sentence.
        SearchError: an id comes twice, or what is in `folder`.partial is another build.
        UsageError: the kind does not suit so many sentences.
    """
    partial = folder.with_name(folder.name + ".partial")
    if not sentences.is_file():
        raise DataError(f"{sentences}: no such file; give a file that ends in {', '.join(SUFFIXES)}")
    stat = sentences.stat()
    source = {"file": str(sentences.resolve()), "size": stat.st_size, "changed": stat.st_mtime_ns}
    if options != AS_FOUND:
        source["options"] = asdict(options)
    begin = State(*names, fingerprint=model.fingerprint, dimension=model.dimension, source=source)
    with _alone(partial):
        store = _begin(partial, begin)
        try:
            with store.reading() as state:
                check_model(partial, state, model)
                if state.source != source:
                    raise SearchError(
                        f"{partial}: holds an unfinished build of another file, or of this one as it was before a "
                        f"change ({(state.source or {}).get('file')}); remove that folder to begin anew"
                    )
            if state.kind is None or kind not in (None, state.kind):
                rows = read_sentences(sentences, options=options, say=say)
                state = _read(store, state, model, (sentences, rows), on_bad_row, batch_size, say)
                _index(store, state, kind, say)
            with store.reading() as state:
                pass
        finally:
            store.close()
        partial.rename(folder)
        sync_folder(folder.parent)
    return state


@contextmanager
def _alone(partial: Path) -> Iterator[None]:
    """Keep other builds of the same index away."""
    from filelock import FileLock, Timeout

    partial.parent.mkdir(parents=True, exist_ok=True)
    path = partial.with_name(f".{partial.name}.lock")
    try:
        lock = FileLock(path).acquire(timeout=0)
    except Timeout as error:
        raise SearchError(f"{partial}: another process is building this index; wait until it is done") from error
    with lock:
        yield
    path.unlink(missing_ok=True)


def _begin(partial: Path, state: State) -> Store:
    """The unfinished build that is there, or a new one; one that has read nothing yet is begun anew."""
    if (partial / SENTENCES_FILE).is_file():
        if read_state(partial).consumed > 0:
            return Store(partial)
    elif partial.exists():
        raise SearchError(f"{partial} is needed for the build and is something else; remove it or change --index")
    with replacing_folder(partial) as empty:
        Store.create(empty, state).close()
    return Store(partial)


def _read(
    store: Store,
    state: State,
    model: Embedder,
    source: tuple[Path, Iterator[Row | BadRow]],
    on_bad_row: OnBadRow,
    batch_size: int,
    say: Callable[[str], None],
) -> State:
    """Encode the file's sentences from where the last commit was."""
    from tqdm import tqdm

    sentences, all_rows = source
    if state.consumed:
        say(f"going on after {state.consumed:,} rows of {sentences}")
    rows = itertools.islice(all_rows, state.consumed, None)
    unread = _Unread()
    with tqdm(unit="sentence", desc="encoding", initial=state.rows, disable=None) as bar:
        for chunk in _chunks(rows):
            good = list(_good(chunk, on_bad_row, say))
            with changing(store) as change:
                if good:
                    change.append(good, _encoded(model, good, batch_size, unread), replacing=False)
                skipped = change.state.skipped + len(chunk) - len(good)
                change.note(consumed=change.state.consumed + len(chunk), skipped=skipped)
            state = change.state
            bar.update(len(good))
    if not state.rows:
        raise DataError(f"{sentences}: holds no sentence that can be used")
    unread.tell(say)
    return state


def _index(store: Store, state: State, kind: Kind | None, say: Callable[[str], None]) -> None:
    """Decide the kind, learn its cells, add all vectors, and measure its recall."""
    import numpy as np
    from tqdm import tqdm

    chosen, why = choose_kind(state.rows) if kind is None else (kind, "asked for")
    check_kind(chosen, state.rows, state.dimension)
    say(f"index of kind {chosen}: {why}")
    vectors = store.vectors(state)
    sample = np.random.default_rng(SEED).permutation(state.rows)[: training_rows(chosen, state.rows)]
    if len(sample):
        say(f"learning cells from {len(sample):,} vectors")
    index = VectorIndex.new(chosen, state.dimension, state.rows, vectors[np.sort(sample)])
    with tqdm(total=state.rows, unit="vector", desc="adding", disable=None) as bar:
        store.add_rows(index, state, 0, bar)
    breadth, recall = choose_breadth(index, vectors, seed=SEED)
    say(f"recall@10 against exact search: {recall:.4f}")
    with changing(store) as change:
        if chosen != "flat":
            change.take_snapshot(index.write)
        change.note(kind=chosen, why=why, breadth=breadth, recall=recall)


def add_sentences(
    folder: Path,
    model: Embedder,
    rows: Iterable[Row | BadRow],
    *,
    on_bad_row: OnBadRow = "error",
    batch_size: int = 64,
    progress: bool = True,
    say: Callable[[str], None],
) -> Changed:
    """Add sentences to an index; one whose id is there already takes that one's place. All of them, or none.

    Args:
        folder: the index.
        model: the one that it was built with.
        rows: sentences, and rows that can't be used.
        on_bad_row: stop at a row that can't be used, or leave it out.
        batch_size: sentences that go through the model together.
        progress: show a progress bar on standard error.
        say: prints a line.

    Raises:
        DataError: a bad row.
        SearchError: the index is damaged, busy, or of another model.
        UsageError: one is to be replaced in an index of kind hnsw.
    """
    from tqdm import tqdm

    store = Store(folder)
    added = replaced = skipped = 0
    unread = _Unread()
    try:
        with changing(store) as change, tqdm(unit="sentence", desc="adding", disable=None if progress else True) as bar:
            check_model(folder, change.state, model)
            for chunk in _chunks(rows):
                good = list(_good(chunk, on_bad_row, say))
                if good:
                    replaced += change.append(good, _encoded(model, good, batch_size, unread), replacing=True)
                added, skipped = added + len(good), skipped + len(chunk) - len(good)
                bar.update(len(good))
            _renew(store, change)
            unread.tell(say)
            return Changed(added, replaced, skipped, rows=store.count())
    finally:
        store.close()


def delete_sentences(folder: Path, ids: Sequence[str]) -> Changed:
    """Delete sentences from an index; ids that are not there are passed over and named.

    Raises:
        SearchError: the index is damaged or busy.
        UsageError: it is of kind hnsw.
    """
    store = Store(folder)
    try:
        with changing(store) as change:
            if change.state.kind is not None:
                check_removable(change.state.kind)
            missing = change.delete(ids)
            _renew(store, change)
            return Changed(missing=tuple(missing), rows=store.count())
    finally:
        store.close()


def _renew(store: Store, change: Change) -> None:
    """Make the snapshot anew where too many rows are beside it."""
    state = change.state
    if state.kind is None:
        raise SearchError(f"{store.folder}: its build was not finished; run it again")
    if state.kind == "flat":
        return
    removed = store.database.execute("SELECT count(*) FROM removed").fetchone()[0]
    if state.rows - state.snapshot_rows + removed > STALE * state.snapshot_rows:
        change.take_snapshot(store.load_index(state).write)


@dataclass
class _Unread:
    """Counts sentences that the model does not know whole."""

    partly: int = 0
    wholly: int = 0

    def tell(self, say: Callable[[str], None]) -> None:
        """Say how many there were."""
        if self.partly:
            say(
                f"{self.partly:,} sentences hold text that the model does not know, {self.wholly:,} of them nothing "
                "else; they are found by what it knows of them, and never called similar by the rest"
            )


def _encoded(model: Embedder, rows: Sequence[Row], batch_size: int, unread: _Unread) -> Any:
    encoded = model.encode([row.sentence for row in rows], batch_size=batch_size)
    unread.partly += len(encoded.coverage)
    unread.wholly += sum(coverage.unknown == 1 for coverage in encoded.coverage.values())
    return encoded.vectors


def _chunks(rows: Iterable[Row | BadRow]) -> Iterator[list[Row | BadRow]]:
    remaining = iter(rows)
    while chunk := list(itertools.islice(remaining, CHUNK)):
        yield chunk


def _good(rows: Iterable[Row | BadRow], on_bad_row: OnBadRow, say: Callable[[str], None]) -> Iterator[Row]:
    for row in rows:
        if isinstance(row, Row):
            yield row
        elif on_bad_row == "error":
            raise row.refused()
        else:
            say(f"skipped {row}")


def check_target(folder: Path) -> None:
    """Check that an index may be built at `folder`.

    Raises:
        UsageError: something is there.
    """
    if folder.exists():
        raise UsageError(
            f"--index {folder}: is there already; name another folder, change it with `add` and `delete`, or remove it"
        )
