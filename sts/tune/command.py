"""`python -m sts.tune`."""

import json as json_module
import re
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from sts.errors import DataError, UsageError
from sts.files.options import AS_FOUND, FileOptions
from sts.models.info import Mode
from sts.pairs.rows import OnBadRow
from sts.pairs.scale import ZERO_TO_FIVE, LabelOptions
from sts.train.settings import LogTo, TrainSettings, check_log_to

if TYPE_CHECKING:
    from optuna.trial import FrozenTrial

    from sts.tune.final import Outcome

DURATION = re.compile(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?")


def tune(
    *,
    settings: TrainSettings,
    files: FileOptions = AS_FOUND,
    labels: LabelOptions = ZERO_TO_FIVE,
    study: str,
    output: Path,
    mode: Mode = "cross",
    base_model: str | None = None,
    data: list[str] | None = None,
    validation_data: list[str] | None = None,
    intermediate_data: list[str] | None = None,
    trials: int = 60,
    time_budget: str | None = None,
    fraction: float = 1.0,
    seeds: int = 1,
    space: Path | None = None,
    search: list[str] | None = None,
    enqueue: list[Path] | None = None,
    storage: str | None = None,
    worker: bool = False,
    on_bad_row: OnBadRow = "error",
    log_to: LogTo = "none",
    json: bool = False,
) -> None:
    """Search the settings of a training, and train a scorer with the best ones.

    Args:
        settings: what the study does not search stands here; the rest is what its first trial tries
        files: as for sts.train
        labels: as for sts.train
        study: the study's name; the same command again, or on another machine with the same --storage, joins it
        output: the study's folder: report, best.yaml, and the scorer in its folder model
        mode: cross = a cross-encoder, bi = a bi-encoder; see sts.train
        base_model: as for sts.train
        data: as for sts.train
        validation_data: as for sts.train
        intermediate_data: as for sts.train
        trials: trials that the study is to have in all, whoever ran them
        time_budget: how long to begin trials, such as 90m or 2h30m; not given: until there are enough
        fraction: share of the training pairs that a trial sees, above 0 and at most 1; the validation pairs stay
        seeds: trainings a trial; its value is their mean
        space: YAML file of what to search; not given: the one that comes with sts, sts/tune/space.yaml
        search: further settings to search, of the optional ones of the space: loss, scheduler, head, pooling,
            freeze_layers, augment, text_pipeline
        enqueue: YAML files of settings to try first, such as an earlier best.yaml; the defaults always come first
        storage: a file ending in .db (SQLite, one process at a time) or .journal (several on one machine), or the URL
            of a database (several on any machines); not given: OUTPUT/study.db
        worker: run trials only; another process trains the best settings
        on_bad_row: as for sts.train
        log_to: where each trial sends its curves
        json: print the outcome as JSON, and nothing else, on standard output
    """
    search, enqueue = search or [], enqueue or []
    _check(trials, fraction, seeds, log_to)
    budget = parse_duration(time_budget)
    from sts.tune.space import default_values, read_space
    from sts.tune.storage import SQLITE_FILE, shown

    searched = read_space(space, search, mode)
    settings = settings.for_mode(mode).for_labels(labels)
    place = shown(storage) if storage else str(output / SQLITE_FILE)
    say = _speaker(json)
    say(f"study {study}: {trials} trials in {place}, searching {', '.join(searched.entries)}; results go to {output}")
    _check_folder(output, study, storage)
    from sts.encoders import find_encoder
    from sts.pairs.load import find_scale, load_intermediate, load_pairs
    from sts.train.data import MIN_TO_CHOOSE, describe, hold_out
    from sts.train.record import Recipe
    from sts.tune.run import Tuning, first_trials, run_study

    encoder = find_encoder(base_model, say, mode)
    scale = find_scale([data, validation_data], files, labels)
    loaded = load_pairs(data, announce=say, on_bad_row=on_bad_row, files=files, labels=labels, scale=scale)
    own = (
        load_pairs(validation_data, announce=say, on_bad_row=on_bad_row, files=files, labels=labels, scale=scale)
        if validation_data
        else None
    )
    extra = load_intermediate(intermediate_data, announce=say, on_bad_row=on_bad_row)
    held = hold_out(loaded.pairs, settings, own.pairs if own else None)
    if not held.chooses:
        raise DataError(
            f"a study chooses settings by the {held.name} validation pairs, of which there are {len(held.first)}; it "
            "needs "
            f"{MIN_TO_CHOOSE}: hold out more with --validation-fraction, or name your own with --validation-data"
        )
    say(describe(held)[0])
    tuning = Tuning(
        name=study,
        recipe=Recipe(mode, encoder, loaded, settings, extra, validation=own),
        held=held,
        space=searched,
        trials=trials,
        fraction=fraction,
        seeds=seeds,
        output=output,
        place=place,
        options={
            "base_model": encoder.name,
            "data": data,
            "validation_data": validation_data,
            "intermediate_data": intermediate_data,
            **{
                name: value
                for name, value in {**asdict(files), **asdict(labels)}.items()
                if value not in (None, False, "auto")
            },
        },
    )
    first = first_trials(default_values(settings, searched), enqueue, searched, say)
    found = run_study(tuning, storage, first, budget=budget, worker=worker, log_to=log_to, say=say)
    if found is not None:
        _tell(study, output, *found, json)


def _tell(study: str, output: Path, best: "FrozenTrial", outcome: "Outcome", json: bool) -> None:
    from sts.tune.final import BEST_FILE, MODEL
    from sts.tune.report import HTML_FILE, outcome_table

    if json:
        trial = {"number": best.number, "pearson": best.value, "settings": best.params}
        values = {"study": study, "best_trial": trial} | outcome.to_dict()
        print(json_module.dumps(values, ensure_ascii=False, indent=2))
        return
    outcome_table(outcome).show()
    print(outcome.verdict())
    print(f"report: {output / HTML_FILE}; settings: {output / BEST_FILE} (sts.train --config takes them)")
    print(f'next: python -m sts.score --model {output / MODEL} "문장 1" "문장 2"')


def parse_duration(text: str | None) -> float | None:
    """Seconds of a duration such as `90m` or `2h30m`.

    Raises:
        UsageError: it is none.
    """
    if text is None:
        return None
    match = DURATION.fullmatch(text.strip())
    parts = match.groups() if match else ()
    seconds = sum(int(part or 0) * unit for part, unit in zip(parts, (3600, 60, 1), strict=False))
    if not seconds:
        raise UsageError(f"--time-budget is '{text}'; give hours, minutes or seconds, such as 2h, 90m or 1h30m")
    return float(seconds)


def _check(trials: int, fraction: float, seeds: int, log_to: LogTo) -> None:
    rules = [
        ("trials", trials, trials >= 1, "1 or more"),
        ("fraction", fraction, 0 < fraction <= 1, "above 0 and at most 1"),
        ("seeds", seeds, seeds >= 1, "1 or more"),
    ]
    for name, value, holds, allowed in rules:
        if not holds:
            raise UsageError(f"--{name} is {value}, allowed is {allowed}")
    check_log_to(log_to)


def _check_folder(output: Path, study: str, storage: str | None) -> None:
    """Refuse a folder that holds something else than this study."""
    from sts.tune.storage import SQLITE_FILE, STUDY_FILE, study_record

    if output.exists() and not output.is_dir():
        raise UsageError(f"--output {output}: is a file; name a folder")
    path, this = output / STUDY_FILE, study_record(study, storage)
    if path.is_file():
        try:
            before = json_module.loads(path.read_text(encoding="utf-8"))
            named, kept = before["study"], before["storage"]
        except (ValueError, KeyError, TypeError) as error:
            raise UsageError(f"{path}: names no study ({error}); remove it if the folder is this study's") from error
        if before != this:
            raise UsageError(
                f"--output {output}: holds the study {named} in {kept}; this is {study} in {this['storage']}: "
                "give each its own folder"
            )
    # a study that was killed at its very beginning has left its database alone
    elif output.is_dir() and {path.name for path in output.iterdir()} - {SQLITE_FILE, f"{SQLITE_FILE}.lock"}:
        raise UsageError(f"--output {output}: holds something else than a study; name a folder that does not exist yet")


def _speaker(json: bool) -> Callable[[str], None]:
    import sys

    from tqdm import tqdm

    stream = sys.stderr if json else sys.stdout
    return lambda line: tqdm.write(line, file=stream)
