"""Which options of `python -m sts.evaluate` go together."""

from collections.abc import Sequence
from pathlib import Path

from sts.bundled import ScorerPath
from sts.errors import DataError, UsageError
from sts.files.options import AS_FOUND, FileOptions
from sts.pairs.scale import ZERO_TO_FIVE, LabelOptions

BATCH_SIZE, BOOTSTRAP, SEED = 64, 2000, 42


def subjects_of(model: Path | None, predictions: Path | None, compare: Sequence[Path] | None) -> list[Path]:
    """What is to be measured; a comparison has two."""
    given = [
        name for name, value in (("--model", model), ("--predictions", predictions), ("--compare", compare)) if value
    ]
    if len(given) != 1:
        found = f"{' and '.join(given)} do not go together" if given else "nothing to measure"
        raise UsageError(f"{found}; give one of --model FOLDER --data FILE, --predictions FILE, or --compare A B")
    if compare is not None and len(compare) != 2:
        raise UsageError(f"--compare has {len(compare)} values; it takes two files of predictions or scorer folders")
    if model is not None and model.is_file():
        raise UsageError(f"--model {model}: is a file; name a scorer folder, or measure the file with --predictions")
    if predictions is not None and predictions.is_dir():
        raise UsageError(f"--predictions {predictions}: is a folder; name a CSV file, or measure a scorer with --model")
    for path in compare or []:
        if not path.exists():
            raise DataError(f"--compare {path}: no such file or folder; name a file of predictions or a scorer folder")
    return list(compare or []) or [path for path in (model, predictions) if path is not None]


def check_values(bootstrap: int, seed: int, threshold: float | None, batch_size: int, *, comparing: bool) -> None:
    """Refuse numbers out of range."""
    rules = [
        ("bootstrap", bootstrap, bootstrap >= int(comparing), "1 or more with --compare" if comparing else "0 or more"),
        ("seed", seed, seed >= 0, "0 or more"),
        ("threshold", threshold, threshold is None or 0 <= threshold <= 5, "0 to 5"),
        ("batch-size", batch_size, batch_size >= 1, "1 or more"),
    ]
    broken = [f"--{name} is {value}, allowed is {allowed}" for name, value, holds, allowed in rules if not holds]
    if broken:
        raise UsageError("; ".join(broken))


def check_model_options(
    needs_model: bool,
    data: list[str] | None,
    on_bad_row: str,
    batch_size: int,
    orders: str | None,
    precision: str,
    backend: str,
) -> None:
    """Refuse a model without data, and what only models need where there is none."""
    if needs_model and not data:
        raise UsageError("a model needs --data: the labelled pairs to measure it on")
    changed = {
        "--data": data is not None,
        "--on-bad-row": on_bad_row != "error",
        "--batch-size": batch_size != BATCH_SIZE,
        "--orders": orders is not None,
        "--precision": precision != "auto",
        "--backend": backend != "auto",
    }
    useless = [flag for flag, given in changed.items() if given]
    if useless and not needs_model:
        raise UsageError(f"{', '.join(useless)}: only for models; files of predictions hold their labels and scores")


def check_threshold_options(
    model: Path | None, predictions: Path | None, compare: list[ScorerPath] | None, *, clip: bool, fit_threshold: bool
) -> None:
    """Refuse a threshold to store without a scorer, and scores to clip without a file of them."""
    if fit_threshold and model is None:
        raise UsageError("--fit-threshold goes with --model, the scorer to store the threshold in")
    if clip and predictions is None and not any(path.is_file() for path in compare or []):
        raise UsageError("--clip goes with files of predictions; a scorer's scores lie in 0 to 5")


def check_behaviour_options(
    subjects: list[Path],
    data: list[str] | None,
    on_bad_row: str,
    labels: LabelOptions,
    threshold: float | None,
    sampling: tuple[int, int],
    files: FileOptions,
    *,
    clip: bool,
    fit_threshold: bool,
) -> None:
    """Refuse what says nothing of a behaviour suite, whose pairs have ranges in place of labels."""
    if given := [str(path) for path in subjects if path.is_file()]:
        raise UsageError(f"--behaviour scores a suite's pairs, so it measures scorer folders; {given[0]} is a file")
    if len(data or []) > 1:
        raise UsageError(f"--behaviour takes one suite; --data names {len(data or [])}")
    changed = {
        "--on-bad-row": on_bad_row != "error",
        "--encoding and what else says how files are read": files != AS_FOUND and not _own_suite(data),
        "--label-scale, --invert-labels": labels != ZERO_TO_FIVE,
        "--threshold": threshold is not None,
        "--bootstrap": sampling[0] != BOOTSTRAP,
        "--seed": sampling[1] != SEED,
        "--fit-threshold": fit_threshold,
        "--clip": clip,
    }
    if useless := [flag for flag, given in changed.items() if given]:
        raise UsageError(f"{', '.join(useless)}: not with --behaviour, whose pairs state which scores are right")


def _own_suite(data: list[str] | None) -> bool:
    from sts.evaluate.behaviour import SUITES

    return bool(data) and not set(data or []) <= set(SUITES)
