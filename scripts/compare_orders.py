#!/usr/bin/env python
"""In which order should a cross-encoder score a pair? In both, sorted, or as it comes, with several seeds.

Each seed trains once on the same pairs, whose sentences change places from epoch to epoch. All are measured on one
`hard` split, each in both orders, with the shorter sentence first, and as the pairs come. A run that was finished is
not trained again; name another folder for other settings.

    python scripts/compare_orders.py --data klue-sts-train.csv --output runs/orders
"""

import argparse
import sys
from pathlib import Path
from typing import Any

import numpy as np

from sts.errors import StsError

SPLIT_SEED = 42
ORDERS: tuple[Any, ...] = ("both", "sorted", "one")


def main() -> None:
    """Train what has not been trained yet, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", nargs="+", required=True, help="files of pairs, or sample")
    parser.add_argument("--output", type=Path, required=True, help="folder for the scorers")
    parser.add_argument("--base-model", default="albert-kor")
    parser.add_argument("--pairs", type=int, default=3500, help="pairs to train on")
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    options = parser.parse_args()
    try:
        _run(options)
    except StsError as error:
        sys.exit(f"compare_orders: {error}")


def _run(options: argparse.Namespace) -> None:
    from sts.encoders import find_encoder
    from sts.evaluate.runs import compare_runs
    from sts.models import load_scorer
    from sts.pairs import load_pairs
    from sts.train.data import HeldOut, hold_out, rows_to_train_on
    from sts.train.record import Recipe
    from sts.train.run import train_scorer
    from sts.train.settings import TrainSettings

    encoder, data = find_encoder(options.base_model, print), load_pairs(options.data, announce=print)
    settings = TrainSettings(seed=SPLIT_SEED).for_labels(data.labels)
    held = hold_out(data.pairs, settings)
    generator = np.random.default_rng(SPLIT_SEED)
    kept = generator.permutation(rows_to_train_on(held.train, settings, generator))[: options.pairs]
    held = HeldOut(held.train.select(np.sort(kept)), {"hard": held.first}, held.dropped)
    found: dict[str, list[Any]] = {orders: [] for orders in ORDERS}
    for seed in options.seeds:
        folder = options.output / f"{seed}"
        if not (folder / "sts.json").is_file():
            print(f"== seed {seed}", flush=True)
            recipe = Recipe(
                "cross",
                encoder,
                data,
                TrainSettings(epochs=options.epochs, zero_label_fraction=1.0, orders="both", seed=seed),
            )
            train_scorer(recipe, work=folder / "work", say=print, held_out=held).scorer.save(folder)
        for orders in ORDERS:
            scorer: Any = load_scorer(folder, orders=orders)
            found[orders].append(scorer.score(held.first["sentence1"], held.first["sentence2"]).scores)
    label = np.asarray(held.first["label"], dtype=float)
    print(f"{'scored':<10}{'pearson':>9}  difference from the first row")
    for orders, scores in found.items():
        difference = compare_runs(label, scores, found[ORDERS[0]], seed=SPLIT_SEED)
        print(f"{orders:<10}{np.mean(difference.a):>9.4f}  {difference}  {np.round(difference.a, 4)}")


if __name__ == "__main__":
    main()
