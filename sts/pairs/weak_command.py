"""`python -m sts.pairs weak`."""

import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from sts.bundled import ScorerPath
from sts.errors import DataError, UsageError
from sts.files.options import AS_FOUND, FileOptions
from sts.pairs.rows import BadRow, OnBadRow
from sts.pairs.write import check_output_file

if TYPE_CHECKING:
    from sts.pairs.weak import WeakPair


def weak(
    *,
    files: FileOptions = AS_FOUND,
    nli: list[Path] | None = None,
    paraphrase_sets: list[Path] | None = None,
    round_trip: list[Path] | None = None,
    duplicates: list[Path] | None = None,
    output: Path,
    teacher: ScorerPath | None = None,
    pairs_per_set: int = 5,
    near_misses: int = 2,
    on_bad_row: OnBadRow = "error",
    seed: int = 42,
    overwrite: bool = False,
) -> None:
    """Write pairs with a range of scores, from sets that are annotated otherwise.

    Args:
        files: how the files are read
        nli: files of premise, hypothesis and label (entailment, neutral, contradiction)
        paraphrase_sets: files of set_id and sentence; the sentences of a set mean the same
        round_trip: files of sentence and round_trip, its translation there and back
        duplicates: files of two sentences and duplicate (1 = they ask the same) or different (1 = they do not)
        output: file for the pairs (.tsv, .csv, .jsonl or .xlsx), with the columns sentence1, sentence2, label_min,
            label_max, source and, with a teacher, label
        teacher: folder of a scorer, or bundled-cross or bundled-bi; label is its score, brought into the range
        pairs_per_set: pairs drawn from within each set of paraphrases, at most
        near_misses: pairs drawn of each set and the one after it, which in such files is often of the same topic
        on_bad_row: error = stop at a row that can't be used, skip = leave it out and list it
        seed: decides which pairs of the sets are drawn
        overwrite: replace what is at OUTPUT
    """
    sources = {
        "--nli": nli,
        "--paraphrase-sets": paraphrase_sets,
        "--round-trip": round_trip,
        "--duplicates": duplicates,
    }
    paths = [path for given in sources.values() for path in given or []]
    if not paths:
        raise UsageError(f"nothing to read; give one or more of {', '.join(sources)}")
    if pairs_per_set < 0 or near_misses < 0 or seed < 0:
        raise UsageError("--pairs-per-set, --near-misses and --seed: allowed are numbers from 0 on")
    check_output_file(output, paths, overwrite=overwrite)

    import numpy as np

    from sts.pairs.weak import duplicate_pairs, nli_pairs, paraphrase_pairs, round_trip_pairs

    print(f"reading {', '.join(map(str, paths))} into {output}", flush=True)
    generator = np.random.default_rng(seed)
    readers = {
        "--nli": nli_pairs,
        "--round-trip": round_trip_pairs,
        "--duplicates": duplicate_pairs,
        "--paraphrase-sets": lambda path, **options: paraphrase_pairs(
            path, pairs_per_set=pairs_per_set, near_misses=near_misses, generator=generator, **options
        ),
    }
    named = [(read, path) for flag, read in readers.items() for path in sources[flag] or []]
    rows = (row for read, path in named for row in read(path, files=files, say=_say))
    pairs, told = _merged(rows, on_bad_row)
    _write(pairs, output, teacher)
    counts = Counter(pair.source for pair in pairs)
    kinds = ", ".join(f"{number:,} {kind.replace('_', ' ')}" for kind, number in counts.items())
    print(f"{len(pairs):,} pairs ({kinds}){told}: {output}")


def _merged(rows: "Iterator[WeakPair | BadRow]", on_bad_row: OnBadRow) -> "tuple[list[WeakPair], str]":
    """The pairs, each once in whichever order, and what was left out on the way, for people."""
    found: dict[tuple[str, str], WeakPair] = {}
    bad = clashes = 0
    for pair in _good(rows, on_bad_row):
        if pair is None:
            bad += 1
            continue
        key = (min(pair.sentence1, pair.sentence2), max(pair.sentence1, pair.sentence2))
        before = found.setdefault(key, pair)
        clashes += before.source != pair.source
    told = f"; {bad:,} bad rows skipped" * bool(bad)
    told += f"; {clashes:,} pairs came again with another annotation, and the first one holds" * bool(clashes)
    return list(found.values()), told


def _good(rows: "Iterator[WeakPair | BadRow]", on_bad_row: OnBadRow) -> "Iterator[WeakPair | None]":
    """The pairs; None for each bad row, which is told, or raised."""
    for row in rows:
        if not isinstance(row, BadRow):
            yield row
            continue
        if on_bad_row == "error":
            raise row.refused()
        _say(f"skipped {row}")
        yield None


def _write(pairs: "list[WeakPair]", output: Path, teacher: Path | None) -> None:
    from sts.pairs.write import writing_rows

    if not pairs:
        raise DataError("the files hold no pair; nothing was written")
    rows = [pair.row() for pair in pairs]
    if teacher is not None:
        from sts.models import load_scorer

        scorer = load_scorer(teacher)
        _say(f"labels: the scores of {teacher}, brought into the ranges")
        scores = scorer.score([p.sentence1 for p in pairs], [p.sentence2 for p in pairs], progress=True).scores
        outside = 0
        for pair, row, score in zip(pairs, rows, scores, strict=True):
            row["label"] = round(min(max(float(score), pair.label_min), pair.label_max), 4)
            outside += not pair.label_min <= float(score) <= pair.label_max
        _say(f"{outside:,} of {len(pairs):,} of its scores lay outside")
    with writing_rows(output) as write:
        for row in rows:
            write(row)


def _say(line: str) -> None:
    print(line, file=sys.stderr)
