"""A training's report: which base model, which data, which settings, which result."""

import shutil
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
from docstring_parser import parse

from sts import plots
from sts.augment.silver import ORIGINS, Silver
from sts.evaluate.metrics import SIMILAR_FROM
from sts.evaluate.predictions import Predictions, write_predictions
from sts.files import write_text
from sts.models import BiScorer, CrossScorer, ScorerInfo
from sts.models.info import Mode
from sts.train.data import MIN_TO_CHOOSE
from sts.train.distillation import Distillation
from sts.train.record import Recipe
from sts.train.result import TrainingResult, Validated
from sts.train.settings import LOSSES, TrainSettings

METRICS = (
    "pearson", "spearman", "f1", "precision", "recall", "accuracy", "auc", "average_precision", "mae", "order_gap",
)  # fmt: skip


def save_training(folder: Path, result: TrainingResult, recipe: Recipe, work: Path) -> None:
    """Write the scorer, its report with plots, the validation splits and the curves' data into `folder`.

    Args:
        folder: an empty folder.
        result: what the training ended with.
        recipe: what was trained.
        work: the training's folder of checkpoints; it stays as it is.
    """
    scorer = write_report(folder, result, recipe)
    scorer.save(folder)
    shutil.copy(work / "metrics.jsonl", folder)
    if (work / "tensorboard").is_dir():
        shutil.copytree(work / "tensorboard", folder / "tensorboard")


def write_report(folder: Path, result: TrainingResult, recipe: Recipe) -> CrossScorer | BiScorer:
    """Write `report.md`, its plots and the validation splits into `folder`.

    Returns:
        The scorer with its validation metrics entered into what `sts.json` will hold.
    """
    metrics = {name: each.metrics.to_dict() for name, each in result.validation.items() if each.metrics}
    info = replace(result.scorer.info, metrics=metrics | result.scorer.info.metrics)
    _draw(folder, result, info.threshold)
    sections = [
        f"# Training report: {info.mode}-encoder from {info.base_model}\n",
        _base_and_data(result, recipe),
        _results(result),
        *([_silver(result.silver, recipe.distillation)] if result.silver and recipe.distillation else []),
        _curves_and_scatter(result),
        _settings(recipe.settings, info.mode),
        "## Versions\n\n" + "\n".join(f"- {name} {version}" for name, version in info.versions.items()) + "\n",
    ]
    write_text(folder / "report.md", "\n".join(sections))
    write_validation(folder, result, info.threshold)
    return type(result.scorer)(result.scorer.runtime, info)


def write_validation(folder: Path, result: TrainingResult, threshold: float) -> None:
    """Write each validation split's pairs and its scores, to measure and compare scorers on later.

    Two trainings with the same data, fraction and seed of the split hold out the same pairs.
    """
    for name, validated in result.validation.items():
        pairs = validated.pairs
        guid = pairs["guid"][:] if "guid" in pairs.column_names else [str(row) for row in range(len(pairs))]
        label = np.asarray(pairs["label"][:])
        similar = [
            (values >= limit).astype(int) for values, limit in ((label, SIMILAR_FROM), (validated.scores, threshold))
        ]
        write_predictions(
            folder / "validation" / f"{name}-predictions.csv",
            Predictions(guid, label, similar[0], validated.scores, similar[1]),
        )
        pairs.to_pandas().to_csv(folder / "validation" / f"{name}.csv", index=False)


def _base_and_data(result: TrainingResult, recipe: Recipe) -> str:
    data, intermediate = recipe.data, recipe.intermediate
    info = result.scorer.info
    lines = [
        f"- Base model: {info.base_model} ({info.base_model_origin}), {_reading(info)}",
        f"- Data: {data.summary()}; SHA-256 of the pairs {data.fingerprint[:16]}…",
        f"- Trained on {result.trained_on:,} pairs; {result.left_out:,} pairs with label 0 left out by chance",
        f"- Held out: {', '.join(f'{len(each.pairs):,} pairs ({name})' for name, each in result.validation.items())}",
        f"- Longer than {info.max_length} tokens, and cut there: {result.truncated:,} pairs",
        f"- Kept: the checkpoint of step {result.best_step}, {_why_kept(result)}",
    ]
    if "threshold" in info.metrics:
        fitted = info.metrics["threshold"]
        lines.append(f"- Similar: from {info.threshold:g} on, the best by F1 on {fitted['rows']:,} validation pairs")
    if info.text_pipeline["steps"]:
        steps = ", ".join(step["step"] for step in info.text_pipeline["steps"])
        lines.append(
            f"- Text pipeline: {info.text_pipeline['name']} ({steps}); it would have left nothing of "
            f"{result.left_as_is:,} training sentences, which stayed as they were"
        )
    if result.augmentation is not None:
        methods = ", ".join(info.data["augmentation"]["methods"])
        counted = ", ".join(f"{name} {count}" for name, count in result.augmentation.items() if count)
        lines.append(f"- Augmentation of the training part ({methods}): {counted}")
    if intermediate:
        lines.insert(2, f"- Intermediate task, first epoch only: {intermediate.summary()}")
    if recipe.weak:
        lines.insert(2, f"- Weak data, in every epoch: {recipe.weak.description}")
    return "\n".join(lines) + "\n"


def _why_kept(result: TrainingResult) -> str:
    name, first = next(iter(result.validation.items()))
    if len(first.pairs) >= MIN_TO_CHOOSE:
        return f"the best by Pearson on the {name} validation pairs"
    return f"the last one, since {len(first.pairs)} validation pairs are too few to choose by"


def _reading(info: ScorerInfo) -> str:
    if info.mode == "cross":
        return f"head: {info.head}"
    return f"pooling: {info.pooling}" + (f", put before each sentence: '{info.prompt}'" if info.prompt else "")


def _results(result: TrainingResult) -> str:
    parts = result.validation
    titles = [f"{name} validation ({len(each.pairs):,} pairs)" for name, each in parts.items()]
    rows = ["## Result\n", f"| metric | {' | '.join(titles)} |", "|---" * (1 + len(parts)) + "|"]
    for name in METRICS:
        rows.append(f"| {name.replace('_', ' ')} | {' | '.join(_cell(each, name) for each in parts.values())} |")
    rows.append(
        "\nIn brackets: 95 % bootstrap intervals. A checkpoint or threshold that was chosen by pairs makes the "
        "figures on them a little kind."
        + (
            " The hard split has even labels and word overlap that says little about the label, as KLUE-STS's dev set "
            "has. The random split looks like the training pairs and is easier."
            if "hard" in parts
            else ""
        )
        + "\n"
    )
    if result.scorer.info.calibration:
        curves = "; ".join(
            f"{size} dimensions: 5 / (1 + exp(-({curve['rise']:.3f} ln c - {curve['fall']:.3f} ln(1 - c) "
            f"{curve['shift']:+.3f}))"
            for size, curve in result.scorer.info.calibration.items()
        )
        rows.append(f"Score of a cosine, with c = (1 + cosine) / 2, fitted to {_calibrated_on(result)}: {curves}.\n")
    if result.by_dimension:
        rows += [
            f"| vectors cut to | Pearson, {next(iter(parts))} validation | Spearman | F1 |",
            "|---|---|---|---|",
        ]
        rows += [
            f"| {size} dimensions | {metrics.pearson} | {metrics.spearman} | {metrics.f1} |"
            for size, metrics in result.by_dimension.items()
        ]
        rows.append("")
    return "\n".join(rows)


def _cell(validated: Validated, name: str) -> str:
    return str(getattr(validated.metrics, name)) if validated.metrics else "too few"


def _calibrated_on(result: TrainingResult) -> str:
    name, first = next(iter(result.validation.items()))
    own = f"the {name} validation pairs"
    return (
        own if len(first.pairs) >= MIN_TO_CHOOSE else "all validation pairs and training pairs, since few are held out"
    )


def _silver(silver: Silver, distillation: Distillation) -> str:
    counts = ", ".join(f"{silver.origin.count(origin):,} {origin}" for origin in ORIGINS)
    several = len(distillation.teachers)
    judged = "labelled by the teacher" if several == 1 else f"labelled with the mean score of {several} teachers"
    who = [f"- Teacher: {teacher}" for teacher in distillation.teachers]
    if distillation.settings.silver_nearest:
        encoder = distillation.silver_encoder or "the vectors of this model as its training began"
        who.append(f"- Nearest sentences found by: {encoder}")
    return (
        f"## Silver pairs\n\n{len(silver.pairs):,} pairs of training sentences, {judged}: {counts}.\n\n"
        + "\n".join(who)
        + "\n\n![their labels](plots/silver.png)\n"
    )


def _curves_and_scatter(result: TrainingResult) -> str:
    return (
        "## Curves\n\n![training loss](plots/loss.png)\n\n![validation](plots/validation.png)\n\n"
        "## Predicted against true scores\n\n"
        + "\n\n".join(f"![{name} validation](plots/{name}.png)" for name in result.validation)
        + "\n"
    )


def _draw(folder: Path, result: TrainingResult, threshold: float) -> None:
    loss = [(entry["epoch"], entry["loss"]) for entry in result.history if "loss" in entry]
    checks = [entry for entry in result.history if "eval_pearson" in entry]
    epochs = [entry["epoch"] for entry in checks]
    plots.save(
        plots.curves([epoch for epoch, _ in loss], {"training loss": [value for _, value in loss]}, "epoch", "loss"),
        folder / "plots" / "loss.png",
    )
    series = {name: [entry[f"eval_{name}"] for entry in checks] for name in ("pearson", "spearman", "f1")}
    plots.save(
        plots.curves(epochs, series, "epoch", f"{next(iter(result.validation))} validation"),
        folder / "plots" / "validation.png",
    )
    for name, validated in result.validation.items():
        figure = plots.scatter_true_predicted(validated.pairs["label"][:], validated.scores, threshold)
        plots.save(figure, folder / "plots" / f"{name}.png")
    if result.silver:
        label = np.asarray(result.silver.pairs["label"][:])
        origin = np.array(result.silver.origin)
        groups = {name: label[origin == name] for name in ORIGINS}
        plots.save(plots.stacked_histogram(groups, "label", "silver pairs"), folder / "plots" / "silver.png")


def _settings(settings: TrainSettings, mode: Mode) -> str:
    described = {
        entry.arg_name: " ".join((entry.description or "").split())
        for entry in parse(TrainSettings.__doc__ or "").params
    }
    defaults = {field.name: field.default for field in fields(TrainSettings)} | {"loss": LOSSES[mode][0]}
    rows = ["## Settings\n", "| setting | value | chosen by | meaning |", "|---|---|---|---|"]
    for name in settings.used(mode):
        value = getattr(settings, name)
        chosen = "default" if value == defaults[name] else f"the user (default {defaults[name]})"
        rows.append(f"| {name} | {value} | {chosen} | {described[name]} |")
    return "\n".join(rows) + "\n"
