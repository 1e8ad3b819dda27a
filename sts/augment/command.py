"""`python -m sts.augment`."""

import itertools
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from sts.augment.contrast_command import ContrastRun, contrast_groups, write_contrasts
from sts.augment.dataset import describe_mix
from sts.augment.disk_set import DiskSet
from sts.augment.mix import METHODS, check_settings, parse_mix
from sts.augment.run import Counts, augment_pairs, has_sentence_of
from sts.augment.settings import AugmentSettings
from sts.errors import DataError, UsageError
from sts.files.options import AS_FOUND, FileOptions
from sts.pairs.load import ends, rows_of
from sts.pairs.rows import BadRow, OnBadRow, Pair
from sts.pairs.scale import ZERO_TO_FIVE, LabelCheck, LabelOptions, Scale
from sts.pairs.write import check_output_file, writing_rows

COLUMNS = ("guid", "source", "sentence1", "sentence2", "label", "binary_label")
# far above any machine's cores; without a bound, a slip of the finger starts a million threads
MAX_WORKERS = 1024
# written only where a pair has them
OPTIONAL_COLUMNS = ("source", "binary_label")


def augment(
    *,
    settings: AugmentSettings,
    files: FileOptions = AS_FOUND,
    labels: LabelOptions = ZERO_TO_FIVE,
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
        files: how files of pairs are read
        labels: the units of their labels; what is written is from 0 to 5
        data: files of labelled pairs (CSV, TSV, JSON, JSON lines, Parquet, Excel), klue-sts (from the hub), sample or
            sample-test (bundled)
        output: file for the pairs and the new ones after them (.tsv, .csv, .jsonl or .xlsx)
        methods: what makes new pairs, each with a weight if wanted (sr ri:2): sr = synonym replacement, ri = random
            insertion of synonyms, rs = random swap of words, rd = random deletion of words, aeda = punctuation between
            words, mlm = words that a masked language model inserts, bt = back-translation by way of English, swap = the
            two sentences change places; eda = sr ri rs rd, which is the default. Or, apart from these, what makes pairs
            of a sentence and a version of it with a range of scores (label_min, label_max), for sts.train --weak-data:
            contrast = opposites, siblings and denials, numbers = another number, or the same in words or digits,
            roles = who and whom, or from and to, change places, spelling = errors in spacing and typing
        held_out: files of pairs whose sentences must not occur in the output, such as a test set
        seed: decides every new pair
        workers: threads that analyse sentences, 1 to 1024; not given: one a core
        only_new: leave the given pairs out of the output
        on_bad_row: error = stop at a row of --data that can't be used, skip = leave it out and list it
        overwrite: replace what is at OUTPUT
        json: print what was counted as JSON, and nothing else, on standard output
    """
    _check_values(seed, workers)
    check_output_file(output, [*data, *(held_out or [])], overwrite=overwrite)
    if groups := contrast_groups(methods or []):
        check_settings(dict.fromkeys(groups, 1.0), settings)
        if only_new or labels != ZERO_TO_FIVE:
            raise UsageError(f"--only-new and labels: {', '.join(groups)} write new pairs alone, with ranges")
        run = ContrastRun(data, output, groups, settings.new_per_pair, seed, workers)
        with closing(_sentences_of(held_out or [], files)) as kept_out:
            write_contrasts(run, files=files, on_bad_row=on_bad_row, kept_out=kept_out, as_json=json)
        return
    mix = parse_mix(methods or ["eda"])
    check_settings(mix, settings)
    from tqdm import tqdm

    def say(line: str) -> None:
        print(line, file=sys.stderr if json else sys.stdout, flush=True)

    new = f"up to {settings.new_per_pair} new pairs from each by {describe_mix(mix)}"
    say(f"augmenting {' + '.join(data)} into {output}: {new}; seed {seed}")
    given = _Pairs(tuple(data), on_bad_row, files, labels, labels.scale())
    found = given.survey(say)
    pairs = replace(given, scale=found.scale)
    counts = Counts()
    with (
        closing(_sentences_of(held_out or [], files)) as kept_out,
        tqdm(total=found.pairs, unit="pair", desc="augmenting", file=sys.stderr, disable=None) as bar,
    ):
        old = () if only_new else (pair for pair in pairs if not has_sentence_of(pair, kept_out))
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
        with writing_rows(output) as write:
            for pair in itertools.chain(old, made):
                write({name: getattr(pair, name) for name in found.columns})
    if json:
        _print_json({"output": str(output), "seed": seed, "mix": mix, "settings": asdict(settings), **asdict(counts)})
        return
    _show(counts)
    written = counts.new + (0 if only_new else counts.pairs)
    say(f"{written:,} pairs, {counts.new:,} of them new: {output}")


@dataclass(frozen=True)
class _Survey:
    """How many good pairs there are, which columns they need, and the scale of their labels."""

    pairs: int
    columns: tuple[str, ...]
    scale: Scale


@dataclass(frozen=True)
class _Pairs:
    """The pairs of some sources, read anew each time, so that none need be kept."""

    sources: tuple[str, ...]
    on_bad_row: OnBadRow
    files: FileOptions
    labels: LabelOptions
    scale: Scale

    def __iter__(self) -> Iterator[Pair]:
        for source in self.sources:
            for row in rows_of(source, files=self.files, scale=self.scale):
                if isinstance(row, Pair):
                    yield row

    def survey(self, say: Callable[[str], None]) -> _Survey:
        """Go through all rows once, and list those that are skipped.

        Raises:
            DataError: a source that can't be read, labels of another unit, a bad row that is not to be skipped, or no
                pair at all.
        """
        count, skipped, used = 0, 0, set()
        checks = []
        for source in self.sources:
            checks.append(LabelCheck(source, self.labels))
            first_bad = None
            for row in rows_of(source, files=self.files, scale=self.scale, say=say, check=checks[-1]):
                if isinstance(row, Pair):
                    count += 1
                    used |= {name for name in OPTIONAL_COLUMNS if getattr(row, name) is not None}
                elif self.on_bad_row == "error":
                    first_bad = first_bad or row
                else:
                    skipped += 1
                    say(f"  skipped {row}")
            checks[-1].finish()
            if first_bad is not None:
                raise first_bad.refused()
        named = " + ".join(self.sources)
        if not count:
            raise DataError(f"{named}: no usable pair among {skipped} rows; nothing to augment")
        say(f"data: {named}: {count:,} pairs" + (f", {skipped:,} bad rows skipped" if skipped else ""))
        columns = tuple(name for name in COLUMNS if name in used or name not in OPTIONAL_COLUMNS)
        scale = ends(self.scale, checks) if self.labels.label_scale == "min-max" else self.scale
        return _Survey(count, columns, scale)


def _check_values(seed: int, workers: int | None) -> None:
    if seed < 0:
        raise UsageError(f"--seed is {seed}, allowed is 0 or more")
    if workers is not None and not 1 <= workers <= MAX_WORKERS:
        raise UsageError(f"--workers is {workers}, allowed is 1 to {MAX_WORKERS}")


def _sentences_of(sources: Iterable[str], files: FileOptions) -> DiskSet:
    """The sentences of files that are held out; a row that can't be read might hide one, so it stops all."""
    sentences = DiskSet()
    for source in sources:
        for row in rows_of(source, labelled=False, files=files):
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
