#!/usr/bin/env python
"""Augmentation on this machine: speed and memory of sts.augment, and its speed beside textmentations'.

First the command makes EDA pairs of the file, and of one that is several times as long: time and peak
memory of each whole process. Then both libraries vary the same sentences by the same four methods in one
process, loaded and warmed up, in turns; what counts is sentences a second that came out changed. The other
one moves words as they are spelled; sts.augment analyses every sentence, before and after, and refuses
what is no longer Korean or says something else, so it is no race between equals.

    python scripts/bench_augment.py --data klue-sts-train.csv
"""

import argparse
import csv
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from sts.pairs.load import rows_of
from sts.pairs.rows import Pair


def main() -> None:
    """Run both measurements and print them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default="sample", help="file of pairs, or sample")
    parser.add_argument("--times", type=int, default=5, help="how many times as long the second file is")
    parser.add_argument("--pairs", type=int, default=1000, help="pairs that both libraries augment")
    parser.add_argument("--rounds", type=int, default=3, help="turns; the median is taken")
    options = parser.parse_args()
    pairs = [row for row in rows_of(options.data) if isinstance(row, Pair)]
    with tempfile.TemporaryDirectory() as folder:
        for times in (1, options.times):
            whole_command(pairs, times, Path(folder))
    side_by_side(pairs[: options.pairs], options.rounds)


def whole_command(pairs: Sequence[Pair], times: int, folder: Path) -> None:
    """Print time and peak memory of the command on a file that is `times` as long."""
    source, output = folder / f"{times}.csv", folder / f"{times}.out.csv"
    with source.open("w", encoding="utf-8", newline="") as stream:
        table = csv.writer(stream)
        table.writerow(["sentence1", "sentence2", "label"])
        for turn in range(times):
            # other pairs of the same sentences, since equal ones would give nothing new
            for row, pair in enumerate(pairs):
                table.writerow([pair.sentence1, pairs[(row + 17 * turn) % len(pairs)].sentence2, pair.label])
    words = [sys.executable, "-m", "sts.augment", "--data", str(source), "--output", str(output)]
    start = time.perf_counter()
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"{' '.join(words)}: exit code {process.returncode}")
    count = times * len(pairs)
    made = sum(1 for _ in rows_of(str(output))) - count
    print(
        f"{count:>9,} pairs: {seconds:6.1f} s, {count / seconds:6.1f} pairs/s, {made:,} new pairs, "
        f"peak memory {usage.ru_maxrss / 1024:,.0f} MB"
    )


def side_by_side(pairs: Sequence[Pair], rounds: int) -> None:
    """Print how many changed sentences a second both libraries make, and the ratio."""
    speeds: dict[str, list[float]] = {"textmentations SR, RI, RS, RD": [], "sts.augment sr, ri, rs, rd": []}
    for turn in range(rounds + 1):  # the first turn loads what is loaded once, and does not count
        for name, runner in zip(speeds, (peer, own), strict=True):
            start = time.perf_counter()
            changed = runner(pairs, turn)
            speed = changed / (time.perf_counter() - start)
            if turn:
                speeds[name].append(speed)
                print(f"turn {turn}  {name:<30} {speed:8.1f} changed sentences/s")
    slow, fast = (statistics.median(values) for values in speeds.values())
    print(f"ratio: {fast / slow:.2f}")


def peer(pairs: Sequence[Pair], seed: int) -> int:
    """Vary a sentence of each pair four times with textmentations, one method each; how many changed."""
    import numpy as np
    from textmentations import RandomDeletion, RandomInsertion, RandomSwap, SynonymReplacement

    rng = np.random.default_rng(seed)
    # about one word in ten, as sts.augment's default
    methods = [
        SynonymReplacement(replacement_prob=0.1, p=1.0),
        RandomInsertion(insertion_prob=0.1, p=1.0),
        RandomSwap(p=1.0),
        RandomDeletion(deletion_prob=0.1, p=1.0),
    ]
    changed = 0
    for pair in pairs:
        for method in methods:
            text = pair.sentence2 if rng.integers(2) else pair.sentence1
            changed += method(text=text)["text"] != text
    return changed


def own(pairs: Sequence[Pair], seed: int) -> int:
    """Make four new pairs of each pair with sts.augment, checks included; how many there are."""
    from sts.augment import AugmentSettings, Counts, augment_pairs, parse_mix

    return sum(1 for _ in augment_pairs(pairs, parse_mix(["eda"]), AugmentSettings(), seed=seed, counts=Counts()))


if __name__ == "__main__":
    main()
