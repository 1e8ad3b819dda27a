"""What a training is: compared when it is resumed, and stored with the scorer."""

import json
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sts import __version__
from sts.encoders import Encoder
from sts.errors import UsageError
from sts.models import DEFAULT_THRESHOLD, ScorerInfo
from sts.models.info import Mode
from sts.pairs import LoadedPairs
from sts.pairs.scale import ZERO_TO_FIVE
from sts.pairs.weak import LoadedWeak
from sts.text import TextPipeline
from sts.train.data import Augmentation
from sts.train.distillation import Distillation
from sts.train.settings import RANGED, TrainSettings

RUN_FILE = "run.json"
PACKAGES = ("torch", "transformers", "sentence-transformers", "tokenizers", "datasets")


@dataclass(frozen=True)
class Recipe:
    """Everything that decides what a training ends with.

    Attributes:
        mode: `cross` or `bi`.
        encoder: the base model.
        data: labelled pairs.
        settings: how to train; their loss is decided here, see `TrainSettings.for_mode`.
        intermediate: pairs that are mixed into the first epoch only.
        augmentation: makes new pairs of those that are trained on.
        distillation: puts their sentences together anew, labelled by teachers.
        validation: the user's validation pairs, in the place of a split.
        weak: pairs of which a range of scores is known, trained on in every epoch.
        study: the study and trial that found the settings; it changes nothing and is stored with the scorer.
    """

    mode: Mode
    encoder: Encoder
    data: LoadedPairs
    settings: TrainSettings
    intermediate: LoadedPairs | None = None
    augmentation: Augmentation | None = None
    distillation: Distillation | None = None
    validation: LoadedPairs | None = None
    weak: LoadedWeak | None = None
    study: str | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "settings", self.settings.for_mode(self.mode).for_labels(self.data.labels))
        if self.distillation:
            self.distillation.check(self.mode)
        if self.weak and self.settings.loss not in RANGED:
            raise UsageError(f"--weak-data goes with --loss {' or '.join(RANGED)}, not with {self.settings.loss}")


def make_info(recipe: Recipe, pipeline: TextPipeline) -> ScorerInfo:
    """What `sts.json` will say of the scorer, its metrics apart."""
    mode, encoder, data, settings = recipe.mode, recipe.encoder, recipe.data, recipe.settings
    intermediate, augmentation, distillation = recipe.intermediate, recipe.augmentation, recipe.distillation
    described: dict[str, Any] = {
        "description": data.description,
        "pairs": len(data.pairs),
        "fingerprint": data.fingerprint,
    }
    if intermediate:
        described["intermediate"] = {
            "description": intermediate.description,
            "pairs": len(intermediate.pairs),
            "fingerprint": intermediate.fingerprint,
        }
    if data.labels != ZERO_TO_FIVE:
        described["labels"] = asdict(data.labels)
    if recipe.validation:
        described["validation"] = {
            "description": recipe.validation.description,
            "pairs": len(recipe.validation.pairs),
            "fingerprint": recipe.validation.fingerprint,
        }
    if recipe.weak:
        described["weak"] = {
            "description": recipe.weak.description,
            "pairs": len(recipe.weak.pairs),
            "fingerprint": recipe.weak.fingerprint,
        }
    if augmentation:
        described["augmentation"] = _augmentation(augmentation)
    if distillation:
        described["silver"] = distillation.to_dict()
    cross = mode == "cross"
    return ScorerInfo(
        mode=mode,
        base_model=encoder.name,
        base_model_origin=encoder.origin,
        head=settings.head if cross else None,
        max_length=settings.max_length,
        orders=settings.orders if cross else None,
        pooling=None if cross else settings.pooling,
        prompt="" if cross else encoder.prompt,
        threshold=DEFAULT_THRESHOLD,
        text_pipeline=pipeline.to_dict(),
        settings={name: getattr(settings, name) for name in settings.used(mode)},
        data=described,
        versions=_versions() | pipeline.versions(),
        study=recipe.study,
    )


def _versions() -> dict[str, str]:
    from importlib.metadata import version

    return {"korean-sts": __version__} | {name: version(name) for name in PACKAGES}


def identify(recipe: Recipe, pipeline: TextPipeline) -> dict[str, Any]:
    """What makes two trainings the same one."""
    return {
        "mode": recipe.mode,
        "base_model": f"{recipe.encoder.name} ({recipe.encoder.origin})",
        "data": recipe.data.fingerprint,
        "labels": asdict(recipe.data.labels),
        "validation_data": recipe.validation.fingerprint if recipe.validation else None,
        "intermediate_data": recipe.intermediate.fingerprint if recipe.intermediate else None,
        "weak_data": recipe.weak.fingerprint if recipe.weak else None,
        "augmentation": _augmentation(recipe.augmentation) if recipe.augmentation else None,
        "silver": recipe.distillation.to_dict() if recipe.distillation else None,
        **asdict(recipe.settings),
        "text_pipeline": pipeline.to_dict(),
    }


def _augmentation(augmentation: Augmentation) -> dict[str, Any]:
    return {"methods": dict(augmentation.mix), **asdict(augmentation.settings)}


def check_resume(work: Path, identity: dict[str, Any]) -> None:
    """Check that the unfinished training in `work` is the one that is asked for."""
    path = work / RUN_FILE
    if not path.is_file():
        raise UsageError(f"--resume: {work} holds no unfinished training; leave --resume out to start one")
    before = json.loads(path.read_text(encoding="utf-8"))
    changed = [
        f"{name} was {before.get(name)!r} and is {value!r}"
        for name, value in identity.items()
        if before.get(name) != value
    ]
    if changed:
        raise UsageError(f"--resume: this is another training than the one in {work}: {'; '.join(changed)}")


def last_checkpoint(work: Path) -> Path | None:
    """The newest checkpoint that was written to its end: the trainer's state is its last file."""
    complete = []
    for path in (work / "checkpoints").glob("checkpoint-*"):
        try:
            complete.append((json.loads((path / "trainer_state.json").read_text())["global_step"], path))
        except (OSError, ValueError):
            shutil.rmtree(path)  # killed in the middle of writing it
    return max(complete)[1] if complete else None
