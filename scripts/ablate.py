#!/usr/bin/env python
"""Does it help? The same training with each text pipeline and each augmentation, side by side.

Every row of the table trains from the same base model on the same pairs, for the same number of
steps, with the same seeds, so that a row with more pairs is not a row with more training. All are
measured on one `hard` split, and compared with the row without augmentation. A run that is
interrupted goes on where it was when the same command is given again.

    python scripts/ablate.py --data klue-sts-train.csv --output runs/ablation
"""

import argparse
import csv
import json
import shutil
import statistics
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from sts.errors import StsError
from sts.files import write_json, write_text

BASELINE = "none"
TEACHER = "teacher"
SPLIT_SEED = 42  # of the splits and of the part that is trained on: the same for every run


@dataclass(frozen=True)
class Row:
    """A row of the table: what is done to the text, and which methods make new pairs."""

    name: str
    text_pipeline: str = "none"
    methods: tuple[str, ...] = ()
    options: tuple[tuple[str, Any], ...] = ()  # of AugmentSettings


ROWS = [
    Row(BASELINE),
    Row("text: normalize", text_pipeline="normalize"),
    Row("text: original", text_pipeline="original"),
    Row("sr, Kiwi's thesaurus", methods=("sr",)),
    Row("sr, WordNet", methods=("sr",), options=(("thesaurus", "wordnet"),)),
    Row("ri", methods=("ri",)),
    Row("rs", methods=("rs",)),
    Row("rd", methods=("rd",)),
    Row("eda (sr, ri, rs, rd)", methods=("eda",)),
    Row("eda, labelled by the model of row 1", methods=("eda",), options=(("label_with", TEACHER),)),
    Row("aeda", methods=("aeda",)),
    Row("mlm", methods=("mlm",)),
    Row("swap", methods=("swap",)),
]


def main() -> None:
    """Train every row with every seed, then write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", nargs="+", required=True, help="files of pairs, or sample")
    parser.add_argument("--output", type=Path, required=True, help="folder for scores, table and plot")
    parser.add_argument("--base-model", default="e5-small")
    parser.add_argument("--pairs", type=int, default=2000, help="pairs to train on, before augmentation")
    parser.add_argument("--steps", type=int, default=62, help="optimiser steps of every run; 62 see 2,000 pairs once")
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--learning-rate", type=float, default=1e-4)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--ko-en", help="Korean-English checkpoint; with --en-ko, adds a row for back-translation")
    parser.add_argument("--en-ko", help="English-Korean checkpoint")
    parser.add_argument("--rows", nargs="+", help="names of rows to run; not given: all")
    options = parser.parse_args()
    rows = list(ROWS)
    if options.ko_en and options.en_ko:
        rows.append(Row("bt", methods=("bt",), options=(("ko_en", options.ko_en), ("en_ko", options.en_ko))))
    if options.rows:
        rows = [row for row in rows if row.name in {BASELINE, *options.rows}]
    try:
        Ablation(options).run(rows)
    except StsError as error:
        sys.exit(f"ablate: {error}")


class Ablation:
    """Runs rows and writes down what they gave.

    Args:
        options: the command's.
    """

    def __init__(self, options: argparse.Namespace) -> None:
        from datasets import disable_progress_bars

        from sts.encoders import find_encoder
        from sts.pairs import load_pairs
        from sts.train.data import HeldOut, hold_out, rows_to_train_on
        from sts.train.settings import TrainSettings

        disable_progress_bars()
        self.options, self.output = options, options.output
        self.encoder = find_encoder(options.base_model, print)
        self.data = load_pairs(options.data, announce=print)
        settings = TrainSettings(seed=SPLIT_SEED)
        held = hold_out(self.data.pairs, settings)
        generator = np.random.default_rng(SPLIT_SEED)
        kept = generator.permutation(rows_to_train_on(held.train, settings, generator))[: options.pairs]
        self.held = HeldOut(held.train.select(np.sort(kept)), {"hard": held.first}, held.dropped)

    def run(self, rows: list[Row]) -> None:
        """Train what has not been trained yet, row by row within a seed, and write the table."""
        due = [(row, seed) for seed in self.options.seeds for row in rows]
        print(
            f"{len(rows)} rows x {len(self.options.seeds)} seeds: {self.options.steps} steps of "
            f"{self.options.batch_size} on {len(self.held.train):,} pairs, measured on {len(self.held.first)} hard ones"
        )
        for row, seed in tqdm(due, unit="run", desc="ablation"):
            if not self._scores_file(row, seed).is_file():
                self._train(row, seed)
        self._report(rows)

    def _place(self, row: Row, seed: int) -> Path:
        name = "".join(letter if letter.isalnum() else "-" for letter in row.name)
        return self.output / "runs" / f"{name}-{seed}"

    def _scores_file(self, row: Row, seed: int) -> Path:
        return self._place(row, seed).with_suffix(".json")

    def _train(self, row: Row, seed: int) -> None:
        from sts.augment import AugmentSettings, parse_mix
        from sts.train.data import Augmentation
        from sts.train.record import RUN_FILE, Recipe
        from sts.train.run import train_scorer
        from sts.train.settings import TrainSettings

        settings = TrainSettings(
            text_pipeline=row.text_pipeline,
            epochs=-(-self.options.steps * self.options.batch_size // len(self.held.train)),
            max_steps=self.options.steps,
            batch_size=self.options.batch_size,
            learning_rate=self.options.learning_rate,
            orders="one",
            zero_label_fraction=1.0,
            evaluations_per_epoch=1,
            seed=seed,
        )
        teacher = str(self.output / "runs" / TEACHER)
        chosen = {name: teacher if value == TEACHER else value for name, value in row.options}
        augmentation = Augmentation(parse_mix(row.methods), AugmentSettings(**chosen)) if row.methods else None
        work = self._place(row, seed)
        tqdm.write(f"== {row.name}, seed {seed}")
        start = time.perf_counter()
        recipe = Recipe("cross", self.encoder, self.data, settings, augmentation=augmentation)
        resume = (work / RUN_FILE).is_file()
        result = train_scorer(recipe, work=work, say=tqdm.write, held_out=self.held, resume=resume)
        if row.name == BASELINE and seed == self.options.seeds[0]:
            (self.output / "runs" / TEACHER).mkdir(exist_ok=True)
            result.scorer.save(self.output / "runs" / TEACHER)
        record = {
            "row": row.name,
            "seed": seed,
            "seconds": round(time.perf_counter() - start, 1),
            "trained_on": result.trained_on,
            "augmentation": result.augmentation,
            "metrics": result.validation["hard"].metrics.to_dict(),
            "score": [round(float(score), 4) for score in result.validation["hard"].scores],
        }
        shutil.rmtree(work)
        write_json(self._scores_file(row, seed), record)

    def _report(self, rows: list[Row]) -> None:
        from sts.evaluate.runs import compare_runs

        label = np.asarray(self.held.first["label"], dtype=float)
        records = {
            row.name: [json.loads(self._scores_file(row, seed).read_text()) for seed in self.options.seeds]
            for row in rows
        }
        table: list[dict[str, Any]] = []
        for name, runs in records.items():
            pearson = [record["metrics"]["pearson"]["value"] for record in runs]
            spearman = [record["metrics"]["spearman"]["value"] for record in runs]
            f1 = [record["metrics"]["f1"]["value"] for record in runs]
            scores, baseline = ([record["score"] for record in each] for each in (runs, records[BASELINE]))
            difference = compare_runs(label, scores, baseline, seed=SPLIT_SEED)
            table.append(
                {
                    "row": name,
                    "pairs": runs[0]["trained_on"],
                    "pearson": statistics.mean(pearson),
                    "pearson_sd": statistics.stdev(pearson) if len(pearson) > 1 else None,
                    "spearman": statistics.mean(spearman),
                    "f1": statistics.mean(f1),
                    "difference": difference.value,
                    "low": difference.low,
                    "high": difference.high,
                    "seconds": statistics.mean(record["seconds"] for record in runs),
                }
            )
        write_json(self.output / "ablation.json", {"options": vars(self.options) | {"output": ""}, "table": table})
        write_text(self.output / "ablation.md", markdown(table))
        with (self.output / "ablation.csv").open("w", newline="", encoding="utf-8") as stream:
            writer = csv.DictWriter(stream, fieldnames=list(table[0]))
            writer.writeheader()
            writer.writerows(table)
        draw(table, self.output / "ablation.png")
        print(markdown(table))
        print(f"written to {self.output}: ablation.md, ablation.json, ablation.csv, ablation.png")


def markdown(table: list[dict[str, Any]]) -> str:
    """The table as Markdown."""
    lines = [
        "| row | pairs | Pearson, mean ± sd | difference to the first row (95 %) | Spearman | F1 | seconds a run |",
        "|---|---|---|---|---|---|---|",
    ]
    for entry in table:
        spread = f" ± {entry['pearson_sd']:.3f}" if entry["pearson_sd"] is not None else ""
        difference = f"{entry['difference']:+.3f} ({entry['low']:+.3f} to {entry['high']:+.3f})"
        lines.append(
            f"| {entry['row']} | {entry['pairs']:,} | {entry['pearson']:.3f}{spread} | "
            f"{difference if entry is not table[0] else '-'} | {entry['spearman']:.3f} | {entry['f1']:.3f} | "
            f"{entry['seconds']:.0f} |"
        )
    return "\n".join(lines) + "\n"


def draw(table: list[dict[str, Any]], path: Path) -> None:
    """Differences to the first row with their intervals, one line each."""
    from sts import plots

    rows = table[1:][::-1]
    figure, axes = plots.figure(
        "Does it help?", "difference of Pearson's r to no augmentation", "", size=(7.2, 0.32 * len(rows) + 1.4)
    )
    for height, entry in enumerate(rows):
        axes.plot([entry["low"], entry["high"]], [height, height], color=plots.COLOURS[0], linewidth=2)
        axes.plot(entry["difference"], height, marker="o", color=plots.COLOURS[0], markersize=6)
    axes.axvline(0, color=plots.INK, linewidth=1)
    axes.set_yticks(range(len(rows)), [entry["row"] for entry in rows])
    plots.save(figure, path)


if __name__ == "__main__":
    main()
