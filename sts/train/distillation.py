"""Distillation: teachers label silver pairs for a student, which is the model that is trained."""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from sts.augment.silver import Silver, SilverSettings, make_silver
from sts.bundled import scorer_name
from sts.errors import UsageError
from sts.files import write_json
from sts.models import BiScorer, CrossScorer, load_scorer
from sts.models.info import Mode, ScorerInfo, read_info
from sts.models.precision import Precision
from sts.pairs import LoadedPairs
from sts.train.settings import TrainSettings

if TYPE_CHECKING:
    import numpy as np
    from datasets import Dataset

SILVER_FILE = "silver.json"


@dataclass(frozen=True)
class Distillation:
    """Who labels silver pairs, and how many of which there are.

    Attributes:
        teachers: scorer folders, one or more; a pair's label is the mean of their scores.
        settings: how many pairs, and how they are found.
        silver_encoder: folder of a bi-encoder that finds the nearest sentences; None means the student as its
            training begins.
    """

    teachers: tuple[Path, ...]
    settings: SilverSettings
    silver_encoder: Path | None = None

    def check(self, mode: Mode) -> None:
        """Check that the folders are what they should be and that a student of `mode` can be taught.

        Raises:
            ScorerError: a folder is no scorer.
            UsageError: no teacher or the same one twice, or nobody, or a needless encoder, for the nearest sentences.
        """
        if not self.teachers:
            raise UsageError("--teacher names no folder; give one or more, or leave the option out")
        seen = set()
        for teacher in self.teachers:
            if teacher.resolve() in seen:
                raise UsageError(f"--teacher {teacher}: is given twice; name each teacher once")
            seen.add(teacher.resolve())
            read_info(teacher)
        nearest = self.settings.silver_nearest
        if self.silver_encoder is not None:
            if not nearest:
                raise UsageError(
                    "--silver-encoder finds the nearest sentences, and --silver-nearest is 0; leave one of them out"
                )
            if read_info(self.silver_encoder).mode != "bi":
                raise UsageError(
                    f"--silver-encoder {self.silver_encoder}: is a cross-encoder, which makes no vectors; name the "
                    "folder of a bi-encoder"
                )
        elif nearest and mode == "cross":
            raise UsageError(
                f"--silver-nearest is {nearest}, and a cross-encoder makes no vectors to find the nearest sentences "
                "by; give --silver-encoder, the folder of a bi-encoder, or --silver-nearest 0"
            )

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "teachers": [scorer_name(teacher) for teacher in self.teachers],
            "silver_encoder": scorer_name(self.silver_encoder) if self.silver_encoder else None,
            **asdict(self.settings),
        }

    def describe(self) -> list[str]:
        """Each teacher, and who finds the nearest sentences, in a line each, from their folders."""
        lines = []
        for teacher in self.teachers:
            info = read_info(teacher)
            lines.append(f"teacher: {teacher}, a {info.mode}-encoder from {info.base_model}")
        if self.silver_encoder:
            lines.append(f"nearest sentences by: {self.silver_encoder}")
        return lines


def find_distillation(
    mode: Mode, teachers: Sequence[Path] | None, silver_encoder: Path | None, settings: SilverSettings
) -> Distillation | None:
    """Who labels silver pairs, or None where that was not asked for.

    Args:
        mode: the student's.
        teachers: as for `Distillation`; None where there are none.
        silver_encoder: as for `Distillation`.
        settings: as for `Distillation`.

    Raises:
        ScorerError: a folder is no scorer.
        UsageError: options that do not go together; see `Distillation.check`.
    """
    if teachers is None:
        if settings != SilverSettings() or silver_encoder is not None:
            raise UsageError("options of silver pairs go with --teacher, the scorers that label them")
        return None
    distillation = Distillation(tuple(teachers), settings, silver_encoder)
    distillation.check(mode)
    return distillation


def warnings_of_other_splits(distillation: Distillation, data: LoadedPairs, settings: TrainSettings) -> list[str]:
    """A line for each teacher that, by its `sts.json`, did not hold out the student's validation pairs.

    Args:
        distillation: has the teachers; one that does not say how it was trained is not warned of.
        data: the student's labelled pairs.
        settings: the student's settings.
    """
    lines = []
    for teacher in distillation.teachers:
        info = read_info(teacher)
        split_seed = info.settings.get("split_seed")
        found = {
            "split seed": (info.settings.get("seed") if split_seed is None else split_seed, settings.seed_of_split),
            "validation fraction": (info.settings.get("validation_fraction"), settings.validation_fraction),
            "data": (info.data.get("fingerprint"), data.fingerprint),
        }
        other = [
            f"other {name}" if name == "data" else f"{name} {its}, here {here}"
            for name, (its, here) in found.items()
            if its is not None and its != here
        ]
        if other:
            lines.append(
                f"warning: --teacher {teacher} has perhaps seen the validation pairs, which makes the results look too "
                f"good: it was trained with {'; '.join(other)}; give both trainings the same --data, "
                "--validation-fraction and --split-seed"
            )
    return lines


def silver_pairs(
    network: Any,
    info: ScorerInfo,
    parts: "list[Dataset | None]",
    distillation: Distillation,
    precision: Precision,
    *,
    seed: int,
    work: Path,
    say: Callable[[str], None],
) -> Silver:
    """Silver pairs of the sentences of training parts, or what an interrupted training made of them before.

    Args:
        network: the student as its training begins.
        info: what `sts.json` will say of it.
        parts: pairs that may be trained on; None stands for no part.
        distillation: the teachers, and how many pairs.
        precision: of the vectors that find the nearest sentences.
        seed: decides every pair.
        work: folder that keeps the pairs for when the training is resumed.
        say: prints a line.

    Raises:
        ScorerError: a teacher or the encoder can't be loaded.
    """
    from datasets import Dataset

    path = work / SILVER_FILE
    if path.is_file():
        kept = json.loads(path.read_text(encoding="utf-8"))
        say(f"silver pairs: {len(kept['origin']):,}, made before the interruption")
        return Silver(Dataset.from_dict(kept["pairs"]), kept["origin"])
    rows = [pair for part in parts if part for pair in zip(part["sentence1"], part["sentence2"], strict=True)]
    sentences = list(dict.fromkeys(sentence for pair in rows for sentence in pair))

    def encode(texts: Sequence[str]) -> "np.ndarray":
        encoder = _encoder(network, info, distillation, precision)
        return encoder.encode(texts, progress=True).vectors

    silver = make_silver(
        sentences,
        {frozenset(pair) for pair in rows},
        encode,
        [partial(_teacher, teacher, info.mode) for teacher in distillation.teachers],
        distillation.settings,
        seed=seed,
        say=say,
    )
    write_json(path, {"pairs": silver.pairs.to_dict(), "origin": silver.origin})
    return silver


def _encoder(network: Any, info: ScorerInfo, distillation: Distillation, precision: Precision) -> BiScorer:
    """Who finds the nearest sentences."""
    if distillation.silver_encoder:
        return cast("BiScorer", load_scorer(distillation.silver_encoder))  # see `check`
    from sts.models.torch_runtime import TorchRuntime

    # which curve the scorer has does not matter for its vectors
    curve = {str(network.get_embedding_dimension()): {"rise": 1.0, "fall": 1.0, "shift": 0.0}}
    return BiScorer(TorchRuntime(network, precision), replace(info, calibration=curve))


def _teacher(folder: Path, student: Mode) -> CrossScorer | BiScorer:
    """A teacher, scoring as a student of this mode needs it."""
    # a bi-encoder has no order to learn, and one pass gives twice as many pairs in the same time
    once = student == "bi" and read_info(folder).orders == "both"
    return load_scorer(folder, orders="sorted" if once else None)
