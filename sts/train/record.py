"""What a training is: compared when it is resumed, and stored with the scorer."""

import json
import shutil
from dataclasses import asdict
from pathlib import Path
from typing import Any

from sts import __version__
from sts.encoders import Encoder
from sts.errors import UsageError
from sts.models import DEFAULT_THRESHOLD, ScorerInfo
from sts.models.info import Mode
from sts.pairs import LoadedPairs
from sts.text import TextPipeline
from sts.train.data import Augmentation, Distillation
from sts.train.settings import TrainSettings

RUN_FILE = "run.json"
PACKAGES = ("torch", "transformers", "sentence-transformers", "tokenizers", "datasets")


def make_info(
    mode: Mode,
    encoder: Encoder,
    data: LoadedPairs,
    intermediate: LoadedPairs | None,
    settings: TrainSettings,
    pipeline: TextPipeline,
    augmentation: Augmentation | None,
    distillation: Distillation | None,
) -> ScorerInfo:
    """What `sts.json` will say of the scorer, its metrics apart."""
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
    if augmentation:
        described["augmentation"] = {"methods": dict(augmentation.mix), **asdict(augmentation.settings)}
    if distillation:
        described["silver"] = _described(distillation)
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
    )


def _versions() -> dict[str, str]:
    from importlib.metadata import version

    return {"korean-sts": __version__} | {name: version(name) for name in PACKAGES}


def identify(
    mode: Mode,
    encoder: Encoder,
    data: LoadedPairs,
    intermediate: LoadedPairs | None,
    settings: TrainSettings,
    pipeline: TextPipeline,
    augmentation: Augmentation | None,
    distillation: Distillation | None,
) -> dict[str, Any]:
    """What makes two trainings the same one."""
    return {
        "mode": mode,
        "base_model": encoder.name,
        "data": data.fingerprint,
        "intermediate_data": intermediate.fingerprint if intermediate else None,
        "augmentation": {"methods": dict(augmentation.mix), **asdict(augmentation.settings)} if augmentation else None,
        "silver": _described(distillation) if distillation else None,
        **asdict(settings),
        "text_pipeline": pipeline.to_dict(),
    }


def _described(distillation: Distillation) -> dict[str, Any]:
    return {"teacher": str(distillation.teacher), **asdict(distillation.settings)}


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
