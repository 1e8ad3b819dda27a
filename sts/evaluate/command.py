"""`python -m sts.evaluate`."""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sts.bundled import BUNDLED_CROSS, ScorerPath
from sts.errors import UsageError
from sts.evaluate.checks import (
    BATCH_SIZE,
    BOOTSTRAP,
    SEED,
    check_behaviour_options,
    check_model_options,
    check_threshold_options,
    check_values,
    subjects_of,
)
from sts.files.options import AS_FOUND, FileOptions
from sts.files.write import check_output_folder
from sts.models.info import Orders
from sts.models.precision import ScoringPrecision
from sts.models.runtime import Backend, shared_options
from sts.pairs.rows import OnBadRow
from sts.pairs.scale import ZERO_TO_FIVE, LabelOptions

if TYPE_CHECKING:
    from sts.evaluate.evaluation import Evaluation, Scores
    from sts.pairs import LoadedPairs


@dataclass(frozen=True)
class _Run:
    """The options that every step of a run needs."""

    output: Path | None
    threshold: float | None
    bootstrap: int
    seed: int
    batch_size: int
    orders: Orders | None
    precision: ScoringPrecision
    backend: Backend
    as_json: bool
    files: FileOptions
    labels: LabelOptions
    clip: bool
    fit_threshold: bool

    def say(self, line: str) -> None:
        """Print a line for people; beside JSON it goes to standard error."""
        print(line, file=sys.stderr if self.as_json else sys.stdout, flush=True)


def evaluate(
    *,
    files: FileOptions = AS_FOUND,
    labels: LabelOptions = ZERO_TO_FIVE,
    model: ScorerPath | None = None,
    data: list[str] | None = None,
    behaviour: bool = False,
    predictions: Path | None = None,
    compare: list[ScorerPath] | None = None,
    output: Path | None = None,
    on_bad_row: OnBadRow = "error",
    bootstrap: int = BOOTSTRAP,
    seed: int = SEED,
    threshold: float | None = None,
    fit_threshold: bool = False,
    clip: bool = False,
    batch_size: int = BATCH_SIZE,
    orders: Orders | None = None,
    precision: ScoringPrecision = "auto",
    backend: Backend = "auto",
    json: bool = False,
    overwrite: bool = False,
) -> None:
    """Measure a scorer or a file of predictions, or compare two of them.

    Args:
        files: how files of pairs and of predictions are read
        labels: the units of their labels
        model: scorer folder to measure on --data; not given, with --data or --behaviour alone: the bundled
            cross-encoder
        data: files of labelled pairs (CSV, TSV, JSON, JSON lines, Parquet, Excel), klue-sts (from the hub) or sample
            (bundled)
        behaviour: count right scores by phenomenon (opposites, negation, roles and so on) on the open half of the
            bundled suite, on --data behaviour-held-out, or on a file of --data with the columns phenomenon, sentence1,
            sentence2, min and max
        predictions: file to measure, with the columns label and score, as sts.score writes it, or true_real_label and
            predict_real_label; optionally guid and the binary labels
        compare: two files of predictions or scorer folders, A and B; scorer folders need --data or --behaviour;
            bundled-cross and bundled-bi name the bundled ones
        output: folder for metrics, predictions, report and plots; not given: nothing is written
        on_bad_row: error = stop at a row of --data that can't be used, skip = leave it out and list it
        bootstrap: resamples behind the 95 % intervals; 0 leaves the intervals out
        seed: decides the resamples
        threshold: similar from this score on, 0 to 5; not given: the model's own, and 3.0 for files of predictions
        fit_threshold: store the threshold that is best by F1 on --data in the scorer of --model
        clip: bring the scores of --predictions that lie outside 0 to 5 to its ends
        batch_size: pairs that go through the model together, at most
        orders: for cross-encoders, sorted = the shorter sentence first, both = the mean over both orders, in twice
            the time, one = as they come; not given: as the scorer was trained
        precision: auto = bf16 where the processor computes in it, else fp32; exported models have one of their own
        backend: what computes a folder that has both, torch or onnx; auto = torch on a GPU, else onnx
        json: print the metrics as JSON, and nothing else, on standard output
        overwrite: replace what is at OUTPUT
    """
    if (data or behaviour) and not (model or predictions or compare):
        model = BUNDLED_CROSS
    subjects = subjects_of(model, predictions, compare)
    needs_model = model is not None or any(path.is_dir() for path in compare or [])
    check_values(bootstrap, seed, threshold, batch_size, comparing=compare is not None)
    if behaviour:
        drawn = (bootstrap, seed)
        check_behaviour_options(
            subjects, data, on_bad_row, labels, threshold, drawn, files, clip=clip, fit_threshold=fit_threshold
        )
    else:
        check_model_options(needs_model, data, on_bad_row, batch_size, orders, precision, backend)
        check_threshold_options(model, predictions, compare, clip=clip, fit_threshold=fit_threshold)
    if output is not None:
        check_output_folder(output, "metrics.json", [*subjects, *(data or [])], overwrite=overwrite)
    elif overwrite:
        raise UsageError("--overwrite goes with --output, the folder to replace")

    notes: list[str] = []  # said after the first line, which needs the number of rows
    loaded = None
    if needs_model and not behaviour:
        from sts.pairs import load_pairs

        # a test set is measured as it is, repeated rows among it
        loaded = load_pairs(
            data, on_bad_row=on_bad_row, announce=notes.append, deduplicate=False, files=files, labels=labels
        )
    run = _Run(
        output=output,
        threshold=threshold,
        bootstrap=bootstrap,
        seed=seed,
        batch_size=batch_size,
        orders=orders,
        precision=precision,
        backend=backend,
        as_json=json,
        files=files,
        labels=labels,
        clip=clip,
        fit_threshold=fit_threshold,
    )
    if behaviour:
        _measure_behaviour(subjects, data[0] if data else None, run)
        _say_where(run)
        return
    scores = _gather(subjects, loaded, notes, run)
    if len(scores) == 1:
        _measure(scores[0], loaded, run)
    else:
        _compare(scores[0], scores[1], run)
    _say_where(run)


def _measure_behaviour(paths: list[Path], source: str | None, run: _Run) -> None:
    from sts.evaluate.behaviour import OPEN, measure_behaviour, read_suite
    from sts.evaluate.behaviour_report import behaviour_table, comparison_table, record, write_report
    from sts.models import load_scorer

    suite = read_suite(source or OPEN, files=run.files, say=run.say)
    run.say(f"counting right scores of {' and '.join(map(str, paths))} on {suite.description}")
    options = shared_options(paths, run.precision, run.backend)
    found = []
    for path in paths:
        precision, backend = options[path]
        scorer = load_scorer(path, precision=precision, orders=_orders(path, paths, run), backend=backend)
        shown = sys.stderr.isatty()
        found.append(measure_behaviour(str(path), scorer, suite, batch_size=run.batch_size, progress=shown))
    if run.output is not None:
        write_report(run.output, found)
    if run.as_json:
        _print_json(record(found))
    elif len(found) == 1:
        behaviour_table(found[0]).show()
    else:
        comparison_table(*found).show()


def _gather(paths: list[Path], loaded: "LoadedPairs | None", notes: list[str], run: _Run) -> "list[Scores]":
    """Say what is about to happen, then read or compute the scores of each path."""
    from sts.evaluate.evaluation import read_scores

    files = {
        path: read_scores(
            path, threshold=run.threshold, files=run.files, labels=run.labels, clip=run.clip, say=notes.append
        )
        for path in paths
        if loaded is None or path.is_file()
    }
    rows = len(loaded.pairs) if loaded else len(files[paths[0]].predictions.guid)
    work = f"measuring {paths[0]}" if len(paths) == 1 else f"comparing A = {paths[0]} with B = {paths[1]}"
    run.say(f"{work}{f' on {loaded.description}' if loaded else ''}: {rows:,} rows")
    for line in notes:
        run.say(line)
    scores = []
    options = shared_options([path for path in paths if path not in files], run.precision, run.backend)
    for path in paths:
        if loaded is None or path in files:
            scores.append(files[path])
        else:
            # an order gap can only be compared with another model's
            orders = _orders(path, paths, run)
            scores.append(_score(path, loaded, run, orders=orders, options=options[path], both_orders=not files))
        for note in scores[-1].notes:
            run.say(f"note: {note}")
    return scores


def _orders(path: Path, paths: list[Path], run: _Run) -> Orders | None:
    """The orders to score in: beside a cross-encoder, the option says nothing of a bi-encoder, which knows none."""
    from sts.models.info import read_info

    if run.orders is None or len(paths) == 1:
        return run.orders
    modes = {each: read_info(each).mode for each in paths if each.is_dir()}
    return None if modes[path] == "bi" and "cross" in modes.values() else run.orders


def _score(
    path: Path,
    loaded: "LoadedPairs",
    run: _Run,
    *,
    orders: Orders | None,
    options: tuple[ScoringPrecision, Backend],
    both_orders: bool,
) -> "Scores":
    from sts.evaluate.evaluation import score_pairs
    from sts.models import load_scorer

    precision, backend = options
    scorer = load_scorer(path, precision=precision, orders=orders, backend=backend)
    info = scorer.info
    run.say(f"model {path}: {info.mode}-encoder from {info.base_model}")
    scores = score_pairs(
        path,
        scorer,
        loaded,
        threshold=run.threshold,
        batch_size=run.batch_size,
        both_orders=both_orders,
        progress=sys.stderr.isatty(),
    )
    run.say(
        f"{scores.truncated} of {len(loaded.pairs):,} pairs were longer than {info.max_length} tokens and cut there; "
        f"{scores.unknown:,} hold text that the model does not know, {scores.mostly:,} more of it than of other text"
    )
    return scores


def _measure(scores: "Scores", loaded: "LoadedPairs | None", run: _Run) -> None:
    from sts.evaluate.comparison import resolution
    from sts.evaluate.evaluation import assess
    from sts.evaluate.report import write_report
    from sts.evaluate.tables import metrics_table, source_note, source_table, threshold_table

    evaluation = assess(scores, loaded, bootstrap=run.bootstrap, seed=run.seed)
    if run.output is not None:
        write_report(run.output, evaluation)
    if run.fit_threshold:
        _store_threshold(evaluation, run)
    if run.as_json:
        _print_json(evaluation.to_dict())
        return
    metrics_table(evaluation.metrics).show()
    if evaluation.thresholds:
        threshold_table(evaluation.thresholds).show()
    if evaluation.other_metrics is not None:
        other = "as they were given" if scores.clipped else "brought to 0 to 5"
        print(f"scores {other}: Pearson {evaluation.other_metrics.pearson}, MAE {evaluation.other_metrics.mae}")
    if evaluation.by_source:
        source_table(evaluation.by_source).show()
        if note := source_note(evaluation.by_source):
            print(note)
    print(f"similar: scores from {scores.threshold:g} on")
    print(resolution(evaluation.metrics))


def _store_threshold(evaluation: "Evaluation", run: _Run) -> None:
    from sts.evaluate.threshold import fitted, store_threshold, threshold_record

    scores, rows = evaluation.scores, evaluation.metrics.rows
    threshold = fitted(evaluation.thresholds, rows)
    record = threshold_record(evaluation.thresholds, rows, scores.data["description"])
    before = store_threshold(Path(scores.name), threshold, record)
    run.say(f"{scores.name}: similar from {threshold:g} on, stored in its sts.json (before: {before:g})")


def _compare(a: "Scores", b: "Scores", run: _Run) -> None:
    from sts.evaluate.comparison import compare, resolution
    from sts.evaluate.predictions import align
    from sts.evaluate.report import comparison_record, write_comparison
    from sts.evaluate.tables import comparison_table, verdicts

    other = align(a.predictions, b.predictions, (a.name, b.name))
    comparison = compare(
        a.predictions.label,
        a.predictions.score,
        other.score,
        thresholds=(a.threshold, b.threshold),
        binary_label=a.predictions.binary_label.tolist(),
        swapped_scores=None
        if a.swapped_score is None or b.swapped_score is None
        else (a.swapped_score, b.swapped_score),
        bootstrap=run.bootstrap,
        seed=run.seed,
    )
    if run.output is not None:
        write_comparison(run.output, comparison, (a, b), run.bootstrap, run.seed)
    if run.as_json:
        _print_json(comparison_record(comparison, (a, b), run.bootstrap, run.seed))
        return
    comparison_table(comparison, (a.cost, b.cost)).show()
    for line in verdicts(comparison):
        print(line)
    print(resolution(comparison.a))


def _say_where(run: _Run) -> None:
    if run.output is None:
        run.say("nothing was written; --output FOLDER keeps metrics, report and plots")
        return
    run.say(f"files in {run.output}: {', '.join(sorted(path.name for path in run.output.iterdir()))}")
    run.say(f"read {run.output / 'report.md'}")


def _print_json(value: dict[str, Any]) -> None:
    import json

    print(json.dumps(value, ensure_ascii=False, indent=2))
