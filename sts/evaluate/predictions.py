"""`predictions.csv`: scores of labelled pairs, to be read by people, by spreadsheets, and by `sts.evaluate`."""

import csv
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sts.errors import DataError
from sts.files.columns import Columns
from sts.files.options import AS_FOUND, FileOptions
from sts.files.table import Say, read_table, silent
from sts.files.write import replacing_file
from sts.pairs.rows import ALIASES, SIMILAR_FROM, check_unicode, number_of
from sts.pairs.scale import ZERO_TO_FIVE, LabelCheck, LabelOptions
from sts.text.form import composed

if TYPE_CHECKING:
    import numpy as np

COLUMNS = ("guid", "true_real_label", "true_binary_label", "predict_real_label", "predict_binary_label")
# what `sts.score` writes, with the labels of its input, is read too
READ = Columns(
    ("label", "score"),
    ("guid", "binary_label", "binary_score"),
    {
        "label": ("true_real_label", *(name for name in ALIASES["label"] if name != "score")),
        "score": ("predict_real_label",),
        "binary_label": ("true_binary_label",),
        "binary_score": ("predict_binary_label",),
    },
)
# labels that differ by less are the same label, written in another precision
LABEL_TOLERANCE = 1e-6


@dataclass(frozen=True)
class Predictions:
    """Labels and scores of n pairs.

    Attributes:
        guid: names of the pairs (n).
        label: true similarities (n,), 0 to 5.
        binary_label: true classes (n,), 0 or 1.
        score: predicted similarities (n,); of other people's models perhaps beyond 0 to 5.
        binary_score: predicted classes (n,), 0 or 1.
    """

    guid: list[str]
    label: "np.ndarray"
    binary_label: "np.ndarray"
    score: "np.ndarray"
    binary_score: "np.ndarray"


def write_predictions(path: Path, predictions: Predictions) -> None:
    """Write a CSV file of `COLUMNS`, UTF-8, all of it or nothing."""
    columns = (predictions.label, predictions.binary_label, predictions.score, predictions.binary_score)
    with replacing_file(path) as partial, partial.open("w", encoding="utf-8", newline="") as stream:
        table = csv.writer(stream, lineterminator="\n")
        table.writerow(COLUMNS)
        for guid, label, binary_label, score, binary_score in zip(predictions.guid, *columns, strict=True):
            # str() of a NumPy number is the shortest text that reads back as the same number
            table.writerow([guid, str(label), int(binary_label), str(score), int(binary_score)])


def read_predictions(
    path: Path, *, files: FileOptions = AS_FOUND, labels: LabelOptions = ZERO_TO_FIVE, say: Say = silent
) -> Predictions:
    """Read a file of predictions, and check every value.

    Args:
        path: a table of any format of `sts.files.table` with the columns `COLUMNS`, of which guid and the binary ones
            may be missing; or what `sts.score` wrote of labelled pairs.
        files: how it is read.
        labels: the units of the true labels.
        say: told what was assumed.

    Raises:
        DataError: the file is missing, empty or broken, lacks a column, or has a value that is not allowed: a label
            outside its scale, or a score that is no finite number.
    """
    import numpy as np

    if labels.label_scale == "min-max":
        raise DataError("--label-scale min-max: does not go with --predictions; name the scale of the labels")
    check = LabelCheck(str(path), labels)
    rows: list[tuple[str, float, int, float, int]] = []
    problem = ""
    for row in read_table(path, READ, options=files, say=say):
        if not isinstance(row.fields, str):
            check.see(row.fields.get("label"))
        found = row.fields if isinstance(row.fields, str) else _prediction(len(rows), row.fields, labels)
        if isinstance(found, str):
            problem = problem or f"{path}, {row.place}: {found}"
        else:
            rows.append(found)
    check.finish()
    if problem:
        raise DataError(problem)
    if not rows:
        raise DataError(f"{path}: has no row below its header; at least 2 predictions are needed")
    guid, *values = zip(*rows, strict=True)
    label, binary_label, score, binary_score = (np.array(column) for column in values)
    return Predictions(list(guid), label, binary_label, score, binary_score)


def _prediction(number: int, fields: dict[str, Any], labels: LabelOptions) -> tuple[str, float, int, float, int] | str:
    """A row's values, or what is wrong with them."""
    missing = [name for name in READ.needed if name not in fields]
    if missing:
        return f"field '{missing[0]}' is missing; found {', '.join(fields):.200}"
    label = labels.scale().score(fields["label"])
    if isinstance(label, str):
        return f"field 'label' is {label}"
    score = number_of(fields["score"])
    if score is None:
        return f"field 'score' is {fields['score']!r:.60}; it must be a finite number"
    classes = []
    for name, value in (("binary_label", label), ("binary_score", score)):
        given = fields.get(name)
        found = float(value >= SIMILAR_FROM) if given in (None, "") else number_of(given)
        if found not in (0, 1):
            return f"field '{name}' is {given!r:.60}; it must be 0 or 1"
        classes.append(int(found))
    guid = fields.get("guid")
    if problem := check_unicode("guid", guid):
        return problem
    named = str(number) if guid in (None, "") else composed(str(guid)).strip()
    return named, label, classes[0], score, classes[1]


def align(first: Predictions, second: Predictions, names: tuple[str, str]) -> Predictions:
    """Bring `second` into the order of `first`, and check that both are of the same labelled pairs.

    Args:
        first: the predictions that give the order.
        second: the predictions to be put in that order.
        names: what messages call the two.

    Raises:
        DataError: a guid that is in one of them only, or twice in one, or whose labels differ.
    """
    import numpy as np

    if first.guid != second.guid:
        for predictions, name in ((first, names[0]), (second, names[1])):
            guid, times = Counter(predictions.guid).most_common(1)[0]
            if times > 1:
                raise DataError(f"{name}: guid '{guid}' occurs {times} times; rows can only be matched by unique guids")
        _check_same(first.guid, second.guid, names[0], names[1])
        _check_same(second.guid, first.guid, names[1], names[0])
        place = {guid: row for row, guid in enumerate(second.guid)}
        order = [place[guid] for guid in first.guid]
        columns = (second.label, second.binary_label, second.score, second.binary_score)
        second = Predictions(first.guid, *(column[order] for column in columns))
    for field in ("label", "binary_label"):
        mine, theirs = getattr(first, field), getattr(second, field)
        differing = np.flatnonzero(np.abs(mine - theirs) > LABEL_TOLERANCE)
        if len(differing):
            row = differing[0]
            raise DataError(
                f"guid '{first.guid[row]}': the true {field.replace('_', ' ')} is {mine[row]} in {names[0]} and "
                f"{theirs[row]} in {names[1]}; only predictions for the same labels can be compared"
            )
    return second


def _check_same(mine: list[str], theirs: list[str], my_name: str, their_name: str) -> None:
    missing = sorted(set(mine) - set(theirs))
    if missing:
        raise DataError(
            f"{their_name}: lacks {len(missing)} of the {len(mine)} guids of {my_name}, such as '{missing[0]}'; "
            "only predictions for the same pairs can be compared"
        )
