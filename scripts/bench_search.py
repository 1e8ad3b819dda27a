#!/usr/bin/env python
"""Search among a million vectors: recall, latency, build time and memory of each kind of index, beside its peers.

The vectors are those of real sentences, each repeated with noise of its own (Gaussian, `--noise` times as
long as the vector) until there are enough; queries are real vectors with other noise. Every system runs
in a process of its own, one query at a time, top 10. The index's kinds are built and searched through
`build_index` and `SentenceIndex`, their sentences fetched from SQLite with each answer. Memory is what a
process holds beyond the files it maps (RssAnon), before and after it has opened the index.

    python scripts/bench_search.py --model runs/bi --sentences sentences.txt --work runs/bench-search
"""

import argparse
import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from sts.errors import StsError
from sts.files import write_json
from sts.models import Calibration, Encoded
from sts.models.coverage import Coverage
from sts.tables import Table

PEERS = ("IndexFlatIP", "semantic_search")
KINDS = ("flat", "ivfflat", "ivfpq", "hnsw")
TOP_K = 10
SEED = 42
CHUNK = 20_000


def main() -> None:
    """Make the vectors, run each system in a process of its own, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, help="bi-encoder's folder; needed for the first run in WORK")
    parser.add_argument("--sentences", type=Path, help="one sentence a line; needed for the first run in WORK")
    parser.add_argument("--work", type=Path, required=True, help="folder for vectors, indexes and results")
    parser.add_argument("--vectors", type=int, default=1_000_000)
    parser.add_argument("--noise", type=float, default=0.5, help="length of the noise, in lengths of the vector")
    parser.add_argument("--queries", type=int, default=500)
    parser.add_argument("--systems", nargs="+", choices=[*PEERS, *KINDS], default=[*PEERS, *KINDS])
    parser.add_argument("--child", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    try:
        if options.child:
            print(json.dumps(child(options.work, *options.child)))
        else:
            run(options)
    except StsError as error:
        sys.exit(f"bench_search: {error}")


def run(options: argparse.Namespace) -> None:
    """Run what was not run before; results stay in WORK."""
    work: Path = options.work
    if not (work / "truth.npy").is_file():
        prepare(options)
    results = work / "results.json"
    found: dict[str, Any] = json.loads(results.read_text()) if results.is_file() else {}
    for system in options.systems:
        if system in found:
            continue
        print(f"{system} …", flush=True)
        found[system] = (in_process(work, "build", system) if system in KINDS else {}) | in_process(
            work, "search", system
        )
        shutil.rmtree(work / system, ignore_errors=True)
        write_json(results, found)
    report(found, json.loads((work / "vectors.json").read_text()))


def in_process(work: Path, step: str, system: str) -> dict[str, Any]:
    """What a child process measured."""
    words = [sys.executable, __file__, "--work", str(work), "--child", step, system]
    done = subprocess.run(words, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        sys.exit(f"bench_search: {system} ended with exit code {done.returncode}")
    return dict(json.loads(done.stdout.splitlines()[-1]))


def prepare(options: argparse.Namespace) -> None:
    """Write the vectors, the queries, and the true cosines of each query's nearest."""
    if options.model is None or options.sentences is None:
        sys.exit("bench_search: --model and --sentences are needed for the first run in a folder")
    from sts.search.index import load_embedder
    from sts.search.recall import exact_neighbours

    work: Path = options.work
    work.mkdir(parents=True, exist_ok=True)
    lines = list(dict.fromkeys(options.sentences.read_text(encoding="utf-8").split("\n")))
    sentences = [line for line in lines if line.strip()]
    print(f"encoding {len(sentences):,} sentences", flush=True)
    real = load_embedder(options.model, None).encode(sentences, progress=True).vectors
    generator = np.random.default_rng(SEED)
    shape = (options.vectors, real.shape[1])
    made = np.lib.format.open_memmap(work / "vectors.npy", "w+", np.float32, shape)
    for start in range(0, options.vectors, CHUNK):
        rows = np.arange(start, min(start + CHUNK, options.vectors)) % len(real)
        made[start : start + len(rows)] = noisy(real[rows], options.noise, generator)
    made.flush()
    queries = noisy(real[generator.integers(0, len(real), options.queries)], options.noise, generator)
    nearest = exact_neighbours(made, queries, np.full(len(queries), -1), TOP_K)
    cosines = np.stack([made[rows] @ query for rows, query in zip(nearest, queries, strict=True)])
    described = {"real": len(real), "vectors": options.vectors, "noise": options.noise, "dimension": real.shape[1]}
    write_json(work / "vectors.json", described)
    np.save(work / "queries.npy", queries)
    np.save(work / "truth.npy", cosines.min(axis=1))


def noisy(vectors: np.ndarray, noise: float, generator: np.random.Generator) -> np.ndarray:
    """Vectors (n, d) of unit length, moved by noise of the given length in a random direction."""
    moved = generator.normal(size=vectors.shape).astype(np.float32)
    moved *= noise / np.linalg.norm(moved, axis=1, keepdims=True)
    moved += vectors
    return moved / np.linalg.norm(moved, axis=1, keepdims=True)


def child(work: Path, step: str, system: str) -> dict[str, Any]:
    """Build or search one system in this process."""
    vectors, queries = np.load(work / "vectors.npy", mmap_mode="r"), np.load(work / "queries.npy")
    if step == "build":
        from sts.search.build import build_index

        names = work / "names.txt"
        names.write_text("".join(f"{row}\n" for row in range(len(vectors))), encoding="utf-8")
        start = time.perf_counter()
        kind: Any = system
        state = build_index(Rows(vectors), ("rows", "rows"), names, work / system, kind=kind, say=lambda line: None)
        return {"build_seconds": time.perf_counter() - start, "breadth": state.breadth, "own_recall": state.recall}
    import faiss  # noqa: F401
    import sentence_transformers.util  # noqa: F401

    before = anonymous_megabytes()  # the libraries are there in any case
    search, kept = opened(work, system, vectors)
    after = anonymous_megabytes()
    search(queries[0])
    seconds, cosines = [], []
    for query in queries:
        start = time.perf_counter()
        cosines.append(search(query))
        seconds.append(time.perf_counter() - start)
    truth = np.load(work / "truth.npy")
    recall = np.mean([(np.array(row) >= limit - 1e-5).mean() for row, limit in zip(cosines, truth, strict=True)])
    del kept
    return {
        "recall": float(recall),
        "median_ms": float(np.median(seconds) * 1000),
        "p99_ms": float(np.percentile(seconds, 99) * 1000),
        "megabytes": after - before,
    }


def opened(work: Path, system: str, vectors: np.ndarray) -> tuple[Callable[[np.ndarray], Sequence[float]], Any]:
    """What gives the cosines of a query's ten nearest, and what must stay alive for it."""
    if system == "IndexFlatIP":
        import faiss

        flat = faiss.IndexFlatIP(vectors.shape[1])
        for start in range(0, len(vectors), CHUNK):
            flat.add(np.ascontiguousarray(vectors[start : start + CHUNK]))
        return lambda query: flat.search(query[None], TOP_K)[0][0], flat
    if system == "semantic_search":
        import torch
        from sentence_transformers.util import semantic_search

        corpus = torch.from_numpy(np.array(vectors))
        return (
            lambda query: [hit["score"] for hit in semantic_search(torch.from_numpy(query), corpus, top_k=TOP_K)[0]],
            corpus,
        )
    from sts.search import SentenceIndex

    index = SentenceIndex.open(work / system, Rows(vectors))
    return lambda query: [hit.cosine for hit in index.search_vectors(query[None], TOP_K)[0]], index


class Rows:
    """Stands in for a model: the vector of a number's text is that row."""

    fingerprint = "rows"
    calibration = Calibration(8.0, 0.5, 1.0)

    def __init__(self, vectors: np.ndarray) -> None:
        self.vectors, self.dimension = vectors, vectors.shape[1]

    def encode(self, sentences: Sequence[str], *, batch_size: int = 64, progress: bool = False) -> Encoded:
        """The rows that the texts name."""
        none = np.zeros(len(sentences), bool)
        return Encoded(np.array(self.vectors[[int(text) for text in sentences]]), none, none)

    def read(self, sentences: Sequence[str]) -> dict[int, Coverage]:
        """Numbers are read whole."""
        return {}


def anonymous_megabytes() -> float:
    """Memory of this process that no file stands behind."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("RssAnon:"):
            return int(line.split()[1]) / 1024
    sys.exit("bench_search: /proc/self/status has no RssAnon; this needs Linux")


def report(found: dict[str, Any], described: dict[str, Any]) -> None:
    """Print the table, with each system's latency and memory as a ratio to plain IndexFlatIP's."""
    print(
        f"{described['vectors']:,} vectors of {described['dimension']}: {described['real']:,} real ones, repeated with "
        f"noise {described['noise']:g} times as long"
    )
    base = found.get("IndexFlatIP")
    rows = []
    for name in [*PEERS, *KINDS]:
        if name not in found:
            continue
        row = found[name]
        ratios = [f"{base[key] / row[key]:.1f}" if base and row[key] else "" for key in ("median_ms", "megabytes")]
        rows.append(
            [
                name,
                f"{row['recall']:.3f}",
                f"{row['median_ms']:.2f}",
                f"{row['p99_ms']:.2f}",
                ratios[0],
                f"{row['build_seconds']:,.0f}" if "build_seconds" in row else "",
                f"{row['megabytes']:,.0f}",
                ratios[1],
            ]
        )
    header = ["system", "recall@10", "median ms", "p99 ms", "times as fast", "build s", "MB", "times as small"]
    table = Table(header, rows)
    table.show()
    print(table.markdown())


if __name__ == "__main__":
    main()
