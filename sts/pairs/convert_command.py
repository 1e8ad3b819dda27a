"""`python -m sts.pairs convert`."""

import sys
from pathlib import Path

from sts.files.options import AS_FOUND, FileOptions
from sts.pairs.rows import OnBadRow
from sts.pairs.scale import ZERO_TO_FIVE, LabelOptions
from sts.pairs.write import check_output_file


def convert(
    *,
    files: FileOptions = AS_FOUND,
    labels: LabelOptions = ZERO_TO_FIVE,
    data: list[str],
    output: Path,
    on_bad_row: OnBadRow = "error",
    overwrite: bool = False,
) -> None:
    """Write pairs as this project reads them without any option: checked, their labels from 0 to 5, repeated rows once.

    Args:
        files: how the files are read
        labels: the units of their labels
        data: files of labelled pairs (CSV, TSV, JSON, JSON lines, Parquet, Excel), klue-sts (from the hub), sample or
            sample-test (bundled)
        output: file for the pairs (.tsv, .csv, .jsonl or .xlsx)
        on_bad_row: error = stop at a row that can't be used, skip = leave it out and list it
        overwrite: replace what is at OUTPUT
    """
    check_output_file(output, data, overwrite=overwrite)
    from sts.pairs.load import load_pairs
    from sts.pairs.write import writing_rows

    print(f"converting {' + '.join(data)} into {output}", flush=True)
    loaded = load_pairs(data, announce=_say, on_bad_row=on_bad_row, files=files, labels=labels)
    with writing_rows(output) as write:
        for row in loaded.pairs:
            write(row)
    print(f"{len(loaded.pairs):,} pairs: {output}")


def _say(line: str) -> None:
    print(line, file=sys.stderr)
