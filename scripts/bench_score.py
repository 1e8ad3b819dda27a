#!/usr/bin/env python
"""Scoring speed on this machine: sentence-transformers' plain `predict` in fp32, and this project's backends.

A trained scorer is exported in fp32 and int8; each then scores the same pairs, in one order, in one process. Columns:
pairs a second and its ratio to the peer, the median of single pairs in milliseconds, Pearson with the labels, and the
largest and the mean difference of a score from the peer's. Of a bi-encoder, each sentence of the pairs is encoded.

    python scripts/bench_score.py --model runs/cross --data runs/cross/validation/hard.csv
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

SINGLE = 100


def main() -> None:
    """Export, score with each in turn, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, required=True, help="scorer folder with torch weights")
    parser.add_argument("--data", nargs="+", default=["sample-test"], help="files of labelled pairs, or sample-test")
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=2, help="turns; the fastest of each counts")
    parser.add_argument("--trim-vocabulary", nargs="+", default=[], help="as for sts.export")
    options = parser.parse_args()

    from sts.export import export_scorer
    from sts.models import load_scorer
    from sts.models.info import read_info
    from sts.models.precision import choose_precision
    from sts.pairs import load_pairs

    pairs = load_pairs(options.data, announce=print).pairs
    first, second, label = (pairs[name][:] for name in ("sentence1", "sentence2", "label"))
    mode = read_info(options.model).mode
    orders: Any = "one" if mode == "cross" else None
    plain = load_scorer(options.model, precision="fp32", backend="torch", orders=orders)
    name = f"{type(plain.runtime.network).__name__}, torch fp32"
    subjects: dict[str, Subject] = {name: Peer(plain, options.batch_size)}
    if choose_precision("auto") == "bf16":
        scorer = load_scorer(options.model, precision="bf16", backend="torch", orders=orders)
        subjects["sts, torch bf16"] = Subject(scorer, options.batch_size)
    with tempfile.TemporaryDirectory() as place:
        for precision in ("fp32", "int8"):
            folder = Path(place) / precision
            folder.mkdir()
            trimmed = options.trim_vocabulary
            export_scorer(options.model, folder, precision=precision, trim_vocabulary=trimmed, say=print)
            subjects[f"sts, onnx {precision}"] = Subject(load_scorer(folder, orders=orders), options.batch_size)
        print(f"\n{len(first):,} pairs, batch size {options.batch_size}, {mode}-encoder, one order\n")
        print("| what | a second | times as fast | median of one, ms | Pearson | largest, mean difference |")
        print("|---|---|---|---|---|---|")
        base: dict[str, Any] = {}
        for name, subject in subjects.items():
            found = measure(subject, first, second, options.rounds)
            base = base or found
            difference = np.abs(found["scores"] - base["scores"])
            pearson = np.corrcoef(found["scores"], label)[0, 1]
            print(
                f"| {name} | {found['rate']:.1f} | {found['rate'] / base['rate']:.2f} | {found['single']:.1f} "
                f"| {pearson:.4f} | {difference.max():.3f}, {difference.mean():.4f} |"
            )
    last = list(subjects.values())[-1]
    share = seconds(lambda: prepare(last.scorer, first, second)) / found["seconds"]
    print(f"\ntokenising and sorting: {share:.1%} of the time of {name}")


class Subject:
    """A scorer of this project.

    Args:
        scorer: a cross- or bi-encoder.
        batch_size: what goes through it together.
    """

    def __init__(self, scorer: Any, batch_size: int) -> None:
        self.scorer, self.batch_size = scorer, batch_size
        self.bi = scorer.info.mode == "bi"

    def many(self, first: list[str], second: list[str]) -> np.ndarray:
        """Scores of pairs, or vectors of all first sentences, then of all second ones."""
        if self.bi:
            return self.scorer.encode([*first, *second], batch_size=self.batch_size).vectors
        return self.scorer.score(first, second, batch_size=self.batch_size).scores

    def one(self, sentence1: str, sentence2: str) -> object:
        """A single pair, or of a bi-encoder its first sentence."""
        return self.scorer.encode([sentence1]) if self.bi else self.scorer.score([sentence1], [sentence2])

    def scores(self, found: np.ndarray) -> np.ndarray:
        """Scores of what `many` gave."""
        if not self.bi:
            return found
        half = len(found) // 2
        return self.scorer.calibration.scores((found[:half] * found[half:]).sum(axis=1))


class Peer(Subject):
    """The same with sentence-transformers alone."""

    def many(self, first: list[str], second: list[str]) -> np.ndarray:
        """See `Subject`."""
        network = self.scorer.runtime.network
        if self.bi:
            return network.encode([*first, *second], batch_size=self.batch_size)
        return network.predict(list(zip(first, second, strict=True)), batch_size=self.batch_size) * 5

    def one(self, sentence1: str, sentence2: str) -> object:
        """See `Subject`."""
        network = self.scorer.runtime.network
        return network.encode([sentence1]) if self.bi else network.predict([(sentence1, sentence2)])


def measure(subject: Subject, first: list[str], second: list[str], rounds: int) -> dict[str, Any]:
    """Items a second over all pairs, milliseconds of single ones, and the scores."""
    found = subject.many(first, second)
    best = min(seconds(lambda: subject.many(first, second)) for _ in range(rounds))
    single = [seconds(lambda pair=pair: subject.one(*pair)) for pair in list(zip(first, second, strict=True))[:SINGLE]]
    return {
        "seconds": best,
        "rate": len(found) / best,
        "single": statistics.median(single) * 1000,
        "scores": subject.scores(found),
    }


def prepare(scorer: Any, first: list[str], second: list[str]) -> None:
    """All that is not computing: tokenising, and sorting by length."""
    tokenized = scorer.tokenize(first, second) if scorer.info.mode == "cross" else scorer.tokenize([*first, *second])
    np.argsort([-len(ids) for ids in tokenized.tokens["input_ids"]], kind="stable")


def seconds(call: Callable[[], object]) -> float:
    """How long a call takes."""
    begun = time.perf_counter()
    call()
    return time.perf_counter() - begun


if __name__ == "__main__":
    main()
