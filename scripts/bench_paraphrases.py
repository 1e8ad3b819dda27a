#!/usr/bin/env python
"""Paraphrase retrieval on ParaKQC: who finds the nine other sentences of a set among all the others.

One query a set; what is found is measured by MAP, recall@9 and MRR, with bootstrap intervals over the
queries. The same queries for every row of the table.

    python scripts/bench_paraphrases.py --sets parakqc-paraphrase-sets.tsv --bi runs/bi --cross runs/cross
"""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np

from sts.errors import DataError, StsError
from sts.files import write_json
from sts.tables import Table

METRICS = ("MAP", "recall@9", "MRR")
SEED = 42
RESAMPLES = 2000


def main() -> None:
    """Rank with each system, and print and keep the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sets", type=Path, required=True, help="TSV with the columns set_id and sentence")
    parser.add_argument("--bi", type=Path, required=True, help="a trained bi-encoder's folder")
    parser.add_argument("--cross", type=Path, help="a trained cross-encoder's folder, for reranking")
    parser.add_argument("--untrained", default="e5-small", help="base model that the bi-encoder was trained from")
    parser.add_argument("--candidates", type=int, default=30, help="sentences that are reranked for each query")
    parser.add_argument("--orders", choices=["both", "one"], default="one", help="of the cross-encoder")
    parser.add_argument("--output", type=Path, help="JSON file for the figures")
    options = parser.parse_args()
    try:
        run(options)
    except StsError as error:
        sys.exit(f"bench_paraphrases: {error}")


def run(options: argparse.Namespace) -> None:
    """Measure every system on the same queries."""
    from sts.models import load_scorer

    sets, sentences = read_sets(options.sets)
    queries = first_of_each(sets)
    print(f"{len(queries)} queries, one a set; {len(sentences):,} sentences to find their paraphrases among")
    rows: dict[str, np.ndarray] = {}

    def add(name: str, ranking: np.ndarray) -> None:
        rows[name] = measures(ranking, sets, queries)
        print(f"{name}: {', '.join(shown(rows[name]))}", flush=True)

    add("BM25 over morphemes", bm25_ranking(sentences, queries))
    add(f"{options.untrained}, untrained", cosine_ranking(untrained(options.untrained)(sentences), queries))
    bi = load_scorer(options.bi)
    ranking = cosine_ranking(bi.encode(sentences, progress=True).vectors, queries)
    add("bi-encoder", ranking)
    if options.cross:
        cross = load_scorer(options.cross, orders=options.orders)
        head = ranking[:, : options.candidates]
        first = [sentences[query] for query, row in zip(queries, head, strict=True) for _ in row]
        scores = cross.score(first, [sentences[row] for row in head.ravel()], progress=True).scores.reshape(head.shape)
        order = np.argsort(-scores, axis=1, kind="stable")
        reranked = np.take_along_axis(head, order, axis=1)
        rest = ranking[:, options.candidates :]
        add(f"bi-encoder, its {options.candidates} best reranked", np.concatenate([reranked, rest], axis=1))
    table = Table(["system", *METRICS], [[name, *shown(values)] for name, values in rows.items()])
    table.show()
    print(table.markdown())
    if options.output:
        figures = {name: dict(zip(METRICS, values.mean(axis=0).tolist(), strict=True)) for name, values in rows.items()}
        write_json(options.output, {"queries": len(queries), "sentences": len(sentences), "systems": figures})


def read_sets(path: Path) -> tuple[np.ndarray, list[str]]:
    """The set that each of n sentences belongs to (n,), and the sentences."""
    lines = path.read_text(encoding="utf-8").splitlines()
    if not lines or lines[0].split("\t") != ["set_id", "sentence"]:
        raise DataError(f"{path}: the first line must be set_id and sentence, with a tab between them")
    rows = [line.split("\t") for line in lines[1:]]
    for number, row in enumerate(rows, 2):
        if len(row) != 2:
            raise DataError(f"{path}, line {number}: {len(row)} fields; there must be 2, set_id and sentence")
    return np.array([name for name, _ in rows]), [sentence for _, sentence in rows]


def first_of_each(sets: np.ndarray) -> np.ndarray:
    """The row of each set's first sentence."""
    return np.sort(np.unique(sets, return_index=True)[1])


def bm25_ranking(sentences: list[str], queries: np.ndarray) -> np.ndarray:
    """All other rows for each query, the best first."""
    from sts.text.bm25 import Bm25

    found, _ = Bm25(sentences).search([sentences[query] for query in queries], len(sentences))
    return without_query(found, queries)


def cosine_ranking(vectors: np.ndarray, queries: np.ndarray) -> np.ndarray:
    """All other rows for each query, the nearest first."""
    return without_query(np.argsort(-(vectors[queries] @ vectors.T), axis=1, kind="stable"), queries)


def without_query(ranking: np.ndarray, queries: np.ndarray) -> np.ndarray:
    """The ranking without the query itself."""
    return ranking[ranking != queries[:, None]].reshape(len(queries), -1)


def untrained(base_model: str) -> Callable[[list[str]], np.ndarray]:
    """What makes vectors of sentences with a base model as it comes."""
    from sts.encoders import find_encoder
    from sts.models import BiScorer, ScorerInfo
    from sts.models.network import new_bi_network
    from sts.models.precision import choose_precision
    from sts.models.torch_runtime import TorchRuntime

    encoder = find_encoder(base_model, print)
    network = new_bi_network(encoder.folder, pooling="mean", prompt=encoder.prompt, max_length=256, training=False)
    info = ScorerInfo(
        "bi", encoder.name, encoder.origin, None, 256, orders=None, pooling="mean", prompt=encoder.prompt,
        calibration={str(network.get_embedding_dimension()): {"rise": 1.0, "fall": 1.0, "shift": 0.0}},
    )  # fmt: skip
    scorer = BiScorer(TorchRuntime(network, choose_precision("auto")), info)
    return lambda sentences: scorer.encode(sentences, progress=True).vectors


def measures(ranking: np.ndarray, sets: np.ndarray, queries: np.ndarray) -> np.ndarray:
    """Average precision, recall@9 and reciprocal rank (queries, 3) of rankings (queries, n - 1)."""
    relevant = sets[ranking] == sets[queries][:, None]
    rank = np.arange(1, relevant.shape[1] + 1)
    precision = np.cumsum(relevant, axis=1) / rank
    average = (precision * relevant).sum(axis=1) / relevant.sum(axis=1)
    recall = relevant[:, :9].sum(axis=1) / relevant.sum(axis=1)
    return np.stack([average, recall, 1 / (1 + relevant.argmax(axis=1))], axis=1)


def shown(values: np.ndarray) -> list[str]:
    """Each metric's mean with its 95 % interval over the queries."""
    generator = np.random.default_rng(SEED)
    drawn = generator.integers(0, len(values), (RESAMPLES, len(values)))
    means = values[drawn].mean(axis=1)
    low, high = np.percentile(means, [2.5, 97.5], axis=0)
    return [f"{mean:.3f} ({a:.3f} to {b:.3f})" for mean, a, b in zip(values.mean(axis=0), low, high, strict=True)]


if __name__ == "__main__":
    main()
