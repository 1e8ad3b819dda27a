"""What a training reads: pairs to train on, new pairs made of them, and pairs that are held out."""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sts.files import write_json, write_text
from sts.pairs import Split, hard_split, random_split
from sts.pairs.split import overlap_pearson
from sts.text import TextPipeline
from sts.train.settings import TrainSettings

if TYPE_CHECKING:
    import numpy as np
    from datasets import Dataset

    from sts.augment import AugmentSettings

NEW_PAIRS_FILE = "augmented.jsonl"
COUNTS_FILE = "augmented.json"
SENTENCES = ("sentence1", "sentence2")


@dataclass(frozen=True)
class HeldOut:
    """Pairs split into those to train on and two validation parts, no sentence in two of them.

    Attributes:
        train: what may be trained on.
        hard, random: the validation parts; see `sts.pairs.split`.
        dropped: pairs in no part, since they share a sentence with a held-out pair.
    """

    train: "Dataset"
    hard: "Dataset"
    random: "Dataset"
    dropped: int

    def sentences(self) -> set[str]:
        """Every sentence of a validation part."""
        return {sentence for part in (self.hard, self.random) for name in SENTENCES for sentence in part[name]}


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


def hold_out(pairs: "Dataset", settings: TrainSettings) -> HeldOut:
    """Split pairs for a training with these settings; their seed of the split decides.

    Raises:
        DataError: too few pairs to hold some out and train on the others.
    """
    size = max(10, round(len(pairs) * settings.validation_fraction))
    hard: Split = hard_split(pairs, size, seed=settings.seed_of_split)
    chance: Split = random_split(hard.train, size, seed=settings.seed_of_split)
    return HeldOut(chance.train, hard.validation, chance.validation, hard.dropped + chance.dropped)


def rows_to_train_on(pairs: "Dataset", settings: TrainSettings, generator: "np.random.Generator") -> "np.ndarray":
    """Row numbers without the label-0 pairs that are left out by chance."""
    import numpy as np

    label = np.asarray(pairs["label"], dtype=np.float64)
    return np.flatnonzero((label > 0) | (generator.random(len(label)) < settings.zero_label_fraction))


def without(pairs: "Dataset", sentences: set[str]) -> "Dataset":
    """The pairs that have none of these sentences."""
    rows = zip(pairs["sentence1"], pairs["sentence2"], strict=True)
    return pairs.select([row for row, (a, b) in enumerate(rows) if a not in sentences and b not in sentences])


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
    return Dataset.from_dict(
        {name: column.sentences for name, column in columns.items()} | {"label": pairs["label"][:]}
    ), kept


def sentences_and_label(pairs: "Dataset") -> "Dataset":
    """The pairs with no other columns than those that every set of pairs has."""
    return pairs.select_columns([*SENTENCES, "label"])


def describe(held: HeldOut) -> str:
    """The validation parts in a line."""
    return (
        f"validation: {len(held.hard)} hard pairs (overlap-label r {overlap_pearson(held.hard):.2f}), "
        f"{len(held.random)} random pairs; {held.dropped} pairs dropped that share a sentence with them"
    )
