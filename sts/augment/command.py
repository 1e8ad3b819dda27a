"""`python -m sts.augment`."""

import itertools
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sts.augment.dataset import describe_mix
from sts.augment.disk_set import DiskSet
from sts.augment.mix import METHODS, check_settings, parse_mix
from sts.augment.run import Counts, augment_pairs, has_sentence_of
from sts.augment.settings import AugmentSettings
from sts.errors import DataError, UsageError
from sts.files import replacing_file
from sts.pairs.load import rows_of
from sts.pairs.rows import BadRow, OnBadRow, Pair
from sts.pairs.write import WRITERS

COLUMNS = ("guid", "source", "sentence1", "sentence2", "label", "binary_label")
# far above any machine's cores; without a bound, a slip of the finger starts a million threads
MAX_WORKERS = 1024
# written only where a pair has them
OPTIONAL_COLUMNS = ("source", "binary_label")


def augment(
    *,
    settings: AugmentSettings,
    data: list[str],
    output: Path,
    methods: list[str] | None = None,
    held_out: list[str] | None = None,
    seed: int = 42,
    workers: int | None = None,
    only_new: bool = False,
    on_bad_row: OnBadRow = "error",
    overwrite: bool = False,
    json: bool = False,
) -> None:
    """Make more training pairs of the ones there are.

    Args:
        settings: how to augment
        data: files of labelled pairs (CSV, TSV, JSON lines, KLUE's JSON, Parquet), klue-sts (from the hub), sample or
            sample-test (bundled)
        output: file for the pairs and the new ones after them (.tsv, .csv or .jsonl)
        methods: what makes new pairs, each with a weight if wanted (sr ri:2): sr = synonym replacement, ri = random
            insertion of synonyms, rs = random swap of words, rd = random deletion of words, aeda = punctuation between
            words, mlm = words that a masked language model inserts, bt = back-translation by way of English, swap = the
            two sentences change places; eda = sr ri rs rd, which is the default
        held_out: files of pairs whose sentences must not occur in the output, such as a test set
        seed: decides every new pair
        workers: threads that analyse sentences, 1 to 1024; not given: one a core
        only_new: leave the given pairs out of the output
        on_bad_row: error = stop at a row of --data that can't be used, skip = leave it out and list it
        overwrite: replace what is at OUTPUT
        json: print what was counted as JSON, and nothing else, on standard output
    """
    mix = parse_mix(methods or ["eda"])
    check_settings(mix, settings)
    _check_values(seed, workers)
    _check_output(output, [*data, *(held_out or [])], overwrite=overwrite)
    from tqdm import tqdm

    def say(line: str) -> None:
        print(line, file=sys.stderr if json else sys.stdout, flush=True)

    new = f"up to {settings.new_per_pair} new pairs from each by {describe_mix(mix)}"
    say(f"augmenting {' + '.join(data)} into {output}: {new}; seed {seed}")
    pairs = _Pairs(tuple(data), on_bad_row)
    found = pairs.survey(say)
    counts = Counts()
    with (
        closing(_sentences_of(held_out or [])) as kept_out,
        tqdm(total=found.pairs, unit="pair", desc="augmenting", file=sys.stderr, disable=None) as bar,
    ):
        given = () if only_new else (pair for pair in pairs if not has_sentence_of(pair, kept_out))
        made = augment_pairs(
            pairs,
            mix,
            settings,
            seed=seed,
            counts=counts,
            held_out=kept_out,
            workers=workers,
            progress=bar.update,
        )
        with replacing_file(output) as partial, partial.open("w", encoding="utf-8", newline="") as stream:
            write = WRITERS[output.suffix](stream)
            for pair in itertools.chain(given, made):
                write({name: getattr(pair, name) for name in found.columns})
    if json:
        _print_json({"output": str(output), "seed": seed, "mix": mix, "settings": asdict(settings), **asdict(counts)})
        return
    _show(counts)
    written = counts.new + (0 if only_new else counts.pairs)
    say(f"{written:,} pairs, {counts.new:,} of them new: {output}")


@dataclass(frozen=True)
class _Survey:
    """How many good pairs there are, and which columns they need."""

    pairs: int
    columns: tuple[str, ...]


@dataclass(frozen=True)
class _Pairs:
    """The pairs of some sources, read anew each time, so that none need be kept."""

    sources: tuple[str, ...]
    on_bad_row: OnBadRow

    def __iter__(self) -> Iterator[Pair]:
        return (row for row in self._rows() if isinstance(row, Pair))

    def _rows(self) -> Iterator[Pair | BadRow]:
        for source in self.sources:
            yield from rows_of(source)

    def survey(self, say: Callable[[str], None]) -> _Survey:
        """Go through all rows once, and list those that are skipped.

        Raises:
            DataError: a source that can't be read, a bad row that is not to be skipped, or no pair at all.
        """
        count, skipped, used = 0, 0, set()
        for row in self._rows():
            if isinstance(row, Pair):
                count += 1
                used |= {name for name in OPTIONAL_COLUMNS if getattr(row, name) is not None}
            elif self.on_bad_row == "error":
                raise DataError(f"{row} (--on-bad-row skip leaves such rows out)")
            else:
                skipped += 1
                say(f"  skipped {row}")
        named = " + ".join(self.sources)
        if not count:
            raise DataError(f"{named}: no usable pair among {skipped} rows; nothing to augment")
        say(f"data: {named}: {count:,} pairs" + (f", {skipped:,} bad rows skipped" if skipped else ""))
        return _Survey(count, tuple(name for name in COLUMNS if name in used or name not in OPTIONAL_COLUMNS))


def _check_values(seed: int, workers: int | None) -> None:
    if seed < 0:
        raise UsageError(f"--seed is {seed}, allowed is 0 or more")
    if workers is not None and not 1 <= workers <= MAX_WORKERS:
        raise UsageError(f"--workers is {workers}, allowed is 1 to {MAX_WORKERS}")


def _check_output(output: Path, sources: list[str], *, overwrite: bool) -> None:
    if output.suffix not in WRITERS:
        raise UsageError(f"--output {output}: allowed are files that end in {', '.join(WRITERS)}")
    for source in sources:
        if Path(source).resolve() == output.resolve():
            raise UsageError(f"--output {output}: is an input file; name another")
    if output.is_dir():
        raise UsageError(f"--output {output}: is a folder; name a file")
    if output.exists() and not overwrite:
        raise UsageError(f"--output {output}: the file exists; name another one, or add --overwrite to replace it")


def _sentences_of(sources: Iterable[str]) -> DiskSet:
    """The sentences of files that are held out; a row that can't be read might hide one, so it stops all."""
    sentences = DiskSet()
    for source in sources:
        for row in rows_of(source, labelled=False):
            if isinstance(row, BadRow):
                raise DataError(f"--held-out {row}; correct or remove the row")
            sentences.add(row.sentence1)
            sentences.add(row.sentence2)
    return sentences


def _show(counts: Counts) -> None:
    """Print the counts as a table."""
    from sts.tables import Table

    always = [("pairs", counts.pairs), ("new pairs wanted", counts.wanted), ("new pairs", counts.new)]
    always += [(f"  by {name}: {METHODS[name]}", number) for name, number in counts.methods.items()]
    attempts = {"nothing to change": counts.unchanged, "a pair that is there already": counts.duplicates}
    attempts |= {f"refused, {reason}": number for reason, number in sorted(counts.rejected.items())}
    attempts |= {"a held-out sentence": counts.collisions}
    seldom = [
        ("labels moved by the scorer", counts.relabelled),
        ("new pairs dropped for their score", counts.label_dropped),
        ("pairs left out for a held-out sentence", counts.held_out),
        *((f"attempts in vain: {reason}", number) for reason, number in attempts.items()),
    ]
    rows = always + [(name, number) for name, number in seldom if number]
    Table(["what", "number"], [[name, f"{number:,}"] for name, number in rows]).show()


def _print_json(value: dict[str, Any]) -> None:
    import json

    print(json.dumps(value, ensure_ascii=False, indent=2))
