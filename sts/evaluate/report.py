"""What an evaluation leaves behind: `metrics.json`, `predictions.csv`, `report.md` and its plots."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from sts import __version__, plots
from sts.evaluate.comparison import Comparison, resolution
from sts.evaluate.evaluation import Evaluation, Scores, describe
from sts.evaluate.predictions import write_predictions
from sts.evaluate.tables import (
    comparison_table,
    metrics_table,
    source_note,
    source_table,
    threshold_table,
    verdicts,
)
from sts.evaluate.threshold import curve
from sts.files import replacing_folder, write_json, write_text
from sts.tables import Table, escape_markdown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike

WORST_ROWS = 10
# enough to see what went wrong; a sentence may be a whole page
SHOWN_CHARACTERS = 300


def write_report(output: Path, evaluation: Evaluation) -> None:
    """Write an evaluation into the folder `output`, all of it or nothing; what is there is replaced.

    Raises:
        OSError: the folder can't be written.
    """
    found, scores = evaluation.scores.predictions, evaluation.scores
    with replacing_folder(output) as folder:
        write_json(folder / "metrics.json", evaluation.to_dict())
        if evaluation.pairs is not None:
            write_predictions(folder / "predictions.csv", found)
        drawn = draw_plots(folder, found.label, found.score, scores.threshold)
        sections = [
            f"# Evaluation of {escape_markdown(scores.name)}\n",
            _facts(scores, f"- Intervals: {_method(evaluation.bootstrap, evaluation.seed)}"),
            f"## Result\n\n{metrics_table(evaluation.metrics).markdown()}\n{_meaning(scores, evaluation)}",
        ]
        if evaluation.thresholds:
            sections.append(_thresholds(folder, evaluation))
        if evaluation.by_source:
            note = source_note(evaluation.by_source)
            sections.append(
                f"## By source\n\n{source_table(evaluation.by_source).markdown()}" + f"\n{note}\n" * bool(note)
            )
        sections += [drawn, worst_section(evaluation)]
        write_text(folder / "report.md", "\n".join(sections))


def comparison_record(comparison: Comparison, scores: "Sequence[Scores]", bootstrap: int, seed: int) -> dict[str, Any]:
    """What a comparison's `metrics.json` holds."""
    described = {letter: describe(each) for letter, each in zip("ab", scores, strict=True)}
    settings = {"bootstrap": bootstrap, "seed": seed, "sts_version": __version__}
    return described | settings | {"comparison": comparison.to_dict()}


def write_comparison(
    output: Path, comparison: Comparison, scores: "Sequence[Scores]", bootstrap: int, seed: int
) -> None:
    """Write a comparison of two sets of scores into the folder `output`, all of it or nothing."""
    with replacing_folder(output) as folder:
        write_json(folder / "metrics.json", comparison_record(comparison, scores, bootstrap, seed))
        for letter, each in zip("ab", scores, strict=True):
            if "model" in each.origin:  # the scores cost time; keep them
                write_predictions(folder / f"predictions_{letter}.csv", each.predictions)
        sections = ["# Comparison of A and B\n"]
        for letter, each in zip("AB", scores, strict=True):
            sections.append(f"## {letter}: {escape_markdown(each.name)}\n\n{_facts(each)}")
        sections += [
            f"## Difference\n\n{comparison_table(comparison, [each.cost for each in scores]).markdown()}",
            "".join(f"- {escape_markdown(line)}\n" for line in verdicts(comparison)),
            f"Intervals: {_method(bootstrap, seed)}; A and B are measured on the same resamples. One of them is better "
            'only where the interval excludes 0. "A better in" is the share of resamples in which A is better, ties '
            f"counted half.\n\n{resolution(comparison.a)}\n",
        ]
        write_text(folder / "report.md", "\n".join(sections))


def draw_plots(folder: Path, label: "ArrayLike", score: "ArrayLike", threshold: float) -> str:
    """Draw the plots of n scores into `folder`/plots.

    Returns:
        The section of the report that shows them.
    """
    drawn = [
        ("Predicted against true scores", "scatter", plots.scatter_true_predicted(label, score, threshold)),
        ("Errors", "errors", plots.error_histogram(label, score)),
        ("Errors by true score", "errors_by_label", plots.error_by_label(label, score)),
        ("Errors by predicted score", "residuals", plots.residuals(label, score)),
    ]
    lines = ["## Plots\n"]
    for title, name, fig in drawn:
        plots.save(fig, folder / "plots" / f"{name}.png")
        lines.append(f"![{title}](plots/{name}.png)\n")
    return "\n".join(lines)


def worst_section(evaluation: Evaluation) -> str:
    """The section of the report that lists the largest errors, with the sentences where they are known."""
    import numpy as np

    found, pairs = evaluation.scores.predictions, evaluation.pairs
    error = found.score - found.label
    header = ["guid", "true", "predicted", "error"] + (["sentence 1", "sentence 2"] if pairs is not None else [])
    rows = []
    for row in np.argsort(-np.abs(error), kind="stable")[:WORST_ROWS].tolist():
        cells = [found.guid[row], f"{found.label[row]:.2f}", f"{found.score[row]:.2f}", f"{error[row]:+.2f}"]
        if pairs is not None:
            cells += [_shortened(pairs.pairs[row][name]) for name in ("sentence1", "sentence2")]
        rows.append(cells)
    return f"## The {len(rows)} largest errors\n\n{Table(header, rows).markdown()}"


def _thresholds(folder: Path, evaluation: Evaluation) -> str:
    """The section on thresholds, whose plot is drawn into `folder`/plots."""
    import numpy as np

    found = evaluation.scores.predictions
    thresholds = np.linspace(float(found.score.min()), float(found.score.max()), 101)
    drawn = curve(found.score, found.binary_label.astype(bool), thresholds)
    figure = plots.curves(
        thresholds,
        drawn,
        "threshold",
        "value",
        marks=[evaluation.scores.threshold, evaluation.thresholds["f1"].threshold],
    )
    plots.save(figure, folder / "plots" / "thresholds.png")
    return (
        f"## Thresholds\n\n{threshold_table(evaluation.thresholds).markdown()}\n"
        "Chosen by these very pairs, so the values are a little kind. `--fit-threshold` stores the best by F1 in the "
        "scorer.\n\n![F1, precision, recall and accuracy by threshold](plots/thresholds.png)\n"
    )


def _facts(scores: Scores, *more: str) -> str:
    lines = []
    if "model" in scores.origin:
        base = f"{scores.origin['mode']}-encoder from {scores.origin['base_model']}"
        lines.append(f"- Model: {escape_markdown(scores.name)}, {escape_markdown(base)}")
        cut = f"{scores.truncated} of {scores.data['rows']:,} pairs"
        lines.append(f"- Longer than the model's {scores.origin['max_length']} tokens, and cut there: {cut}")
        lines.append(
            f"- With text that the model does not know: {scores.unknown:,} pairs, {scores.mostly:,} of them with "
            "more of it than of other text"
        )
    else:
        lines.append(f"- Predictions: {escape_markdown(scores.name)}")
    lines += [
        f"- Data: {escape_markdown(scores.data['description'])}, {scores.data['rows']:,} rows",
        f"- SHA-256 of the data: {scores.data['fingerprint']}",
        f"- Similar: a predicted score from {scores.threshold:g} on",
        *more,
        f"- Written by sts {__version__}",
        *(f"- **Note:** {escape_markdown(note)}" for note in scores.notes),
    ]
    return "\n".join(lines) + "\n"


def _method(bootstrap: int, seed: int) -> str:
    if bootstrap == 0:
        return "none (--bootstrap 0)"
    return f"95 % percentile intervals over {bootstrap:,} bootstrap resamples of the rows, seed {seed}"


def _meaning(scores: Scores, evaluation: Evaluation) -> str:
    lines = [resolution(evaluation.metrics)]
    if scores.swapped_score is not None:
        lines.append("The order gap is the mean change of a score when the two sentences change places.")
    return " ".join(lines) + "\n"


def _shortened(text: str) -> str:
    return text if len(text) <= SHOWN_CHARACTERS else text[:SHOWN_CHARACTERS] + "…"
