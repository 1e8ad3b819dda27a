"""`python -m sts.train`."""

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from sts.augment.settings import AugmentSettings
from sts.augment.silver import SilverSettings
from sts.bundled import ScorerPath
from sts.errors import TrainingError, UsageError
from sts.evaluate import Metrics
from sts.files.options import AS_FOUND, FileOptions
from sts.files.write import check_inputs_outside, check_output_folder, replacing_folder
from sts.models.info import INFO_FILE, Mode
from sts.pairs.rows import OnBadRow
from sts.pairs.scale import ZERO_TO_FIVE, LabelOptions
from sts.train.record import RUN_FILE
from sts.train.settings import LogTo, TrainSettings, check_log_to

if TYPE_CHECKING:
    from sts.train.data import Augmentation


def train(
    *,
    settings: TrainSettings,
    files: FileOptions = AS_FOUND,
    labels: LabelOptions = ZERO_TO_FIVE,
    augmentation: AugmentSettings,
    silver: SilverSettings,
    output: Path,
    mode: Mode = "cross",
    base_model: str | None = None,
    data: list[str] | None = None,
    validation_data: list[str] | None = None,
    intermediate_data: list[str] | None = None,
    weak_data: list[Path] | None = None,
    augment: list[str] | None = None,
    teacher: list[ScorerPath] | None = None,
    silver_encoder: ScorerPath | None = None,
    on_bad_row: OnBadRow = "error",
    resume: bool = False,
    overwrite: bool = False,
    log_to: LogTo = "none",
    push_to_hub: str | None = None,
    study: str | None = None,
) -> None:
    """Train a scorer on sentence pairs.

    Args:
        settings: how to train
        files: how files of pairs are read; those of --intermediate-data and --weak-data are as this project writes them
        labels: the units of the labels of --data and --validation-data; those of --intermediate-data are from 0 to 5
            (sts.pairs convert makes them so)
        augmentation: how to make new pairs; goes with --augment
        silver: how many pairs teachers label; goes with --teacher
        output: folder for the scorer and its report; checkpoints stand in OUTPUT.partial until it is done
        mode: cross = a cross-encoder, which reads both sentences together; bi = a bi-encoder, which makes a vector of
            each sentence, so that similar ones are found fast
        base_model: a hub id, a folder, or albert-kor or e5-small, which the extra 'bundled' installs; not given:
            klue/roberta-base if the hub or its cache has it, else albert-kor for cross and e5-small for bi
        data: files of labelled pairs (CSV, TSV, JSON, JSON lines, Parquet, Excel), klue-sts (from the hub) or sample
            (bundled); not given: klue-sts if the hub or its cache has it, else sample
        validation_data: files of labelled pairs to validate on, in the place of the two splits of --data
        intermediate_data: files of pairs of an intermediate task, such as KorSTS, mixed into the first epoch only
        weak_data: files of pairs with a range of scores, as sts.pairs weak writes them, trained on in every epoch: a
            score inside its range is right; goes with --loss bce and cosent
        augment: methods that make new pairs of those that are trained on, after the split, as sts.augment has them
            (eda, or sr ri:2 …); not given: no new pairs
        teacher: folders of scorers, cross- or bi-encoders, that label silver pairs with the mean of their scores:
            training sentences put together anew, added to the labelled pairs (Augmented SBERT); train them on the same
            data with the same --split-seed, so that they have not seen the validation pairs; not given: no silver pairs
        silver_encoder: folder of a bi-encoder that finds each sentence's nearest ones for silver pairs; not given: for
            --mode bi the model itself as training begins; --mode cross needs one unless --silver-nearest is 0
        on_bad_row: error = stop at a row that can't be used, skip = leave it out and list it
        resume: go on with the interrupted training in OUTPUT.partial
        overwrite: replace what is at OUTPUT, and drop an unfinished training
        log_to: where to send curves beside metrics.jsonl
        push_to_hub: hub repository (owner/name) to upload the finished scorer to
        study: the study and trial that found these settings, as sts.tune writes it; stored with the scorer
    """
    work = output.with_name(output.name + ".partial")
    inputs = [
        *(data or []),
        *(validation_data or []),
        *(intermediate_data or []),
        *(weak_data or []),
        base_model,
        *(teacher or []),
        silver_encoder,
    ]
    inputs += settings.trim_vocabulary or []
    inputs += [augmentation.thesaurus, augmentation.label_with, augmentation.ko_en, augmentation.en_ko]
    _check_folders(output, work, inputs, resume=resume, overwrite=overwrite)
    check_log_to(log_to)
    _check_repository(push_to_hub)
    mixed = _augmentation(augment, augmentation)
    settings = settings.for_mode(mode)
    from sts.train.distillation import find_distillation, warnings_of_other_splits

    taught = find_distillation(mode, teacher, silver_encoder, silver)
    from sts.encoders import find_encoder
    from sts.pairs.load import find_scale, load_intermediate, load_pairs
    from sts.pairs.split import inverted_labels
    from sts.pairs.weak import load_weak
    from sts.train.record import Recipe
    from sts.train.report import save_training
    from sts.train.run import train_scorer

    for line in taught.describe() if taught else []:
        _say(line)
    encoder = find_encoder(base_model, _say, mode)
    scale = find_scale([data, validation_data], files, labels)
    loaded = load_pairs(data, announce=_say, on_bad_row=on_bad_row, files=files, labels=labels, scale=scale)
    if told := inverted_labels(loaded.pairs):
        _say(f"warning: {told}")
    own = (
        load_pairs(validation_data, announce=_say, on_bad_row=on_bad_row, files=files, labels=labels, scale=scale)
        if validation_data
        else None
    )
    for line in warnings_of_other_splits(taught, loaded, settings) if taught else []:
        _say(line)
    extra = load_intermediate(intermediate_data, announce=_say, on_bad_row=on_bad_row)
    weak = load_weak(weak_data, announce=_say, on_bad_row=on_bad_row)
    recipe = Recipe(mode, encoder, loaded, settings, extra, mixed, taught, own, weak, study)
    result = train_scorer(recipe, work=work, say=_say, resume=resume, log_to=log_to)
    with replacing_folder(output) as folder:
        save_training(folder, result, recipe, work)
    shutil.rmtree(work)
    for name, validated in result.validation.items():
        if validated.metrics:
            _say(f"{name} validation:".ljust(19) + _line(validated.metrics))
    _say(f"scorer and report: {output} (read {output / 'report.md'})")
    if push_to_hub:
        _push(output, push_to_hub)
    _say(f'next: python -m sts.score --model {output} "문장 1" "문장 2"')


def _say(line: str) -> None:
    from tqdm import tqdm

    tqdm.write(line)


def _line(metrics: Metrics) -> str:
    named = ("pearson", "spearman", "f1", "mae", "order_gap")
    values = {name: getattr(metrics, name).value for name in named}
    shown = ", ".join(f"{name} {'undefined' if value is None else f'{value:.3f}'}" for name, value in values.items())
    return f"{shown} ({metrics.rows} pairs; intervals in the report)"


def _check_folders(
    output: Path, work: Path, inputs: Sequence[str | Path | None], *, resume: bool, overwrite: bool
) -> None:
    check_inputs_outside(work, inputs)
    check_output_folder(output, INFO_FILE, inputs, overwrite=overwrite)
    if resume and overwrite:
        raise UsageError("--resume goes on with an unfinished training and --overwrite drops it; give one of them")
    if work.exists() and not resume:
        if not (work / RUN_FILE).is_file():
            raise UsageError(f"{work} is needed for checkpoints and is something else; remove it or change --output")
        if not overwrite:
            raise UsageError(f"{work} holds an unfinished training; --resume goes on with it, --overwrite drops it")
        shutil.rmtree(work)


def _check_repository(push_to_hub: str | None) -> None:
    if push_to_hub is not None and (push_to_hub.count("/") != 1 or not all(push_to_hub.split("/"))):
        raise UsageError(f"--push-to-hub is '{push_to_hub}'; it must be owner/name")


def _augmentation(methods: list[str] | None, settings: AugmentSettings) -> "Augmentation | None":
    """How to augment, or None where that was not asked for."""
    from sts.augment import check_settings, parse_mix
    from sts.train.data import Augmentation

    if methods is None:
        if settings != AugmentSettings():
            raise UsageError("options of augmentation go with --augment, the methods that make new pairs, such as eda")
        return None
    mix = parse_mix(methods)
    check_settings(mix, settings)
    return Augmentation(mix, settings)


def _push(folder: Path, repository: str) -> None:
    """Upload a finished scorer; a failure leaves it on disk and says so."""
    import httpx2
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HfHubHTTPError, LocalTokenNotFoundError

    _say(f"uploading {folder} to {repository}")
    try:
        api = HfApi()
        api.create_repo(repository, private=True, exist_ok=True)
        # the validation pairs are the user's data, which may not be for others to see
        api.upload_folder(folder_path=folder, repo_id=repository, ignore_patterns=["validation/*"])
    except (HfHubHTTPError, LocalTokenNotFoundError, httpx2.HTTPError, OSError) as error:
        raise TrainingError(
            f"--push-to-hub {repository}: the upload failed ({str(error).splitlines()[0]}); the scorer is complete in "
            f"{folder}: log in with `hf auth login` and upload it with `hf upload {repository} {folder}`"
        ) from error
    _say(f"uploaded to {repository} (private)")
