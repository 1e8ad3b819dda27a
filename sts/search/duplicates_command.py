"""`python -m sts.search duplicates`."""

import csv
import json as json_module
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sts.errors import UsageError
from sts.files import replacing_file
from sts.models.bundled import ScorerPath, scorer_folder
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

    Args:
        index: folder of the index
        threshold: score from which on two sentences are a pair, above 0 and below 5
        model: the bi-encoder that the index was built with, for its scale of scores; not given: where it was then
        top: pairs that are printed, the most similar first
        output: CSV file for all pairs
        json: print all pairs as JSON lines, and not the first as a table
    """
    if not 0 < threshold < 5:
        raise UsageError(f"--threshold is {threshold}; allowed is above 0 and below 5")
    if top < 1:
        raise UsageError(f"--top is {top}; allowed is 1 or more")
    from sts.models.calibration import Calibration
    from sts.models.info import read_info
    from sts.search.duplicates import near_pairs
    from sts.search.index import read_state
    from sts.search.store import Store

    state = read_state(index)
    curves = read_info(model or scorer_folder(state.model)).calibration or {}
    if str(state.dimension) not in curves:
        raise UsageError(f"--model {model or state.model}: makes no vectors of {state.dimension} dimensions")
    calibration = Calibration(**curves[str(state.dimension)])
    cosine = calibration.cosine(threshold)
    said = sys.stderr if json else sys.stdout
    store = Store(index)
    try:
        with store.reading() as state:
            store.check(state)
            live = store.live()
            print(f"comparing {len(live):,} sentences: pairs from {threshold:g} on, cosine {cosine:.4f}", file=said)
            opened, vectors = store.load_index(state), store.vectors(state)
            found = near_pairs(
                opened,
                vectors,
                live,
                cosine,
                breadth=state.breadth,
                say=lambda line: print(line, file=said),
            )
            if output is not None:
                with replacing_file(output) as partial, partial.open("w", encoding="utf-8", newline="") as stream:
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
