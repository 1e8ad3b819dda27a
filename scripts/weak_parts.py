#!/usr/bin/env python
"""Part the sets that are annotated otherwise into what is trained on and what is held out.

Writes, into the folder OUTPUT, `nli.tsv`, `questions.tsv`, `sets.tsv` and `round-trip.tsv` to train on with
`sts.pairs weak`, and beside them what says how well a scorer tells what they annotate, as pairs with 0 and 1
(`python -m sts.evaluate --label-scale binary`):

- `held-out-nli.csv`: 1,500 NLI pairs, entailments 1 and contradictions 0;
- `held-out-questions.csv`: 600 question pairs, the same 1 and different 0;
- `held-out-sets.csv`: of 300 sets of paraphrases in runs of ten neighbours, two sentences of a set 1, one of it and one
  of the next set 0.

Whatever is held out shares no sentence with anything that is trained on. The seed is fixed, so every run parts alike.
DATA holds `klue-nli-train.tsv`, `klue-nli-round-trip.tsv`, `question-pairs-train.tsv` and
`stylekqc-paraphrase-sets.tsv`.

    python scripts/weak_parts.py DATA runs/weak
"""

import argparse
import csv
import itertools
import sys
from collections.abc import Iterable
from pathlib import Path

import numpy as np

SEED = 42
NLI, QUESTIONS, SETS = 1500, 600, 300
# neighbouring sets that are held out together, so that near misses are there to be told apart
RUN = 10


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
    held = drawn(told, NLI, generator)
    held_pairs = {
        "nli": [(row["premise"], row["hypothesis"], int(row["label"] == "entailment")) for row in held],
    }
    questions = read(options.data / "question-pairs-train.tsv")
    held = drawn(questions, QUESTIONS, generator)
    held_pairs["questions"] = [(row["sentence1"], row["sentence2"], 1 - int(row["different"])) for row in held]
    sets = read(options.data / "stylekqc-paraphrase-sets.tsv")
    members, held_pairs["sets"] = drawn_sets(sets, generator)

    hidden = {text for pairs in held_pairs.values() for first, second, _ in pairs for text in (first, second)} | members
    trips = read(options.data / "klue-nli-round-trip.tsv")
    for name, rows in (("nli", nli), ("questions", questions), ("sets", sets), ("round-trip", trips)):
        write(options.output / f"{name}.tsv", [row for row in rows if hidden.isdisjoint(row.values())])
    for name, pairs in held_pairs.items():
        write_pairs(options.output / f"held-out-{name}.csv", pairs)


def drawn(rows: list[dict[str, str]], number: int, generator: np.random.Generator) -> list[dict[str, str]]:
    """So many of the rows."""
    return [rows[int(place)] for place in generator.permutation(len(rows))[:number]]


def drawn_sets(
    rows: list[dict[str, str]], generator: np.random.Generator
) -> tuple[set[str], list[tuple[str, str, int]]]:
    """All sentences of the sets that are held out, and pairs of them."""
    sets: dict[str, list[str]] = {}
    for row in rows:
        sets.setdefault(row["set_id"], []).append(row["sentence"])
    groups = list(sets.values())
    pairs, members = [], set()
    for start in generator.permutation(len(groups) // RUN)[: SETS // RUN].tolist():
        run = groups[RUN * start : RUN * (start + 1)]
        members |= {sentence for group in run for sentence in group}
        for group, following in itertools.pairwise(run):
            first, second = generator.permutation(len(group))[:2].tolist()
            pairs.append((group[first], group[second], 1))
            pairs.append((group[first], following[int(generator.integers(len(following)))], 0))
    return members, pairs


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
