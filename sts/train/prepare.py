"""All that stands before the first step of a training: split, new pairs, network, plan."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from sts.encoders import trim_checkpoint
from sts.files import write_json
from sts.models import ScorerInfo
from sts.models.precision import choose_precision
from sts.pairs.split import without_sentences
from sts.text import find_pipeline
from sts.train.data import (
    HeldOut,
    describe,
    hold_out,
    new_pairs,
    prepared,
    rows_to_train_on,
    sentences_and_label,
    with_ranges,
)
from sts.train.distillation import silver_pairs
from sts.train.modes import new_network, tokenized
from sts.train.plan import Plan, make_plan
from sts.train.record import RUN_FILE, Recipe, check_resume, identify, make_info

if TYPE_CHECKING:
    from sts.augment.silver import Silver
    from sts.models.network import Network


@dataclass(frozen=True)
class Prepared:
    """A training that can begin.

    Attributes:
        recipe: what it is.
        held: the pairs to train on and those held out.
        network: the untrained network.
        info: what `sts.json` will say.
        plan: its batches.
        precision: `fp32` or `bf16`.
        left_out: label-0 pairs that are not trained on.
        trained_on: pairs that are, new ones counted and those of the intermediate task not.
        truncated: training pairs that are cut at the maximal length.
        left_as_is: training sentences that the text pipeline would have emptied, and which stay as they are.
        counts: what the augmentation counted, or None where there is none.
        silver: the pairs that teachers labelled, or None where there are none.
    """

    recipe: Recipe
    held: HeldOut
    network: "Network"
    info: ScorerInfo
    plan: Plan
    precision: str
    left_out: int
    trained_on: int
    truncated: int
    left_as_is: int
    counts: dict[str, Any] | None
    silver: "Silver | None"


def _new_network(recipe: Recipe, say: Callable[[str], None]) -> "Network":
    """The network that training begins with, its vocabulary trimmed where that is wanted."""
    wanted, encoder = recipe.settings.trim_vocabulary, recipe.encoder
    if wanted is None:
        return new_network(recipe.mode, encoder, recipe.settings)
    with TemporaryDirectory() as folder:
        trimming = trim_checkpoint(encoder.folder, Path(folder), wanted, prompt=encoder.prompt)
        say(f"vocabulary: {trimming.pieces:,} of {trimming.of:,} pieces kept")
        return new_network(recipe.mode, replace(encoder, folder=Path(folder)), recipe.settings)


def prepare(
    recipe: Recipe,
    *,
    work: Path,
    say: Callable[[str], None],
    held_out: HeldOut | None = None,
    resume: bool = False,
) -> Prepared:
    """Make everything that a training needs; `recipe`'s seeds decide all of it.

    Args:
        recipe: what is trained.
        work: folder that keeps new pairs for when the training is resumed.
        say: prints a line.
        held_out: the split of the data, where it is not to be drawn as the settings say.
        resume: whether the training in `work` goes on.

    Raises:
        DataError: too few pairs to hold some out and train on the others, or a file of `trim_vocabulary` without texts.
        EncoderError: the vocabulary is of a kind that can't be trimmed.
        UsageError: settings that the encoder can't honour, or a `resume` that does not fit `work`.
    """
    import numpy as np
    from datasets import concatenate_datasets
    from transformers import set_seed

    from sts.train.embedding import train_used_rows
    from sts.train.trainer import freeze

    settings = recipe.settings
    precision = choose_precision(settings.precision)
    pipeline = find_pipeline(settings.text_pipeline)
    identity = identify(recipe, pipeline)
    if resume:
        check_resume(work, identity)
    held = held_out or hold_out(recipe.data.pairs, settings, recipe.validation.pairs if recipe.validation else None)
    generator = np.random.default_rng(settings.seed)
    kept = rows_to_train_on(held.train, settings, generator)
    left_out = len(held.train) - len(kept)
    extra = without_sentences(recipe.intermediate.pairs, held.sentences()) if recipe.intermediate else None
    for line in describe(held):
        say(line)
    set_seed(settings.seed)
    network = _new_network(recipe, say)
    freeze(network, settings.freeze_layers)
    info = make_info(recipe, pipeline)
    write_json(work / RUN_FILE, identity)  # not before: a training that can't start leaves nothing behind
    train, counts, silver = held.train, None, None
    added = []
    if recipe.augmentation is not None:
        new = new_pairs(
            train.select(kept), recipe.augmentation, seed=settings.seed, held_out=held.sentences(), work=work, say=say
        )
        added, counts = [new.pairs], new.counts
    if recipe.distillation is not None:
        silver = silver_pairs(
            network, info, [train, extra], recipe.distillation, precision, seed=settings.seed, work=work, say=say
        )
        added.append(silver.pairs)
    columns = sentences_and_label
    if recipe.weak is not None:
        columns = with_ranges
        weak = without_sentences(recipe.weak.pairs, held.sentences())
        added.append(weak)
        extra = None if extra is None else with_ranges(extra)
        say(f"weak data: {len(weak):,} pairs, {len(recipe.weak.pairs) - len(weak):,} left out for held-out sentences")
    if added:
        train = concatenate_datasets([columns(part) for part in (train, *added)])
        kept = np.concatenate([kept, np.arange(len(held.train), len(train))])
    measured = held.to_calibrate() if recipe.mode == "bi" else held.first
    parts = [prepared(part, pipeline) for part in (train, extra, measured) if part is not None]
    used, lengths = zip(*(tokenized(recipe.mode, network, info.prompt, part) for part, _ in parts), strict=True)
    train_used_rows(network, set().union(*used))
    longest = [length for part in lengths[:-1] for length in part]
    plan = make_plan(parts[0][0], kept, parts[1][0] if extra is not None else None, settings, longest, generator)
    split = f", split seed {settings.split_seed}" if settings.split_seed is not None else ""
    mixed = f", {len(extra):,} intermediate pairs in the first epoch" if extra is not None else ""
    say(
        f"training a {recipe.mode}-encoder: {len(kept):,} pairs ({left_out:,} of label 0 left out){mixed}, "
        f"{settings.epochs} epochs, {len(plan.batches):,} batches of {settings.batch_size}, {precision}, "
        f"text pipeline {pipeline.name}, seed {settings.seed}{split}"
    )
    return Prepared(
        recipe,
        held,
        network,
        info,
        plan,
        precision,
        left_out,
        len(kept),
        sum(length > settings.max_length for length in longest),
        sum(left_as_is for _, left_as_is in parts[:-1]),
        counts,
        silver,
    )
