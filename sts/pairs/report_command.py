"""`python -m sts.pairs report`."""

import json as json_module
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from sts.errors import UsageError
from sts.files.options import AS_FOUND, FileOptions
from sts.files.write import check_output_folder
from sts.pairs.rows import OnBadRow
from sts.pairs.scale import ZERO_TO_FIVE, LabelOptions

if TYPE_CHECKING:
    from sts.text.analysers import Morpheme


def report(
    *,
    files: FileOptions = AS_FOUND,
    labels: LabelOptions = ZERO_TO_FIVE,
    data: list[str],
    output: Path,
    against: list[str] | None = None,
    on_bad_row: OnBadRow = "skip",
    overwrite: bool = False,
    json: bool = False,
) -> None:
    """Look at a set of pairs before training on it, alone or against another set.

    Args:
        files: how files of pairs are read
        labels: the units of their labels
        data: files of labelled pairs (CSV, TSV, JSON, JSON lines, Parquet, Excel), klue-sts (from the hub) or sample
            (bundled)
        output: folder for report.html, which opens offline, report.md, plots and statistics.json
        against: files of another set, drawn into the same plots: what one trains on and what one tests on should be
            looked at together
        on_bad_row: skip = leave rows out that can't be used, and list them in the report; error = stop at the first
        overwrite: replace what is at OUTPUT
        json: print the figures as JSON, and nothing else, on standard output
    """
    if against is not None and set(against) == set(data):
        raise UsageError(f"--against {' '.join(against)}: the same as --data; name another set, or leave it out")
    check_output_folder(output, "statistics.json", [*data, *(against or [])], overwrite=overwrite)
    stream = sys.stderr if json else sys.stdout

    def say(line: str) -> None:
        print(line, file=stream, flush=True)

    names = _names(data, against)
    say(f"describing {' against '.join(names)}; the report goes to {output}")
    from sts.pairs.comparison import compare
    from sts.pairs.load import find_scale, load_pairs
    from sts.pairs.report import HTML_FILE, write_report
    from sts.pairs.report_tables import findings, summary, to_dict
    from sts.pairs.statistics import describe

    given = [data] if against is None else [data, against]
    scale = find_scale(given, files, labels)
    loaded = [
        load_pairs(sources, announce=say, on_bad_row=on_bad_row, files=files, labels=labels, scale=scale)
        for sources in given
    ]
    sets = [describe(each, name, _bar) for each, name in zip(loaded, names, strict=True)]
    comparison = compare(*sets) if len(sets) > 1 else None
    write_report(output, sets, comparison)
    if json:
        print(json_module.dumps(to_dict(sets, comparison), ensure_ascii=False, indent=2))
    else:
        summary(sets, comparison).show()
        for line in findings(sets, comparison):
            print(f"- {line}")
    say(f"read {output / HTML_FILE}")


def _names(data: list[str], against: list[str] | None) -> list[str]:
    """What the sets are called: the names of their files, with the folders only where those tell them apart."""
    sets = [data] if against is None else [data, against]
    short = [_joined([Path(source).name for source in sources]) for sources in sets]
    return short if len(set(short)) == len(short) else [_joined(sources) for sources in sets]


def _joined(names: list[str]) -> str:
    return " + ".join(names) if len(names) <= 2 else f"{names[0]} + {len(names) - 1} more"


def _bar(analyses: "Iterable[list[Morpheme]]", total: int) -> "Iterable[list[Morpheme]]":
    from tqdm import tqdm

    return tqdm(analyses, total=total, unit="sentence", desc="analysing", disable=None)
