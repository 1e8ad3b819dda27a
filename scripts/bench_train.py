#!/usr/bin/env python
"""Training speed on this machine: sentence-transformers' plain trainer and this project's, side by side.

Both train the same base model on the same pairs at the same batch size, one after the other, in one
process; the figures are pairs a second over whole `train()` calls, and their ratio.

    python scripts/bench_train.py --data pairs.csv --base-model e5-small
"""

import argparse
import statistics
import tempfile
import time
from pathlib import Path


def main() -> None:
    """Run both trainers in turns and print their speeds and the ratio."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", nargs="+", default=["sample"], help="files of pairs, or sample")
    parser.add_argument("--base-model", default="e5-small")
    parser.add_argument("--pairs", type=int, default=960, help="pairs to train on, one epoch")
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=1, help="turns; the median is taken")
    options = parser.parse_args()

    import torch
    from transformers.utils import logging

    from sts.encoders import find_encoder
    from sts.models.precision import choose_precision
    from sts.pairs import load_pairs

    logging.set_verbosity_error()
    logging.disable_progress_bar()
    encoder = find_encoder(options.base_model, print)
    pairs = load_pairs(options.data, announce=print).pairs.shuffle(seed=42)
    pairs = pairs.select(range(min(options.pairs, len(pairs)))).select_columns(["sentence1", "sentence2", "label"])
    print(f"{len(pairs)} pairs, batch size {options.batch_size}, {torch.get_num_threads()} threads")
    speeds: dict[str, list[float]] = {
        "plain CrossEncoderTrainer, fp32": [],
        f"sts.train, {choose_precision('auto')}": [],
    }
    for turn in range(options.rounds):
        for name, runner in zip(speeds, (plain, planned), strict=True):
            with tempfile.TemporaryDirectory() as folder:
                seconds = runner(encoder.folder, pairs, options.batch_size, Path(folder))
            speeds[name].append(len(pairs) / seconds)
            print(f"turn {turn + 1}  {name:<32} {speeds[name][-1]:6.1f} pairs/s")
    slow, fast = (statistics.median(values) for values in speeds.values())
    print(f"ratio: {fast / slow:.2f}")


def plain(encoder: Path, pairs, batch_size: int, folder: Path) -> float:  # noqa: ANN001
    """Seconds of an epoch of the recipe in sentence-transformers' documentation."""
    from sentence_transformers import CrossEncoder, CrossEncoderTrainer, CrossEncoderTrainingArguments
    from sentence_transformers.cross_encoder.losses import BinaryCrossEntropyLoss

    network = CrossEncoder(str(encoder), num_labels=1)
    arguments = CrossEncoderTrainingArguments(
        output_dir=str(folder),
        num_train_epochs=1,
        per_device_train_batch_size=batch_size,
        learning_rate=5e-5,
        warmup_steps=3,
        save_strategy="no",
        report_to=[],
        disable_tqdm=True,
        logging_strategy="no",
    )
    rows = pairs.map(lambda row: {"label": row["label"] / 5})
    trainer = CrossEncoderTrainer(
        model=network, args=arguments, train_dataset=rows, loss=BinaryCrossEntropyLoss(network)
    )
    return timed(trainer)


def planned(encoder: Path, pairs, batch_size: int, folder: Path) -> float:  # noqa: ANN001
    """Seconds of an epoch of this project's trainer, as `sts.train` sets it up."""
    from itertools import chain

    import numpy as np

    from sts.models.network import new_cross_network
    from sts.models.precision import choose_precision
    from sts.train.embedding import train_used_rows
    from sts.train.plan import make_plan
    from sts.train.settings import TrainSettings
    from sts.train.trainer import make_trainer

    settings = TrainSettings(epochs=1, batch_size=batch_size, zero_label_fraction=1).for_mode("cross")
    network = new_cross_network(encoder, head=settings.head, max_length=settings.max_length)
    tokens = network.tokenizer(pairs["sentence1"][:], pairs["sentence2"][:])["input_ids"]
    lengths = [len(ids) for ids in tokens]
    train_used_rows(network, chain.from_iterable(tokens))
    trainer = make_trainer(
        "cross",
        network,
        "",
        make_plan(pairs, np.arange(len(pairs)), None, settings, lengths, np.random.default_rng(settings.seed)),
        settings,
        precision=choose_precision("auto"),
        folder=folder,
        validate=lambda model: {"pearson": 0.0},
        callbacks=[],
        report_to=[],
    )
    return timed(trainer)


def timed(trainer) -> float:  # noqa: ANN001
    """Seconds of `trainer.train()`."""
    start = time.perf_counter()
    trainer.train()
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
