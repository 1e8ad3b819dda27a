"""Weak labels: what other annotations say of a pair's score, which is a range and not a number.

An NLI label, a set of paraphrases, a translation there and back, or a flag that two questions are the same: none says
how similar two sentences are, and each says between which scores of KLUE's rubric their similarity lies.
"""

import hashlib
import json
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sts.errors import DataError
from sts.files.columns import Columns
from sts.files.options import AS_FOUND, FileOptions
from sts.files.table import RawRow, Say, read_table, silent
from sts.pairs.rows import ALIASES, SENTENCES, BadRow, OnBadRow, check_sentence, number_of
from sts.text.form import composed

if TYPE_CHECKING:
    import numpy as np
    from datasets import Dataset

MAX_SCORE = 5.0
ENDS = ("label_min", "label_max")
# what each annotation says, in scores from 0 to 5; docs/data.md says why
RANGES = {
    "entailment": (3.0, 5.0),
    "neutral": (0.5, 3.5),
    "contradiction": (0.0, 2.0),
    "paraphrase": (4.0, 5.0),
    "near_miss": (0.0, 2.8),
    "round_trip": (3.5, 5.0),
    "duplicate": (3.5, 5.0),
    "different": (0.0, 2.8),
}
# pairs of either kind from which on their overlap tells them apart
ENOUGH_TO_TELL = 50
NLI_LABELS = ("entailment", "neutral", "contradiction")
NLI = Columns(
    (*SENTENCES, "label"),
    aliases={
        "sentence1": ("premise", "전제", *ALIASES["sentence1"]),
        "sentence2": ("hypothesis", "가설", *ALIASES["sentence2"]),
        "label": ("gold_label", "gold_labels"),
    },
)
ROUND_TRIP = Columns(("sentence", "round_trip"), aliases={"round_trip": ("back_translation", "역번역")})
DUPLICATES = Columns(
    SENTENCES,
    ("duplicate", "different"),
    {
        "sentence1": ("question1", *ALIASES["sentence1"]),
        "sentence2": ("question2", *ALIASES["sentence2"]),
        "duplicate": ("is_duplicate", "same"),
    },
    any_of=True,
)
WEAK = Columns((*SENTENCES, *ENDS), aliases={name: ALIASES[name] for name in SENTENCES})
SETS = Columns(
    ("set_id", "sentence"), aliases={"set_id": ("set", "group", "cluster"), "sentence": ("utterance", "문장")}
)


@dataclass(frozen=True)
class WeakPair:
    """Two sentences, between which scores (0 to 5) their similarity lies, and which annotation says so."""

    sentence1: str
    sentence2: str
    label_min: float
    label_max: float
    source: str

    def row(self) -> dict[str, Any]:
        """The pair as a row of a file."""
        return asdict(self)


def weak_pair(first: str, second: str, kind: str) -> WeakPair:
    """A pair of which an annotation of `RANGES` says what it says."""
    return WeakPair(composed(first).strip(), composed(second).strip(), *RANGES[kind], kind)


def nli_pairs(path: Path, *, files: FileOptions = AS_FOUND, say: Say = silent) -> Iterator[WeakPair | BadRow]:
    """Pairs of an NLI set: premise, hypothesis and `entailment`, `neutral` or `contradiction`.

    Raises:
        DataError: the file can't be read, or lacks a column.
    """
    for row in read_table(path, NLI, options=files, say=say):
        fields = _fields(row, SENTENCES)
        if isinstance(fields, str):
            yield BadRow(str(path), row.place, fields)
            continue
        label = str(fields.get("label")).strip().lower()
        if label not in NLI_LABELS:
            yield BadRow(str(path), row.place, f"field 'label' is {label!r:.60}; it must be {', '.join(NLI_LABELS)}")
            continue
        yield weak_pair(fields["sentence1"], fields["sentence2"], label)


def round_trip_pairs(path: Path, *, files: FileOptions = AS_FOUND, say: Say = silent) -> Iterator[WeakPair | BadRow]:
    """Sentences and their translations there and back; those that came back as they went are left out.

    Raises:
        DataError: the file can't be read, or lacks a column.
    """
    for row in read_table(path, ROUND_TRIP, options=files, say=say):
        fields = _fields(row, ("sentence", "round_trip"))
        if isinstance(fields, str):
            yield BadRow(str(path), row.place, fields)
        elif composed(fields["sentence"]).strip() != composed(fields["round_trip"]).strip():
            yield weak_pair(fields["sentence"], fields["round_trip"], "round_trip")


def duplicate_pairs(path: Path, *, files: FileOptions = AS_FOUND, say: Say = silent) -> Iterator[WeakPair | BadRow]:
    """Pairs of texts and whether they ask the same: `duplicate` is 1 where they do, `different` where they do not.

    Raises:
        DataError: the file can't be read, or lacks a column; the pairs that are called the same share fewer
            characters than the others, so that the flag means the opposite of its name.
    """
    shared: dict[str, list[float]] = {"duplicate": [], "different": []}
    for row in read_table(path, DUPLICATES, options=files, say=say):
        fields = _fields(row, SENTENCES)
        if isinstance(fields, str):
            yield BadRow(str(path), row.place, fields)
            continue
        name = "duplicate" if "duplicate" in fields else "different"
        given = fields.get(name)
        flag = number_of(int(given) if isinstance(given, bool) else given)
        if flag not in (0, 1):
            yield BadRow(str(path), row.place, f"field '{name}' is {fields.get(name)!r:.60}; it must be 0 or 1")
            continue
        kind = "duplicate" if (flag == 1) == (name == "duplicate") else "different"
        pair = weak_pair(fields["sentence1"], fields["sentence2"], kind)
        shared[kind].append(_overlap(pair.sentence1, pair.sentence2))
        yield pair
    _check_direction(path, shared)


def paraphrase_pairs(
    path: Path,
    *,
    pairs_per_set: int,
    near_misses: int,
    generator: "np.random.Generator",
    files: FileOptions = AS_FOUND,
    say: Say = silent,
) -> Iterator[WeakPair | BadRow]:
    """Pairs of sets of sentences that mean the same.

    Args:
        path: a file of `set_id` and `sentence`.
        pairs_per_set: pairs drawn from within each set, at most.
        near_misses: pairs drawn of each set and the one after it in the file, which in such collections is of the
            same topic and asks something else.
        generator: draws them.
        files: how the file is read.
        say: told what was assumed.

    Raises:
        DataError: the file can't be read, or lacks a column.
    """
    sets: dict[str, list[str]] = {}
    for row in read_table(path, SETS, options=files, say=say):
        fields = _fields(row, ("sentence",))
        if isinstance(fields, str):
            yield BadRow(str(path), row.place, fields)
        elif fields.get("set_id") in (None, ""):
            yield BadRow(str(path), row.place, "field 'set_id' is empty; it must name the set")
        else:
            members = sets.setdefault(str(fields["set_id"]), [])
            members.append(composed(fields["sentence"]).strip())
    groups = [list(dict.fromkeys(members)) for members in sets.values()]
    for group, following in zip(groups, [*groups[1:], []], strict=True):
        others = [sentence for sentence in following if sentence not in set(group)]
        for first, second in _drawn(len(group), None, pairs_per_set, generator):
            yield weak_pair(group[first], group[second], "paraphrase")
        for first, second in _drawn(len(group), len(others), near_misses, generator):
            yield weak_pair(group[first], others[second], "near_miss")


def _drawn(first: int, second: int | None, number: int, generator: "np.random.Generator") -> Iterator[tuple[int, int]]:
    """Different places (i, j) of two lists, or with i < j of one, so many or all there are, without making them all."""
    total = first * (first - 1) // 2 if second is None else first * second
    for place in sorted(generator.choice(total, size=min(number, total), replace=False).tolist() if total else []):
        if second is not None:
            yield divmod(place, second)
        else:
            j = (1 + math.isqrt(1 + 8 * place)) // 2
            yield place - j * (j - 1) // 2, j


@dataclass(frozen=True)
class LoadedWeak:
    """Weakly labelled pairs and the story of how they were read.

    Attributes:
        pairs: columns sentence1, sentence2, label_min and label_max, 0 to 5.
        description: where they come from.
        fingerprint: SHA-256 over the pairs and ranges.
    """

    pairs: "Dataset"
    description: str
    fingerprint: str


def load_weak(
    paths: Sequence[Path] | None, *, announce: Callable[[str], None], on_bad_row: OnBadRow = "error"
) -> LoadedWeak | None:
    """Load files with the columns `sentence1`, `sentence2`, `label_min` and `label_max`; None where none is named.

    Raises:
        DataError: a file can't be read, lacks a column, has a row that can't be used, or none that can.
    """
    from datasets import Dataset

    if not paths:
        return None
    found: dict[tuple[str, str], tuple[str, str, float, float]] = {}
    skipped = clashes = 0
    for path in paths:
        for row in read_table(path, WEAK, say=announce):
            pair = _ranged(row)
            if isinstance(pair, str):
                bad = BadRow(str(path), row.place, pair)
                if on_bad_row == "error":
                    raise bad.refused()
                announce(f"skipped {bad}")
                skipped += 1
            else:
                before = found.setdefault((min(pair[:2]), max(pair[:2])), pair)
                clashes += before[2:] != pair[2:]
    if not found:
        raise DataError(f"{' + '.join(map(str, paths))}: holds no pair with a range of scores")
    if clashes:
        announce(f"weak data: {clashes:,} pairs came again with another range, and the first one holds")
    rows = list(found.values())
    columns = dict(zip((*SENTENCES, *ENDS), map(list, zip(*rows, strict=True)), strict=True))
    digest = hashlib.sha256(json.dumps(rows, ensure_ascii=False).encode()).hexdigest()
    description = f"{' + '.join(map(str, paths))}: {len(rows):,} pairs with a range of scores"
    announce(f"weak data: {description}" + f", {skipped:,} bad rows skipped" * bool(skipped))
    return LoadedWeak(Dataset.from_dict(columns), description, digest)


def _ranged(row: RawRow) -> tuple[str, str, float, float] | str:
    fields = _fields(row, SENTENCES)
    if isinstance(fields, str):
        return fields
    low, high = number_of(fields.get("label_min")), number_of(fields.get("label_max"))
    if low is None or high is None or not 0 <= low <= high <= MAX_SCORE:
        return (
            f"fields 'label_min' and 'label_max' are {fields.get('label_min')!r:.40} and "
            f"{fields.get('label_max')!r:.40}; they must be numbers from 0 to 5, label_min not above label_max"
        )
    return composed(fields["sentence1"]).strip(), composed(fields["sentence2"]).strip(), low, high


def _fields(row: RawRow, sentences: Sequence[str]) -> dict[str, Any] | str:
    """A row's fields, or what is wrong with its sentences."""
    if isinstance(row.fields, str):
        return row.fields
    for name in sentences:
        if name not in row.fields:
            return f"field '{name}' is missing; found {', '.join(row.fields):.200}"
        if problem := check_sentence(name, row.fields[name]):
            return problem
    return row.fields


def _overlap(first: str, second: str) -> float:
    """Share of characters, without spaces, that two texts have in common, 0 to 1."""
    a, b = set("".join(first.split())), set("".join(second.split()))
    return len(a & b) / max(1, len(a | b))


def _check_direction(path: Path, shared: dict[str, list[float]]) -> None:
    same, different = shared["duplicate"], shared["different"]
    if min(len(same), len(different)) < ENOUGH_TO_TELL:
        return
    means = sum(same) / len(same), sum(different) / len(different)
    if means[0] < means[1]:
        raise DataError(
            f"{path}: the {len(same):,} pairs that are flagged as the same share {means[0]:.0%} of their characters, "
            f"the {len(different):,} others {means[1]:.0%}: the flag seems to mean the opposite; name its column by "
            "--columns duplicate=NAME or different=NAME, whichever a 1 stands for"
        )
