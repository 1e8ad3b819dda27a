"""`python -m sts.pairs report`."""

import json as json_module
import sys
from collections.abc import Iterable
from pathlib import Path

from sts.files import check_output_folder
from sts.pairs.rows import OnBadRow


def report(
    *,
    data: list[str],
    output: Path,
    against: list[str] | None = None,
    on_bad_row: OnBadRow = "skip",
    overwrite: bool = False,
    json: bool = False,
) -> None:
    """Look at a set of pairs before training on it, alone or against another set.

    Args:
        data: files of labelled pairs (CSV, TSV, JSON lines, KLUE's JSON, Parquet), klue-sts (from the hub) or sample
            (bundled)
        output: folder for report.html, which opens offline, report.md, plots and statistics.json
        against: files of another set, drawn into the same plots: what one trains on and what one tests on should be
            looked at together
        on_bad_row: skip = leave rows out that can't be used, and count them in the report; error = stop at the first
        overwrite: replace what is at OUTPUT
        json: print the figures as JSON, and nothing else, on standard output
    """
    check_output_folder(output, "statistics.json", [*data, *(against or [])], overwrite=overwrite)
    from sts.pairs.load import load_pairs
    from sts.pairs.report import HTML_FILE, shared, summary, to_dict, write_report
    from sts.pairs.statistics import describe

    stream = sys.stderr if json else sys.stdout
    sets = []
    for sources in filter(None, (data, against)):
        loaded = load_pairs(sources, announce=lambda line: print(line, file=stream), on_bad_row=on_bad_row)
        sets.append(describe(loaded, _bar))
    write_report(output, sets)
    if json:
        figures = {"sets": [to_dict(each) for each in sets], "shared": shared(sets)}
        print(json_module.dumps(figures, ensure_ascii=False, indent=2))
        return
    summary(sets).show()
    print(f"report: {output / HTML_FILE}")


def _bar(sentences: Iterable[str], total: int) -> Iterable[str]:
    from tqdm import tqdm

    return tqdm(sentences, total=total, unit="sentence", desc="analysing", disable=None)
