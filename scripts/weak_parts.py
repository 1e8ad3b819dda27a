#!/usr/bin/env python
"""Part the sets that are annotated otherwise into what is trained on and what is held out.

Writes, into the folder OUTPUT, `nli.tsv`, `questions.tsv`, `sets.tsv` and `round-trip.tsv` to train on with
`sts.pairs weak`, and beside them what says how well a scorer tells what they annotate, as pairs with 0 and 1
(`python -m sts.evaluate --label-scale binary`):

- `held-out-nli.csv`: 1,500 NLI pairs, entailments 1 and contradictions 0;
- `held-out-questions.csv`: 600 question pairs, the same 1 and different 0;
- `held-out-sets.csv`: of 300 sets of paraphrases, two of a set 1, one of it and one of the next set 0.

Whatever is held out shares no sentence with what is trained on. The seed is fixed, so every run parts alike.

    python scripts/weak_parts.py DATA runs/weak
"""

import argparse
import csv
import sys
from collections.abc import Iterable
from pathlib import Path

import numpy as np

SEED = 42
NLI, QUESTIONS, SETS = 1500, 600, 300


def main() -> None:
    """Part all of them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="folder of the data sets")
    parser.add_argument("output", type=Path)
    options = parser.parse_args()
    options.output.mkdir(parents=True, exist_ok=True)
    generator = np.random.default_rng(SEED)

    nli = read(options.data / "klue-nli-train.tsv")
    told = [row for row in nli if row["label"] != "neutral"]
    held, kept = part(nli, told, NLI, ("premise", "hypothesis"), generator)
    pairs = [(row["premise"], row["hypothesis"], int(row["label"] == "entailment")) for row in held]
    write_pairs(options.output / "held-out-nli.csv", pairs)
    write(options.output / "nli.tsv", kept)
    hidden = {row[name] for row in held for name in ("premise", "hypothesis")}
    trips = read(options.data / "klue-nli-round-trip.tsv")
    write(options.output / "round-trip.tsv", [row for row in trips if row["sentence"] not in hidden])

    questions = read(options.data / "question-pairs-train.tsv")
    held, kept = part(questions, questions, QUESTIONS, ("sentence1", "sentence2"), generator)
    pairs = [(row["sentence1"], row["sentence2"], 1 - int(row["different"])) for row in held]
    write_pairs(options.output / "held-out-questions.csv", pairs)
    write(options.output / "questions.tsv", kept)

    rows = read(options.data / "stylekqc-paraphrase-sets.tsv")
    sets: dict[str, list[str]] = {}
    for row in rows:
        sets.setdefault(row["set_id"], []).append(row["sentence"])
    names = list(sets)
    # runs of neighbours, so that near misses are there to be told apart
    starts = generator.permutation(len(names) // 10)[: SETS // 10]
    chosen = {names[10 * start + place] for start in starts for place in range(10)}
    pairs = []
    for start in starts:
        for place in range(9):
            group, following = sets[names[10 * start + place]], sets[names[10 * start + place + 1]]
            first, second = generator.permutation(len(group))[:2]
            pairs.append((group[first], group[second], 1))
            pairs.append((group[first], following[int(generator.integers(len(following)))], 0))
    write_pairs(options.output / "held-out-sets.csv", pairs)
    write(options.output / "sets.tsv", [row for row in rows if row["set_id"] not in chosen])


def part(
    rows: list[dict[str, str]],
    eligible: list[dict[str, str]],
    number: int,
    columns: tuple[str, str],
    generator: np.random.Generator,
) -> tuple[list[dict[str, str]], list[dict[str, str]]]:
    """So many of the eligible rows, and those of all rows that share no text with them."""
    held = [eligible[int(place)] for place in generator.permutation(len(eligible))[:number]]
    texts = {row[name] for row in held for name in columns}
    return held, [row for row in rows if not texts & {row[name] for name in columns}]


def read(path: Path) -> list[dict[str, str]]:
    """The rows of a tab-separated file without quoting."""
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream, delimiter="\t", quoting=csv.QUOTE_NONE))


def write(path: Path, rows: list[dict[str, str]]) -> None:
    """Write rows as they were read."""
    lines = ["\t".join(rows[0]), *("\t".join(row.values()) for row in rows)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(f"{path}: {len(rows):,} rows")


def write_pairs(path: Path, pairs: Iterable[tuple[str, str, int]]) -> None:
    """Write pairs with a label of 0 or 1."""
    rows = list(pairs)
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(("sentence1", "sentence2", "label"))
        writer.writerows(rows)
    print(f"{path}: {len(rows):,} pairs, {sum(label for _, _, label in rows):,} of them 1")


if __name__ == "__main__":
    sys.exit(main())
