"""After a study: its best settings and the defaults, each trained with several seeds on all pairs, and compared."""

import json
import shutil
import statistics
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sts.evaluate.runs import RunsDifference, compare_runs
from sts.files import replacing_folder, write_json, write_text
from sts.models.info import INFO_FILE
from sts.train.data import HeldOut
from sts.train.record import RUN_FILE, Recipe
from sts.train.report import save_training
from sts.train.run import train_scorer
from sts.tune.space import Value, with_values

if TYPE_CHECKING:
    import numpy as np

SEEDS = 3
MODEL, BEST_FILE, SCORER, RESULT = "model", "best.yaml", "scorer", "result.json"


@dataclass(frozen=True)
class Outcome:
    """What tuning was worth.

    Attributes:
        seeds: of the trainings.
        tuned, default: Pearson of each training, by split.
        difference: tuned less default, by split; empty where the defaults are the best settings.
        kept: the seed whose model was kept.
    """

    seeds: list[int]
    tuned: dict[str, list[float]]
    default: dict[str, list[float]]
    difference: dict[str, RunsDifference]
    kept: int

    def verdict(self) -> str:
        """In a sentence, whether the best settings are better than the defaults."""
        if not self.difference:
            return "No trial was better than the defaults."
        (name, hard), *others = self.difference.items()
        told = f"Pearson {hard} on the {name} pairs, which chose the settings"
        told += "".join(f", and {found} on the {split} ones" for split, found in others)
        if hard.low is None or hard.high is None or hard.low <= 0 <= hard.high:
            return f"No difference from the defaults that these pairs and seeds can show: {told}."
        return f"{'Better' if hard.low > 0 else 'Worse'} than the defaults: {told}."

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        differences = {
            split: {"difference": found.value, "low": found.low, "high": found.high}
            for split, found in self.difference.items()
        }
        return {
            "seeds": self.seeds,
            "tuned": self.tuned,
            "default": self.default,
            "tuned_less_default": differences,
            "kept_seed": self.kept,
            "verdict": self.verdict(),
        }


def finish(
    recipe: Recipe,
    held: HeldOut,
    values: dict[str, Value],
    default: dict[str, Value],
    *,
    trial: int,
    output: Path,
    say: Callable[[str], None],
) -> Outcome:
    """Train the best settings and the defaults with `SEEDS` seeds each; keep the best model of the best settings.

    What an interrupted call trained is not trained again.

    Args:
        recipe: the study's training; its settings stand where the space has none.
        held: all pairs to train on, and the validation parts.
        values: the best trial's.
        default: what a training without a study takes.
        trial: number of the best trial.
        output: the study's folder; `model` and `final` in it are written.
        say: prints a line.
    """
    best_name = f"trial-{trial}" if values != default else "default"
    names = {best_name: values, "default": default}
    first = recipe.settings.seed
    seeds = [first + number for number in range(SEEDS)]
    folder, model = output / "final", output / MODEL
    results: dict[str, list[dict[str, Any]]] = {name: [] for name in names}
    for name, chosen in names.items():
        settings, augmentation = with_values(recipe.settings, chosen)
        for seed in seeds:
            # the parts are the study's, whatever a training's seed; its sts.json is to say so
            seeded = replace(settings, seed=seed, split_seed=settings.seed_of_split)
            study = recipe.study if name == best_name else None
            run = replace(recipe, settings=seeded, augmentation=augmentation, study=study)
            place = folder / f"{name}-seed-{seed}"
            if not _is_done(place, model):
                number, total = sum(map(len, results.values())) + 1, len(names) * SEEDS
                what = "the defaults" if study is None else f"the best settings (trial {trial})"
                say(f"training {number} of {total} on all pairs: {what}, seed {seed}")
                _train(run, held, place, say)
            results[name].append(json.loads((place / RESULT).read_text(encoding="utf-8")))
    tuned, plain = results[best_name], results["default"]
    kept = max(range(SEEDS), key=lambda number: (tuned[number][held.name]["pearson"], -number))
    scorer = folder / f"{best_name}-seed-{seeds[kept]}" / SCORER
    if scorer.is_dir():  # else it is in its place already
        with replacing_folder(model) as partial:
            shutil.copytree(scorer, partial, dirs_exist_ok=True)
    for place in folder.glob(f"*/{SCORER}"):  # as large as the model each
        shutil.rmtree(place)
    difference = {}
    if len(names) > 1:
        for split, pairs in held.validation.items():
            label = pairs["label"][:]
            scores = [[run[split]["score"] for run in runs] for runs in (tuned, plain)]
            difference[split] = compare_runs(label, *scores)
    return Outcome(seeds, _pearson(tuned, held), _pearson(plain, held), difference, seeds[kept])


def _is_done(place: Path, model: Path) -> bool:
    """Whether a training has ended, and its scorer is there or `model` was chosen already."""
    return (place / RESULT).is_file() and ((place / SCORER).is_dir() or (model / INFO_FILE).is_file())


def _train(recipe: Recipe, held: HeldOut, place: Path, say: Callable[[str], None]) -> None:
    """Train once, into `place`: the scorer, and what it scored the validation pairs."""
    work = place / "work"
    result = train_scorer(recipe, work=work, say=say, held_out=held, resume=(work / RUN_FILE).is_file())
    with replacing_folder(place / SCORER) as folder:
        save_training(folder, result, recipe, work)
    record = {
        split: {
            "pearson": validated.metrics.pearson.value,
            "spearman": validated.metrics.spearman.value,
            "f1": validated.metrics.f1.value,
            "score": _rounded(validated.scores),
        }
        for split, validated in result.validation.items()
        if validated.metrics is not None
    }
    write_json(place / RESULT, record)  # last: without it, the training is not done
    shutil.rmtree(work)


def write_best(path: Path, recipe: Recipe, values: dict[str, Value], options: dict[str, Any], about: str) -> None:
    """Write settings as a file that `sts.train --config` takes.

    Args:
        path: the file.
        recipe: the study's training.
        values: the best trial's.
        options: further options of the training, such as its data.
        about: the study and trial, for the comment.
    """
    import yaml

    settings, _ = with_values(recipe.settings, values)
    content = {"mode": recipe.mode} | options
    content |= {name: getattr(settings, name) for name in settings.used(recipe.mode)}
    if values.get("augment", "none") != "none":
        content["augment"] = str(values["augment"]).split()
    content["study"] = recipe.study
    content = {name: value for name, value in content.items() if value is not None}
    lines = f"# {about}\n# python -m sts.train --config {path.name} --output FOLDER\n"
    write_text(path, lines + yaml.safe_dump(content, allow_unicode=True, sort_keys=False))


def mean_and_sd(values: list[float]) -> str:
    """Mean ± standard deviation over runs."""
    return f"{statistics.mean(values):.4f} ± {statistics.stdev(values):.4f}"


def _pearson(runs: list[dict[str, Any]], held: HeldOut) -> dict[str, list[float]]:
    return {split: [run[split]["pearson"] for run in runs] for split in held.validation}


def _rounded(scores: "np.ndarray") -> list[float]:
    return [round(float(score), 5) for score in scores]
