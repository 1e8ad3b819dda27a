"""What a training reads: pairs to train on, new pairs made of them, and pairs that are held out."""

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sts.errors import DataError
from sts.files import write_json, write_text
from sts.pairs import hard_split, random_split
from sts.pairs.rows import SIMILAR_FROM
from sts.pairs.split import overlap_pearson, without_sentences
from sts.pairs.weak import ENDS
from sts.text import TextPipeline
from sts.train.settings import TrainSettings

if TYPE_CHECKING:
    import numpy as np
    from datasets import Dataset

    from sts.augment import AugmentSettings

NEW_PAIRS_FILE = "augmented.jsonl"
COUNTS_FILE = "augmented.json"
SENTENCES = ("sentence1", "sentence2")
# of pairs that would be lost, where the split is the user's own and where it is not
REMEDIES = (
    "take these sentences out of one of the two",
    "hold out fewer (--validation-fraction), name validation pairs of your own (--validation-data)",
)
# of validation pairs: with fewer, chance would choose between checkpoints, and a threshold
MIN_TO_CHOOSE = 50
# so many pairs can be split
MIN_TO_SPLIT = 10
# training pairs that help to calibrate a bi-encoder where few are held out
MAX_TO_CALIBRATE = 500


@dataclass(frozen=True)
class HeldOut:
    """Pairs to train on, and those to validate on; no sentence is in two of the parts.

    Attributes:
        train: what may be trained on.
        validation: the validation parts by name, the one that matters first: `hard` and `random` (see
            `sts.pairs.split`), or `own`, the user's.
        dropped: pairs in no part, since they share a sentence with a held-out pair.
    """

    train: "Dataset"
    validation: "dict[str, Dataset]"
    dropped: int

    @property
    def name(self) -> str:
        """Of the part that checkpoints are measured on."""
        return next(iter(self.validation))

    @property
    def first(self) -> "Dataset":
        """The part that checkpoints are measured on."""
        return self.validation[self.name]

    @property
    def chooses(self) -> bool:
        """Whether that part is large enough to choose a checkpoint by."""
        return len(self.first) >= MIN_TO_CHOOSE

    def sentences(self) -> set[str]:
        """Every sentence of a validation part."""
        return {sentence for part in self.validation.values() for name in SENTENCES for sentence in part[name]}

    def to_calibrate(self) -> "Dataset":
        """The pairs that a bi-encoder's calibration is fitted to: too few of them would fit themselves alone."""
        from datasets import concatenate_datasets

        if self.chooses:
            return self.first
        parts = [*self.validation.values(), self.train.select(range(min(len(self.train), MAX_TO_CALIBRATE)))]
        return concatenate_datasets([sentences_and_label(part) for part in parts])


@dataclass(frozen=True)
class Augmentation:
    """How a training part is augmented: methods with their weights, and their settings."""

    mix: Mapping[str, float]
    settings: "AugmentSettings"


@dataclass(frozen=True)
class NewPairs:
    """Pairs that augmentation made, and what it counted on the way."""

    pairs: "Dataset"
    counts: dict[str, Any]


def hold_out(pairs: "Dataset", settings: TrainSettings, own: "Dataset | None" = None) -> HeldOut:
    """Split pairs for a training with these settings; their seed of the split decides.

    Args:
        pairs: the training's.
        settings: how to train.
        own: the user's validation pairs, in the place of a split.

    Raises:
        DataError: too few pairs to hold some out and train on the others, or more would be lost than the settings
            allow.
    """
    count = len(pairs)
    if own is not None:
        held = HeldOut(train := without_sentences(pairs, _sentences(own)), {"own": own}, count - len(train))
        if len(train) < 2:
            raise DataError(
                f"--validation-data: {held.dropped} of {count} pairs share a sentence with it, which leaves "
                f"{len(train)} to train on; take these sentences out of one of the two"
            )
    else:
        if count < MIN_TO_SPLIT:
            raise DataError(
                f"{count} pairs are too few to hold some out and train on the others; give {MIN_TO_SPLIT} or more, or "
                "validation pairs of your own with --validation-data"
            )
        size = max(round(count * settings.validation_fraction), min(10, count // 5))
        try:
            hard = hard_split(pairs, size, seed=settings.seed_of_split)
            chance = random_split(hard.train, size, seed=settings.seed_of_split)
        except DataError as error:
            raise DataError(f"{count} pairs can't be parted: {error}") from error
        parts = {"hard": hard.validation, "random": chance.validation}
        held = HeldOut(chance.train, parts, hard.dropped + chance.dropped)
    if settings.fit_threshold:
        _check_fit(held)
    if held.dropped > settings.max_dropped * count:
        raise DataError(
            f"{held.dropped} of {count} pairs would be lost, since they share sentences with {len(held.first)} "
            f"validation pairs; at most {settings.max_dropped:.0%} may be: {REMEDIES[own is None]}, or allow it with "
            f"--max-dropped {math.ceil(100 * held.dropped / count) / 100:.2f}"
        )
    return held


def _check_fit(held: HeldOut) -> None:
    """Refuse to choose a threshold by validation pairs that can't tell one, before anything is trained."""
    labels = [label for part in held.validation.values() for label in part["label"]]
    similar = sum(label >= SIMILAR_FROM for label in labels)
    if len(labels) < MIN_TO_CHOOSE or similar in (0, len(labels)):
        raise DataError(
            f"--fit-threshold: needs {MIN_TO_CHOOSE} validation pairs, some similar and some not; there are "
            f"{len(labels)}, {similar} of them similar: hold out more with --validation-fraction, or leave the option "
            "out"
        )


def _sentences(pairs: "Dataset") -> set[str]:
    return {sentence for name in SENTENCES for sentence in pairs[name]}


def rows_to_train_on(pairs: "Dataset", settings: TrainSettings, generator: "np.random.Generator") -> "np.ndarray":
    """Row numbers without the label-0 pairs that are left out by chance."""
    import numpy as np

    label = np.asarray(pairs["label"], dtype=np.float64)
    return np.flatnonzero((label > 0) | (generator.random(len(label)) < (settings.zero_label_fraction or 0)))


def new_pairs(
    train: "Dataset",
    augmentation: Augmentation,
    *,
    seed: int,
    held_out: set[str],
    work: Path,
    say: Callable[[str], None],
) -> NewPairs:
    """Augment the training part, or read what an interrupted training made of it before.

    Args:
        train: pairs to make new ones of.
        augmentation: how.
        seed: decides every new pair.
        held_out: sentences that no new pair may have.
        work: folder that keeps the new pairs for when the training is resumed.
        say: prints a line.
    """
    from datasets import Dataset

    from sts.augment import augment_dataset

    path = work / NEW_PAIRS_FILE
    if (work / COUNTS_FILE).is_file():
        rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        say(f"augmentation: {len(rows):,} new pairs, made before the interruption")
        return NewPairs(Dataset.from_list(rows), json.loads((work / COUNTS_FILE).read_text(encoding="utf-8")))
    made, counts = augment_dataset(
        train, augmentation.mix, augmentation.settings, seed=seed, held_out=held_out, say=say
    )
    write_text(path, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in made))
    write_json(work / COUNTS_FILE, asdict(counts))  # last: without it, the pairs are not complete
    return NewPairs(made, asdict(counts))


def prepared(pairs: "Dataset", pipeline: TextPipeline) -> "tuple[Dataset, int]":
    """The pairs with their sentences as a model sees them, and how many sentences stayed as they were.

    A sentence stays as it was where the pipeline would have left nothing of it.
    """
    from datasets import Dataset

    if not pipeline.steps:
        return pairs, 0
    columns = {name: pipeline.apply(pairs[name][:]) for name in SENTENCES}
    kept = sum(sum(column.left_as_is) for column in columns.values())
    labels = {name: pairs[name][:] for name in ("label", *ENDS) if name in pairs.column_names}
    return Dataset.from_dict({name: column.sentences for name, column in columns.items()} | labels), kept


def sentences_and_label(pairs: "Dataset") -> "Dataset":
    """The pairs with no other columns than those that every set of pairs has."""
    return pairs.select_columns([*SENTENCES, "label"])


def with_ranges(pairs: "Dataset") -> "Dataset":
    """The pairs with a range of scores, both of whose ends are their label where they have one."""
    if ENDS[0] in pairs.column_names:
        return pairs.select_columns([*SENTENCES, *ENDS])
    found = pairs.select_columns([*SENTENCES, "label"])
    for name in ENDS:
        found = found.add_column(name, found["label"][:])
    return found.remove_columns("label")


def describe(held: HeldOut) -> list[str]:
    """The validation parts, a line for each thing to know."""
    named = ", ".join(
        f"{len(part):,} {name} pair{'s' * (len(part) != 1)}"
        + (f" (overlap-label r {_r(part)})" if name == "hard" else "")
        for name, part in held.validation.items()
    )
    lines = [f"validation: {named}; {held.dropped:,} pairs dropped that share a sentence with them"]
    if not held.chooses:
        lines.append(
            f"validation: {len(held.first)} pairs are too few to choose a checkpoint by ({MIN_TO_CHOOSE} are "
            "needed), so the "
            "last one is kept and training does not stop early; --validation-fraction and --validation-data hold out "
            "more"
        )
    return lines


def _r(pairs: "Dataset") -> str:
    r = overlap_pearson(pairs)
    return "undefined" if len(pairs) < 3 or math.isnan(r) else f"{r:.2f}"
