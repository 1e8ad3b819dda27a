"""`python -m sts.text compare`."""

import json as json_module
import re
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from sts.errors import UsageError
from sts.files.options import AS_FOUND, FileOptions
from sts.files.write import REPORT_FILE, check_output_folder, replacing_folder, write_json, write_text
from sts.pairs.rows import OnBadRow
from sts.tables import Table, escape_markdown
from sts.text.analysers.find import ANALYSERS
from sts.text.compare import Analysed, compare, recommend

if TYPE_CHECKING:
    from matplotlib.figure import Figure

RECORD_FILE = "compare.json"
SIZES = (1, 10, 100, 1_000, 10_000)


def compare_analysers(
    *,
    files: FileOptions = AS_FOUND,
    data: list[str],
    output: Path,
    analysers: list[str] | None = None,
    sizes: list[int] | None = None,
    sentences: list[str] | None = None,
    limit: float = 120.0,
    on_bad_row: OnBadRow = "error",
    overwrite: bool = False,
    json: bool = False,
) -> None:
    """Compare morphological analysers: time by number of sentences, and what each makes of the same ones.

    Args:
        files: how files of pairs are read
        data: files of pairs (CSV, TSV, JSON, JSON lines, Parquet, Excel), klue-sts (from the hub) or sample
            (bundled); their distinct sentences are analysed
        output: folder for report.md, its plot and compare.json
        analysers: kiwi, khaiii, mecab, okt, kkma, komoran, hannanum; not given: all, and those that are missing are
            listed with the reason
        sizes: numbers of sentences to time; not given: 1 10 100 1000 10000; larger ones than the data has are left out
        sentences: sentences to show the morphemes of; not given: a few of the data, with a number, a negation and
            other traps
        limit: seconds that each analyser may take in all; what it has not measured by then is left out and said
        on_bad_row: error = stop at a row that can't be used, skip = leave it out and list it
        overwrite: replace what is at OUTPUT
        json: print what was found as JSON, and nothing else, on standard output
    """
    names = analysers or list(ANALYSERS)
    wanted = sorted(set(sizes or SIZES))
    _check(names, wanted, limit)
    check_output_folder(output, RECORD_FILE, data, overwrite=overwrite)
    from sts import plots
    from sts.pairs.load import load_sentences

    stream = sys.stderr if json else sys.stdout
    texts = load_sentences(data, announce=lambda line: print(line, file=stream), on_bad_row=on_bad_row, files=files)
    feasible = [size for size in wanted if size <= len(texts)] or [len(texts)]
    chosen = sentences or choose(texts)
    print(
        f"comparing {', '.join(names)} on {len(texts):,} sentences, up to {feasible[-1]:,} at once, "
        f"at most {limit:g} seconds each",
        file=stream,
    )
    found = _run(names, texts, feasible, chosen, limit)
    with replacing_folder(output) as folder:
        record = {"sizes": feasible, "sentences": chosen, "analysers": [asdict(each) for each in found]}
        advice = recommend(found)
        write_json(folder / RECORD_FILE, record | {"recommendation": advice})
        write_text(folder / REPORT_FILE, _markdown(found, feasible, chosen, advice, len(texts), wanted))
        plots.save(_plot(found), folder / "plots" / "time.png")
    if json:
        print(json_module.dumps(record | {"recommendation": advice}, ensure_ascii=False, indent=2))
        return
    _times(found, feasible).show()
    for each in found:
        if each.problem:
            print(f"{each.name}: {each.problem}")
    print(advice)
    print(f"report: {output / REPORT_FILE}")


def choose(texts: Sequence[str]) -> list[str]:
    """A few sentences that part analysers: a number, a negation, Latin letters, slang, a run-on word, a contraction.

    The first of the data for each, of 8 to 60 characters, so that the same data give the same sentences.
    """
    traps = (r"\d\.\d", r"\b(안|못) |지 않|없", r"[A-Za-z]{3}", r"ㅋ|ㅎ|ㅠ", r"[가-힣]{9}", r"[봤왔줬갔했]")
    chosen: list[str] = []
    for trap in traps:
        fits = (text for text in texts if 8 <= len(text) <= 60 and re.search(trap, text) and text not in chosen)
        chosen += [text for text, _ in zip(fits, range(1), strict=False)]
    return chosen or list(texts[:3])


def _check(names: Sequence[str], sizes: Sequence[int], limit: float) -> None:
    unknown = [name for name in names if name not in ANALYSERS]
    if unknown:
        raise UsageError(f"--analysers: '{unknown[0]}' is not known; allowed are {', '.join(ANALYSERS)}")
    if sizes[0] < 1:
        raise UsageError(f"--sizes: {sizes[0]} sentences can't be timed; allowed are numbers from 1 on")
    if limit <= 0:
        raise UsageError(f"--limit is {limit:g}; it must be above 0 seconds")


def _run(
    names: Sequence[str], texts: Sequence[str], sizes: Sequence[int], chosen: Sequence[str], limit: float
) -> list[Analysed]:
    from tqdm import tqdm

    with tqdm(total=len(names), unit="analyser", desc="comparing", disable=None) as bar:
        found = []
        for each in compare(names, texts, sizes, chosen, limit=limit):
            found.append(each)
            bar.update()
    return found


def _times(found: Sequence[Analysed], sizes: Sequence[int]) -> Table:
    header = ["analyser", "loading", *(f"{size:,}" for size in sizes), "sentences/s", "memory"]
    rows = []
    for each in found:
        speed = each.per_second()
        rows.append(
            [
                each.name,
                _seconds(each.load_seconds),
                *(_seconds(each.seconds.get(size)) for size in sizes),
                "-" if speed is None else f"{speed:,.0f}",
                "-" if each.megabytes is None else f"{each.megabytes:,.0f} MB",
            ]
        )
    return Table(header, rows)


def _seconds(value: float | None) -> str:
    return (
        "-" if value is None else f"{value:.1f} s" if value >= 10 else f"{value:.2g} s" if value >= 0.01 else "< 0.01 s"
    )


def _markdown(
    found: Sequence[Analysed],
    sizes: Sequence[int],
    chosen: Sequence[str],
    advice: str,
    available: int,
    wanted: Sequence[int],
) -> str:
    missing = [size for size in wanted if size not in sizes]
    short = f" {', '.join(f'{size:,}' for size in missing)} left out: the data has {available:,}." if missing else ""
    parts = [
        "# Analysers compared\n",
        f"## Time by number of sentences\n\n{_times(found, sizes).markdown()}",
        "Each analyser ran alone in a process of its own; loading, with a first sentence, is apart from the times."
        f"{short}\n",
        "".join(f"- {each.name}: {each.problem}\n" for each in found if each.problem),
        "![time by number of sentences](plots/time.png)\n",
        "## The same sentences\n",
    ]
    for number, sentence in enumerate(chosen):
        rows = []
        for each in found:
            if number < len(each.outputs):
                left = each.filtered(number)
                rows.append(
                    [
                        each.name,
                        " ".join(f"{form}/{tag}" for form, tag in each.outputs[number]),
                        "tags of its own" if left is None else " ".join(left),
                    ]
                )
        parts.append(f"**{escape_markdown(sentence)}**\n")
        parts.append(Table(["analyser", "morphemes", "what the tag filter leaves"], rows).markdown())
    parts.append("The tag filter is that of the text pipeline `original`.\n")
    parts.append(f"## Recommendation\n\n{advice}\n")
    versions = {name: version for each in found for name, version in each.versions.items()}
    parts.append("## Versions\n\n" + "".join(f"- {name} {version}\n" for name, version in sorted(versions.items())))
    return "\n".join(parts)


def _plot(found: Sequence[Analysed]) -> "Figure":
    from sts import plots

    figure, axes = plots.figure("Time by number of sentences", "sentences", "seconds")
    for number, each in enumerate(each for each in found if each.seconds):
        axes.plot(
            list(each.seconds),
            list(each.seconds.values()),
            marker="osD^vP*"[number % 7],
            markersize=5,
            linewidth=1.6,
            color=plots.COLOURS[number % len(plots.COLOURS)],
            label=each.name,
        )
    axes.set_xscale("log")
    axes.set_yscale("log")
    if axes.lines:
        axes.legend(frameon=False, fontsize=9)
    return figure
