"""`python -m sts.search duplicates`."""

import csv
import json as json_module
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sts.bundled import ScorerPath, scorer_folder
from sts.errors import UsageError
from sts.files.write import open_for_excel, replacing_file
from sts.tables import Table

if TYPE_CHECKING:
    from sts.search.duplicates import NearPairs
    from sts.search.store import Store

COLUMNS = ("id1", "id2", "score", "cosine", "sentence1", "sentence2")
# pairs whose sentences are read at once
CHUNK = 5000


def duplicates(
    *,
    index: Path,
    threshold: float = 4.5,
    model: ScorerPath | None = None,
    top: int = 50,
    output: Path | None = None,
    json: bool = False,
) -> None:
    """Find all pairs of sentences in an index that mean nearly the same.

    Sentences that the model can't read are compared by their text alone.

    Args:
        index: folder of the index
        threshold: score from which on two sentences are a pair, above 0 and below 5
        model: the bi-encoder that the index was built with, for its scale of scores; not given: where it was then
        top: pairs that are printed, the most similar first
        output: CSV file for all pairs, with a byte order mark, so that Excel reads its Korean
        json: print all pairs as JSON lines, and not the first as a table
    """
    if not 0 < threshold < 5:
        raise UsageError(f"--threshold is {threshold}; allowed is above 0 and below 5")
    if top < 1:
        raise UsageError(f"--top is {top}; allowed is 1 or more")
    from tqdm import tqdm

    from sts.search.duplicates import near_pairs
    from sts.search.index import check_model, load_embedder, read_state
    from sts.search.store import Store
    from sts.search.unread import find_unread, readable, with_claims

    state = read_state(index)
    scorer = load_embedder(model or scorer_folder(state.model), state.dimension)
    check_model(index, state, scorer)
    calibration = scorer.calibration
    cosine = calibration.cosine(threshold)
    said = sys.stderr if json else sys.stdout
    store = Store(index)
    try:
        with store.reading() as state:
            store.check(state)
            live = store.live()
            print(f"comparing {len(live):,} sentences: pairs from {threshold:g} on, cosine {cosine:.4f}", file=said)
            with tqdm(total=len(live), unit="sentence", desc="reading", disable=None) as bar:
                unread = find_unread(store, scorer, live, bar.update)
            if len(unread.rows):
                print(
                    f"{len(unread.rows):,} sentences hold more that the model does not know than that it knows: only "
                    "the same text is a duplicate of them",
                    file=said,
                )
            opened, vectors = store.load_index(state), store.vectors(state)
            found = near_pairs(
                opened,
                vectors,
                readable(live, unread),
                cosine,
                breadth=state.breadth,
                say=lambda line: print(line, file=said),
            )
            found, left_out = with_claims(found, unread)
            if left_out:
                print(f"{left_out:,} pairs left out that differ in what the model does not know", file=said)
            if output is not None:
                with replacing_file(output) as partial, open_for_excel(partial) as stream:
                    writer = csv.DictWriter(stream, COLUMNS)
                    writer.writeheader()
                    writer.writerows(_rows(store, found, calibration, len(found.a)))
            if json:
                for row in _rows(store, found, calibration, len(found.a)):
                    print(json_module.dumps(row, ensure_ascii=False))
                return
            shown = [_cells(row) for row in _rows(store, found, calibration, top)]
    finally:
        store.close()
    Table(list(COLUMNS), shown).show()
    more = f", of which the first {len(shown):,} are shown" if len(shown) < len(found.a) else ""
    print(f"{len(found.a):,} pairs{more}" + (f": {output}" if output else ""))


def _rows(store: "Store", found: "NearPairs", calibration: Any, count: int) -> Iterator[dict[str, Any]]:
    for start in range(0, count, CHUNK):
        part = slice(start, min(start + CHUNK, count))
        a, b, cosines = found.a[part].tolist(), found.b[part].tolist(), found.cosines[part]
        stored = store.fetch(sorted({*a, *b}))
        for first, second, cosine, score in zip(a, b, cosines.tolist(), calibration.scores(cosines), strict=True):
            one, other = stored[first], stored[second]
            values = (one.id, other.id, round(float(score), 4), round(cosine, 4), one.sentence, other.sentence)
            yield dict(zip(COLUMNS, values, strict=True))


def _cells(row: dict[str, Any]) -> list[str]:
    return [f"{value:.2f}" if name == "score" else str(value) for name, value in row.items()]
