"""`python -m sts.text corrections`."""

import json as json_module
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Literal

from sts.errors import UsageError
from sts.files.options import AS_FOUND, FileOptions
from sts.files.write import REPORT_FILE, check_output_folder, replacing_folder, write_json, write_text
from sts.pairs.rows import OnBadRow
from sts.tables import Table
from sts.text.corrections import Correction, Kind, corrections
from sts.text.spacing import Spacing
from sts.text.spelling import Spelling

RECORD_FILE = "corrections.json"


def report_corrections(
    *,
    files: FileOptions = AS_FOUND,
    data: list[str],
    kind: Kind = "spelling",
    spelling: Literal["kiwi", "hanspell"] = "kiwi",
    spacing: Literal["kiwi", "pykospacing"] = "kiwi",
    on_error: Literal["error", "keep"] = "error",
    examples: int = 20,
    output: Path | None = None,
    on_bad_row: OnBadRow = "error",
    overwrite: bool = False,
    json: bool = False,
) -> None:
    """Count what a spelling or spacing engine would change, with examples to judge it by.

    Args:
        files: how files of pairs are read
        data: files of pairs (CSV, TSV, JSON, JSON lines, Parquet, Excel), klue-sts (from the hub) or sample
            (bundled); each of their sentences counts once
        kind: what to correct; both = spacing first, then spelling
        spelling: the spelling engine; hanspell needs the package py-hanspell and a network service
        spacing: the spacing engine; pykospacing needs that package
        on_error: when hanspell's service fails: error = stop, keep = leave the sentence as it is and count it
        examples: corrected sentences to show, evenly from the whole data
        output: folder for report.md and corrections.json, which holds every corrected sentence; not given: nothing is
            written
        on_bad_row: error = stop at a row that can't be used, skip = leave it out and list it
        overwrite: replace what is at OUTPUT
        json: print the figures and examples as JSON, and nothing else, on standard output
    """
    if examples < 0:
        raise UsageError(f"--examples is {examples}; it must be 0 or more")
    if output is not None:
        check_output_folder(output, RECORD_FILE, data, overwrite=overwrite)
    elif overwrite:
        raise UsageError("--overwrite goes with --output, the folder to replace")
    from sts.pairs.load import load_sentences

    stream = sys.stderr if json else sys.stdout
    sentences = load_sentences(data, announce=lambda line: print(line, file=stream), on_bad_row=on_bad_row, files=files)
    engines = {"spelling": spelling, "spacing": spacing}
    named = " and ".join(f"{name} ({engine})" for name, engine in engines.items() if kind in (name, "both"))
    print(f"correcting the {named} of {len(sentences):,} sentences", file=stream)
    found = list(
        _with_bar(
            corrections(sentences, kind, spelling=Spelling(spelling, on_error), spacing=Spacing(spacing)),
            len(sentences),
        )
    )
    changed = [each for each in found if each.changes]
    figures = {
        "kind": kind,
        "engines": named,
        "sentences": len(found),
        "changed": len(changed),
        "changed_in_letters": sum(each.in_letters for each in changed),
        "corrections_per_sentence": round(sum(each.changes for each in found) / len(found), 4),
        "failed": sum(each.failed for each in found),
    }
    shown = _evenly(changed, examples)
    if output is not None:
        with replacing_folder(output) as folder:
            rows = [{"before": each.before, "after": each.after, "changes": each.changes} for each in changed]
            write_json(folder / RECORD_FILE, figures | {"corrections": rows})
            write_text(folder / REPORT_FILE, _markdown(figures, shown))
    if json:
        listed = [{"before": each.before, "after": each.after, "changes": each.changes} for each in shown]
        print(json_module.dumps(figures | {"examples": listed}, ensure_ascii=False, indent=2))
        return
    if shown:
        _table(shown).show()
    print(_summary(figures))
    print("read the examples: correct only what more often helps than harms")
    if output is not None:
        print(f"report: {output / REPORT_FILE}")


def _with_bar(found: Iterable[Correction], total: int) -> Iterator[Correction]:
    from tqdm import tqdm

    yield from tqdm(found, total=total, unit="sentence", desc="correcting", disable=None)


def _evenly(changed: list[Correction], count: int) -> list[Correction]:
    """So many of the corrections, from all over the data."""
    count = min(count, len(changed))
    return [changed[place * len(changed) // count] for place in range(count)]


def _summary(figures: dict[str, Any]) -> str:
    changed, sentences, in_letters = (figures[name] for name in ("changed", "sentences", "changed_in_letters"))
    return (
        f"{figures['corrections_per_sentence']} corrections per sentence: {changed:,} of {sentences:,} sentences "
        f"change ({changed / sentences:.1%}; {in_letters:,} in letters, {changed - in_letters:,} in spaces alone), "
        f"{figures['failed']:,} could not be treated"
    )


def _table(shown: list[Correction]) -> Table:
    return Table(["before", "after", "changes"], [[each.before, each.after, str(each.changes)] for each in shown])


def _markdown(figures: dict[str, Any], shown: list[Correction]) -> str:
    return (
        f"# Corrections: {figures['engines']}\n\n{_summary(figures)}.\n\n"
        "A correction is a run of words that differ, or a space that was put in or taken out.\n\n"
        f"## Examples\n\n{_table(shown).markdown()}"
    )
