"""`predictions.csv`: scores of labelled pairs, to be read by people, by spreadsheets, and by `sts.evaluate`."""

import csv
import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

from sts.errors import DataError
from sts.files import replacing_file

if TYPE_CHECKING:
    import numpy as np

COLUMNS = ("guid", "true_real_label", "true_binary_label", "predict_real_label", "predict_binary_label")
REAL = ("true_real_label", "predict_real_label")
BINARY = ("true_binary_label", "predict_binary_label")
# labels that differ by less are the same label, written in another precision
LABEL_TOLERANCE = 1e-6


@dataclass(frozen=True)
class Predictions:
    """Labels and scores of n pairs.

    Attributes:
        guid: names of the pairs (n).
        label: true similarities (n,), 0 to 5.
        binary_label: true classes (n,), 0 or 1.
        score: predicted similarities (n,), 0 to 5.
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


def read_predictions(path: Path) -> Predictions:
    """Read a CSV file that has at least the columns `COLUMNS`, and check every value.

    Raises:
        DataError: the file is missing, empty, not UTF-8 or broken, lacks a column, or has a value
            that is not allowed.
    """
    import numpy as np

    if not path.is_file():
        raise DataError(f"{path}: no such file; give a CSV file with the columns {','.join(COLUMNS)}")
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            rows = list(_rows(path, stream))
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: byte {error.start} is not UTF-8; save the file as UTF-8") from error
    if not rows:
        raise DataError(f"{path}: has no row below its header; at least 2 predictions are needed")
    guid, *values = zip(*rows, strict=True)
    label, binary_label, score, binary_score = (np.array(column) for column in values)
    return Predictions(list(guid), label, binary_label, score, binary_score)


def _rows(path: Path, stream: IO[str]) -> Iterator[tuple[str, float, int, float, int]]:
    reader = csv.reader(stream, strict=True)
    header: list[str] | None = None
    while True:
        place = f"{path}, line {reader.line_num + 1}"
        try:
            values = next(reader)
        except StopIteration:
            break
        except csv.Error as error:
            raise DataError(f"{place}: broken CSV ({error}); close the quotation mark that opens here") from error
        if header is None:
            header = values
            missing = [name for name in COLUMNS if name not in header]
            if missing:
                raise DataError(f"{path}: no column {', '.join(missing)}; the columns must be {','.join(COLUMNS)}")
        elif values:
            if len(values) != len(header):
                raise DataError(f"{place}: {len(values)} fields; the header names {len(header)}")
            fields = dict(zip(header, values, strict=True))
            label, score = (_real(place, name, fields[name]) for name in REAL)
            true, predicted = (_binary(place, name, fields[name]) for name in BINARY)
            yield fields["guid"], label, true, score, predicted
    if header is None:
        raise DataError(f"{path}: the file is empty; its first line must name the columns {','.join(COLUMNS)}")


def _real(place: str, name: str, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 <= value <= 5:  # false for NaN too
        raise DataError(f"{place}: field '{name}' is {text!r}; it must be a number from 0 to 5")
    return value


def _binary(place: str, name: str, text: str) -> int:
    if text.strip() not in ("0", "1"):
        raise DataError(f"{place}: field '{name}' is {text!r}; it must be 0 or 1")
    return int(text)


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
