"""Rows of sentence pairs, read one by one and checked; see `sts.files.table` for the formats.

Columns: `sentence1`, `sentence2`, `label` (or KorSTS's `score`), optionally `guid`, `source` (or KorSTS's `genre`) and
`binary_label`; KLUE's nested `labels` too. Sentences and names are brought to their one form, see `sts.text.form`.
"""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from sts.errors import DataError
from sts.files.columns import Columns
from sts.files.delimited import MAX_FIELD_CHARACTERS
from sts.files.encoding import open_text
from sts.files.options import AS_FOUND, FileOptions
from sts.files.table import RawRow, Say, read_table, silent
from sts.pairs.scale import STANDARD, LabelCheck, Scale
from sts.text.form import composed

# KLUE's rule: a pair is similar from this label on (Park et al. 2021, https://arxiv.org/abs/2105.09680)
SIMILAR_FROM = 3.0
SENTENCES = ("sentence1", "sentence2")
ALIASES = {
    "sentence1": ("문장1", "첫째 문장"),
    "sentence2": ("문장2", "둘째 문장"),
    "label": ("score", "점수", "유사도", "레이블", "라벨"),
    "source": ("genre",),
}
OPTIONAL = ("guid", "source", "binary_label")

OnBadRow = Literal["error", "skip"]


@dataclass(frozen=True)
class Pair:
    """Two sentences and their similarity (0 to 5; None where the file has no labels)."""

    sentence1: str
    sentence2: str
    label: float | None
    guid: str | None = None
    source: str | None = None
    binary_label: int | None = None


@dataclass(frozen=True)
class BadRow:
    """A row that can't be used: the file, the place in it, and what is wrong."""

    path: str
    place: str
    problem: str

    def __str__(self) -> str:
        return f"{self.path}, {self.place}: {self.problem}"

    def refused(self) -> DataError:
        """The error of a command that stops at bad rows."""
        return DataError(f"{self} (--on-bad-row skip leaves such rows out)")


def pair_columns(*, labelled: bool, others: bool = False) -> Columns:
    """The columns of pairs.

    Args:
        labelled: whether a label is needed.
        others: whether further columns are kept.
    """
    label = ("label",)
    needed = (*SENTENCES, *label) if labelled else SENTENCES
    return Columns(needed, OPTIONAL if labelled else (*label, *OPTIONAL), ALIASES, others)


def read_pairs(
    path: Path,
    *,
    labelled: bool = True,
    options: FileOptions = AS_FOUND,
    scale: Scale = STANDARD,
    say: Say = silent,
    check: LabelCheck | None = None,
) -> Iterator[Pair | BadRow]:
    """Read the pairs of a file one after the other, in constant memory but for `.json`.

    Args:
        path: the file; its suffix says the format.
        labelled: whether a label is required; without, a `label` column is ignored.
        options: how the file is read.
        scale: of its labels.
        say: told what was assumed.
        check: shown each label as the file has it.

    Yields:
        A `Pair` for each good row and a `BadRow` for each other one, in file order.

    Raises:
        DataError: the file is missing, not of a known format, not in its encoding, or lacks a column.
    """
    columns = pair_columns(labelled=labelled and path.suffix.lower() not in (".json", ".parquet"))
    for row in read_table(path, columns, options=options, say=say):
        if check is not None and isinstance(row.fields, dict):
            check.see(flat(row.fields).get("label"))
        pair = pair_of(row, labelled=labelled, scale=scale)
        yield BadRow(str(path), row.place, pair) if isinstance(pair, str) else pair


def read_table_of_pairs(path: Path, options: FileOptions, *, say: Say = silent) -> Iterator[tuple[RawRow, Pair | str]]:
    """Unlabelled pairs with the rows that they come from; a delimited file may do without a header.

    Args:
        path: the file; its suffix says the format.
        options: how it is read.
        say: told what was assumed.

    Raises:
        DataError: as `read_pairs`.
    """
    columns = pair_columns(labelled=False, others=True)
    if path.suffix.lower() in (".csv", ".tsv", ".txt") and not options.no_header:
        with open_text(path, options) as stream:
            first = next((line for line in stream if line.strip()), "")
        options = without_header(first, options)
    for row in read_table(path, columns, options=options, say=say):
        yield row, pair_of(row, labelled=False)


def without_header(first: str, options: FileOptions) -> FileOptions:
    """The options for delimited lines that may begin with a row, given the first of them."""
    bare = re.sub(r"[\s_-]", "", composed(first)).casefold()
    known = any(name in bare for name in ("sentence1", *(re.sub(r"\s", "", alias) for alias in ALIASES["sentence1"])))
    return options if known or options.columns else replace(options, no_header=True)


def pair_of(row: RawRow, *, labelled: bool, scale: Scale = STANDARD) -> Pair | str:
    """The pair that a row of a table is, or what is wrong with it."""
    return row.fields if isinstance(row.fields, str) else check_fields(row.fields, labelled=labelled, scale=scale)


def check_fields(fields: dict[str, Any], *, labelled: bool, scale: Scale = STANDARD) -> Pair | str:
    """Make a pair of a row's fields, or say what is wrong with them."""
    fields = flat(fields)
    for name in SENTENCES:
        if name not in fields:
            return f"field '{name}' is missing; found {', '.join(fields):.200}"
        if problem := check_sentence(name, fields[name]):
            return problem
    for name in ("guid", "source"):
        if problem := check_unicode(name, fields.get(name)):
            return problem
    label = None
    if labelled:
        if "label" not in fields:
            return f"field 'label' is missing; found {', '.join(fields):.200}"
        found = scale.score(fields["label"])
        if isinstance(found, str):
            return f"field 'label' is {found}"
        label = found
    given = fields.get("binary_label")
    binary = number_of(given)
    if given not in (None, "") and binary not in (0, 1):
        return f"field 'binary_label' is {given!r}; it must be 0 or 1"
    return Pair(
        composed(fields["sentence1"]),
        composed(fields["sentence2"]),
        label,
        _text(fields.get("guid")),
        _text(fields.get("source")),
        None if binary is None else int(binary) ^ scale.inverted,
    )


def check_sentence(name: str, value: Any) -> str | None:
    """What is wrong with a field that must hold a sentence, or None."""
    if not isinstance(value, str):
        return f"field '{name}' is {value!r:.60}; it must be text"
    if not value.strip():
        return f"field '{name}' is empty; it must hold a sentence"
    if len(value) > MAX_FIELD_CHARACTERS:
        return f"field '{name}' has {len(value):,} characters; at most {MAX_FIELD_CHARACTERS:,} are allowed"
    return check_unicode(name, value)


def check_unicode(name: str, value: Any) -> str | None:
    """What is wrong with a field's text, or None; JSON can spell half a character, UTF-8 and the analysers can't."""
    try:
        str(value).encode()
    except UnicodeEncodeError as error:
        return f"field '{name}' holds half a character ({error.object[error.start]!r}); it must be Unicode text"
    return None


def number_of(value: Any) -> float | None:
    """The finite number that `value` is or spells, else None; true and false are no numbers."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _text(value: Any) -> str | None:
    return None if value in (None, "") else composed(str(value)).strip()


def flat(fields: dict[str, Any]) -> dict[str, Any]:
    """A row in this project's terms: KLUE nests its labels under `labels`."""
    labels = fields.get("labels")
    if isinstance(labels, dict):
        return fields | {"label": labels.get("real-label"), "binary_label": labels.get("binary-label")}
    return fields
