"""`python -m sts.augment` with methods that make contrasts."""

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from sts.augment.contrast_run import GROUPS, ContrastCounts, contrast_pairs, methods_of
from sts.augment.disk_set import DiskSet
from sts.errors import DataError, UsageError
from sts.files.options import FileOptions
from sts.files.table import Say
from sts.pairs.load import rows_of
from sts.pairs.rows import BadRow, OnBadRow
from sts.pairs.weak import ENDS
from sts.pairs.write import writing_rows


@dataclass(frozen=True)
class ContrastRun:
    """What a run makes of what."""

    data: list[str]
    output: Path
    groups: list[str]
    per_sentence: int
    seed: int
    workers: int | None


def contrast_groups(words: Sequence[str]) -> list[str]:
    """Those of `--methods` that make contrasts; none where it names others.

    Raises:
        UsageError: it names both, or one of them twice.
    """
    found = [word for word in words if word in GROUPS]
    others = ", ".join(word for word in words if word not in GROUPS)
    if found and others:
        raise UsageError(
            f"--methods: {', '.join(found)} write ranges of scores and {others} labels; give them in runs apart"
        )
    if len(set(found)) != len(found):
        raise UsageError(f"--methods {' '.join(words)}: give each once")
    return found


def write_contrasts(
    run: ContrastRun, *, files: FileOptions, on_bad_row: OnBadRow, kept_out: DiskSet, as_json: bool
) -> None:
    """Make the pairs, write them and say how many they are.

    Raises:
        DataError: a source that can't be read, a bad row that is not to be skipped, or no sentence at all.
    """
    from tqdm import tqdm

    named = " + ".join(run.data)
    say = _to_errors if as_json else print
    say(f"making contrasts of {named} into {run.output}: {', '.join(run.groups)}; seed {run.seed}")
    counts = ContrastCounts()
    with (
        tqdm(unit="pair", desc="augmenting", file=sys.stderr, disable=None) as bar,
        writing_rows(run.output, ("sentence1", "sentence2", *ENDS, "source")) as write,
    ):
        made = contrast_pairs(
            _sentences(run.data, files, on_bad_row, kept_out, say),
            methods_of(run.groups),
            per_sentence=run.per_sentence,
            seed=run.seed,
            workers=run.workers,
            counts=counts,
        )
        for pair in made:
            if pair.sentence2 not in kept_out:
                write(pair.row())
                counts.pairs[pair.source] += 1
                bar.update()
        if not counts.pairs:
            raise DataError(f"{named}: nothing to change in {counts.sentences:,} sentences; nothing was written")
    if as_json:
        found = {"output": str(run.output), "seed": run.seed, "sentences": counts.sentences}
        print(json.dumps(found | {"pairs": counts.pairs, "refused": counts.refused}, ensure_ascii=False, indent=2))
        return
    kinds = ", ".join(f"{number:,} {name}" for name, number in counts.pairs.items())
    refused = ", ".join(f"{number:,} {reason}" for reason, number in counts.refused.items())
    say(f"versions refused: {refused or 'none'}")
    say(f"{counts.pairs.total():,} pairs of {counts.sentences:,} sentences ({kinds}): {run.output}")


def _sentences(
    sources: list[str], files: FileOptions, on_bad_row: OnBadRow, kept_out: DiskSet, say: Say
) -> Iterator[str]:
    """The distinct sentences of the pairs, without those that are kept out."""
    with closing(DiskSet()) as seen:
        for source in sources:
            for row in rows_of(source, labelled=False, files=files, say=say):
                if isinstance(row, BadRow):
                    if on_bad_row == "error":
                        raise row.refused()
                    say(f"  skipped {row}")
                    continue
                for sentence in (row.sentence1, row.sentence2):
                    if sentence not in kept_out and seen.add(sentence):
                        yield sentence


def _to_errors(line: str) -> None:
    print(line, file=sys.stderr)
