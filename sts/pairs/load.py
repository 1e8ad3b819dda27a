"""Sets of pairs: from files, from the hub, or from the sample that comes with `sts`."""

import hashlib
import json
import sysconfig
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from sts.errors import DataError
from sts.files.options import AS_FOUND, FileOptions
from sts.files.table import Say, silent
from sts.pairs.rows import BadRow, OnBadRow, Pair, check_fields, flat, read_pairs
from sts.pairs.scale import STANDARD, ZERO_TO_FIVE, LabelCheck, LabelOptions, OtherScaleError, Scale

if TYPE_CHECKING:
    from datasets import Dataset

HUB_DATA = "klue-sts"
HUB_REPOSITORY = "klue/klue"
SAMPLE = "sample"
SAMPLES = {SAMPLE: "train.csv", "sample-test": "test.csv"}


@dataclass(frozen=True)
class LoadedPairs:
    """A set of pairs and the story of how it was read.

    Attributes:
        pairs: columns sentence1 and sentence2 in their one form, label from 0 to 5, and those of guid, source,
            binary_label that at least one row has.
        description: where the pairs come from, in a phrase.
        duplicates: exact duplicate rows that were removed.
        bad_rows: rows that were skipped, with the reasons.
        fingerprint: SHA-256 over the pairs and labels; the same pairs have the same fingerprint.
        labels: the units that the labels had.
        scale: what they were brought to 0 to 5 with.
    """

    pairs: "Dataset"
    description: str
    duplicates: int
    bad_rows: tuple[BadRow, ...]
    fingerprint: str
    labels: LabelOptions = ZERO_TO_FIVE
    scale: Scale = STANDARD

    def summary(self) -> str:
        """What was read and left out, in a line."""
        line = f"{self.description}: {len(self.pairs):,} pairs"
        if self.duplicates:
            line += f", {self.duplicates} exact duplicate{'s' * (self.duplicates > 1)} removed"
        if words := self.labels.words():
            line += f", labels read with {words}"
        if self.bad_rows:
            line += f", {len(self.bad_rows)} bad row{'s' * (len(self.bad_rows) > 1)} skipped"
        return line


def load_pairs(
    sources: Sequence[str] | None,
    *,
    announce: Callable[[str], None],
    on_bad_row: OnBadRow = "error",
    deduplicate: bool = True,
    files: FileOptions = AS_FOUND,
    labels: LabelOptions = ZERO_TO_FIVE,
    scale: Scale | None = None,
) -> LoadedPairs:
    """Load labelled pairs, check every row and the units of the labels, and remove exact duplicates.

    Args:
        sources: files (formats: see `sts.files.table`), `klue-sts` (the hub's KLUE-STS train set),
            `sample` or `sample-test` (the bundled pairs, to train and to test). None means
            `klue-sts` when the hub or its cache has it, else `sample`.
        announce: called with a line that says what is used and why, and one for each skipped row.
        on_bad_row: `error` stops at the first bad row, `skip` leaves bad rows out and lists them.
        deduplicate: remove rows that repeat another row's sentences and label.
        files: how files are read.
        labels: the units of the labels.
        scale: what `find_scale` found for several sets together; None finds it for this one.

    Raises:
        DataError: a source that can't be read, labels of another unit, a bad row (with `error`), or no usable row.
    """
    if sources is None:
        sources = [_default_source(announce)]
    kept: list[Pair] = []
    bad: list[BadRow] = []
    checks = []
    for source in sources:
        check = LabelCheck(source, labels)
        rows = list(rows_of(source, files=files, scale=scale or labels.scale(), say=announce, check=check))
        check.finish()
        checks.append(check)
        kept += [row for row in rows if isinstance(row, Pair)]
        bad += [row for row in rows if isinstance(row, BadRow)]
        if bad and on_bad_row == "error":
            raise bad[0].refused()
    if scale is None:
        scale = ends(labels.scale(), checks) if labels.label_scale == "min-max" else labels.scale()
        kept = [replace(pair, label=float(scale.score(pair.label))) for pair in kept] if scale.low is not None else kept
    unique = (
        list({(pair.sentence1, pair.sentence2, pair.label): pair for pair in kept}.values()) if deduplicate else kept
    )
    described = " + ".join(sources)
    if not unique:
        raise DataError(
            f"{described}: no usable pair among {len(bad)} rows; the first problem: {bad[0] if bad else 'no row'}"
        )
    loaded = LoadedPairs(
        _dataset(unique), described, len(kept) - len(unique), tuple(bad), _fingerprint(unique), labels, scale
    )
    announce(f"data: {loaded.summary()}")
    for row in bad:
        announce(f"  skipped {row}")
    return loaded


def find_scale(sets: Sequence[Sequence[str] | None], files: FileOptions, labels: LabelOptions) -> Scale | None:
    """The scale of several sets of pairs together: where it goes from the smallest label to the largest, of them all.

    Args:
        sets: sources as for `load_pairs`; None stands for no set.
        files: how files are read.
        labels: the units of the labels.

    Returns:
        None where each set is read by itself with the same result.
    """
    if labels.label_scale != "min-max" or sum(map(bool, sets)) < 2:
        return None
    check = LabelCheck("", labels)
    for source in (source for sources in sets for source in sources or ()):
        for _ in rows_of(source, files=files, scale=labels.scale(), check=check):
            pass
    return ends(labels.scale(), [check])


def load_intermediate(
    sources: Sequence[str] | None, *, announce: Callable[[str], None], on_bad_row: OnBadRow = "error"
) -> LoadedPairs | None:
    """The pairs of an intermediate task, labelled from 0 to 5; None where there is none.

    Raises:
        DataError: as `load_pairs`.
    """
    if not sources:
        return None
    try:
        return load_pairs(sources, announce=announce, on_bad_row=on_bad_row)
    except OtherScaleError as error:
        raise DataError(
            f"--intermediate-data: {error.found}; its labels must be from 0 to 5: python -m sts.pairs convert --data "
            f"FILE --label-scale {error.scale} --output pairs.csv makes them so"
        ) from error


def load_sentences(
    sources: Sequence[str],
    *,
    announce: Callable[[str], None],
    on_bad_row: OnBadRow = "error",
    files: FileOptions = AS_FOUND,
) -> list[str]:
    """The distinct sentences of pairs, whose labels do not matter, in the order of the files.

    Args:
        sources: as for `load_pairs`.
        announce: as for `load_pairs`.
        on_bad_row: as for `load_pairs`.
        files: how files are read.

    Raises:
        DataError: a source that can't be read, a bad row (with `error`), or no sentence.
    """
    found: dict[str, None] = {}
    pairs = skipped = 0
    for source in sources:
        for row in rows_of(source, labelled=False, files=files, say=announce):
            if isinstance(row, Pair):
                pairs += 1
                found |= dict.fromkeys((row.sentence1, row.sentence2))
            elif on_bad_row == "error":
                raise row.refused()
            else:
                skipped += 1
                announce(f"  skipped {row}")
    described = " + ".join(sources)
    if not found:
        raise DataError(f"{described}: no usable pair among {skipped} rows")
    announce(f"data: {described}: {pairs:,} pairs" + (f", {skipped:,} bad rows skipped" if skipped else ""))
    return list(found)


def rows_of(
    source: str,
    *,
    labelled: bool = True,
    files: FileOptions = AS_FOUND,
    scale: Scale = STANDARD,
    say: Say = silent,
    check: LabelCheck | None = None,
) -> Iterator[Pair | BadRow]:
    """The rows of one source, one after the other; see `load_pairs` and `sts.pairs.rows.read_pairs`.

    Raises:
        DataError: the source can't be read.
    """
    if source in SAMPLES:
        yield from read_pairs(bundled_file("sample", SAMPLES[source]), labelled=labelled, scale=scale, check=check)
    elif source == HUB_DATA:
        yield from _hub_rows(scale, check)
    else:
        yield from read_pairs(Path(source), labelled=labelled, options=files, scale=scale, say=say, check=check)


def ends(scale: Scale, checks: Sequence[LabelCheck]) -> Scale:
    """The scale of `min-max`, with the ends of all the labels that were seen."""
    return scale.between(min(check.low for check in checks), max(check.high for check in checks))


def bundled_file(folder: str, name: str) -> Path:
    """A file of a bundled folder of `data`, in a checkout or where a wheel installed it.

    Raises:
        DataError: it is in neither place.
    """
    checkout = Path(__file__).parents[2] / "data" / folder
    installed = Path(sysconfig.get_path("data")) / "share" / "korean-sts" / folder
    for place in (checkout, installed):
        if (place / name).is_file():
            return place / name
    raise DataError(
        f"the bundled file {folder}/{name} is missing; looked in {checkout} and {installed}; install korean-sts again"
    )


def _default_source(announce: Callable[[str], None]) -> str:
    from sts.encoders import hub_has

    reason = hub_has(HUB_REPOSITORY, kind="dataset")
    if reason is None:
        return HUB_DATA
    announce(f"data: {SAMPLE} (the bundled sample pairs; {HUB_REPOSITORY} {reason})")
    return SAMPLE


def _hub_rows(scale: Scale, check: LabelCheck | None) -> Iterator[Pair | BadRow]:
    from datasets import load_dataset

    try:
        rows = load_dataset(HUB_REPOSITORY, "sts", split="train")
    except (OSError, ValueError) as error:  # what the hub's client raises when it can't reach or find it
        raise DataError(
            f"--data {HUB_DATA}: {HUB_REPOSITORY} can't be read from the hub or its cache "
            f"({str(error).splitlines()[0]}); name a file, or '{SAMPLE}' for the bundled pairs"
        ) from error
    for number, row in enumerate(rows, 1):
        if check is not None:
            check.see(flat(row).get("label"))
        pair = check_fields(row, labelled=True, scale=scale)
        yield BadRow(HUB_REPOSITORY, f"row {number}", pair) if isinstance(pair, str) else pair


def _dataset(pairs: list[Pair]) -> "Dataset":
    from datasets import Dataset

    columns: dict[str, list[object]] = {
        "sentence1": [pair.sentence1 for pair in pairs],
        "sentence2": [pair.sentence2 for pair in pairs],
        "label": [pair.label for pair in pairs],
    }
    for name in ("guid", "source", "binary_label"):
        values = [getattr(pair, name) for pair in pairs]
        if any(value is not None for value in values):
            columns[name] = values
    return Dataset.from_dict(columns)


def _fingerprint(pairs: list[Pair]) -> str:
    digest = hashlib.sha256()
    for pair in pairs:
        digest.update(json.dumps([pair.sentence1, pair.sentence2, pair.label], ensure_ascii=False).encode())
    return digest.hexdigest()
