"""Augmentation of a set of pairs that a training has loaded."""

from collections.abc import Callable, Container, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sts.augment.run import Counts, augment_pairs
from sts.augment.settings import AugmentSettings
from sts.pairs.rows import Pair

if TYPE_CHECKING:
    from datasets import Dataset

OPTIONAL_COLUMNS = ("guid", "source")


def augment_dataset(
    train: "Dataset",
    mix: Mapping[str, float],
    settings: AugmentSettings,
    *,
    seed: int,
    held_out: Container[str],
    say: Callable[[str], None],
) -> "tuple[Dataset, Counts]":
    """Make new pairs of a training part.

    Args:
        train: columns sentence1, sentence2, label, and perhaps guid and source.
        mix: weight by method.
        settings: how to augment.
        seed: decides every new pair.
        held_out: sentences that no new pair may have.
        say: prints a line.

    Returns:
        The new pairs alone, with those of the columns that `train` has, and what was counted.

    Raises:
        StsError: what a method or the scorer needs is missing.
    """
    from datasets import Dataset, Features, Value
    from tqdm import tqdm

    say(f"augmentation: up to {settings.new_per_pair} new pairs from each of {len(train):,} by {describe_mix(mix)}")
    counts = Counts()
    columns = ["sentence1", "sentence2", "label", *(name for name in OPTIONAL_COLUMNS if name in train.column_names)]
    rows: dict[str, list[object]] = {name: [] for name in columns}
    with tqdm(total=len(train), unit="pair", desc="augmenting", disable=None) as bar:
        made = augment_pairs(
            _Pairs(train), mix, settings, seed=seed, counts=counts, held_out=held_out, progress=bar.update
        )
        for pair in made:
            for name in columns:
                rows[name].append(getattr(pair, name))
    say(f"augmentation: {counts.new:,} new pairs")
    types = {name: Value("float64" if name == "label" else "string") for name in columns}
    return Dataset.from_dict(rows, features=Features(types)), counts


def describe_mix(mix: Mapping[str, float]) -> str:
    """The methods, with their weights where these differ."""
    even = len(set(mix.values())) == 1
    return ", ".join(name if even else f"{name}:{weight:g}" for name, weight in mix.items())


@dataclass(frozen=True)
class _Pairs:
    """A data set's rows as pairs, as often as they are asked for."""

    rows: "Dataset"

    def __iter__(self) -> Iterator[Pair]:
        for row in self.rows:
            yield Pair(row["sentence1"], row["sentence2"], row["label"], row.get("guid"), row.get("source"))
