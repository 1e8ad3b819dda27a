#!/usr/bin/env python
"""Scoring speed on this machine: sentence-transformers' plain `predict` in fp32, and this project's backends.

A trained scorer is exported in fp32 and int8; each then scores the same pairs, in one order, in one process. Columns:
pairs a second and its ratio to the peer, the median of single pairs in milliseconds, Pearson with the labels, and the
largest and the mean difference of a score from the peer's. Of a bi-encoder, each sentence of the pairs is encoded.
Below: the share of the time that is not the network's, what part of the processor's int8 operations it reaches, and
with `--file` how fast `sts score` goes through a file of the data's pairs, beside the network alone.

    python scripts/bench_score.py --model runs/cross --data runs/cross/validation/hard.csv
    python scripts/bench_score.py --model sts/assets/cross --data klue-sts-train.csv --file
"""

import argparse
import json
import resource
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from sts import machine

SINGLE = 100
# int8 operations of a core in a clock, two for each product and sum: a tile of 16 x 16 x 64 in 16 clocks; two units of
# 64 or 32 products
OPERATIONS = (("amx_int8", 2048), ("avx512_vnni", 256), ("avx_vnni", 128), ("none", 64))


def main() -> None:
    """Export, score with each in turn, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, required=True, help="scorer folder with torch weights")
    parser.add_argument("--data", nargs="+", default=["sample-test"], help="files of labelled pairs, or sample-test")
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=2, help="turns; the fastest of each counts")
    parser.add_argument("--trim-vocabulary", nargs="+", default=[], help="as for sts.export")
    parser.add_argument("--file", action="store_true", help="only that: a file, with the model as it is")
    options = parser.parse_args()

    from sts.export import export_scorer
    from sts.models import load_scorer
    from sts.models.info import read_info
    from sts.models.precision import choose_precision
    from sts.pairs import load_pairs

    pairs = load_pairs(options.data, announce=print).pairs
    first, second, label = (pairs[name][:] for name in ("sentence1", "sentence2", "label"))
    if options.file:
        tell_file(options.model, first, second)
        return
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
        tell_lanes(last.scorer, first, second)
        share = seconds(lambda: prepare(last.scorer, first, second)) / found["seconds"]
        print(f"tokenising and sorting: {share:.1%} of the time of {name}")
        tell_peak(last.scorer, first, second)


def tell_lanes(scorer: Any, first: list[str], second: list[str]) -> None:
    """How much faster a batch for each core is than one after the other with all, in turn."""
    from sts.models.batches import Lanes

    tokens = tokenized(scorer, first, second)
    lanes = scorer.runtime.lanes
    if lanes.count == 1:
        return
    ratios = []
    for _ in range(3):
        took = []
        for each in (Lanes(1, 4 * lanes.tokens), lanes):
            scorer.runtime.lanes = each
            took.append(seconds(lambda: scorer.forward(tokens, batch_size=64)))
        ratios.append(took[0] / took[1])
    print(
        f"\n{lanes.count} batches at a time, of {lanes.tokens} tokens: {statistics.median(ratios):.2f} times as fast "
        f"as one after the other, of {4 * lanes.tokens}, with all cores ({min(ratios):.2f} to {max(ratios):.2f})"
    )


def tell_file(folder: Path, first: list[str], second: list[str]) -> None:
    """What share of the network's own speed `sts score` reaches from file to file, its loading included, and memory."""
    from sts.models import load_scorer
    from sts.score import score

    scorer = load_scorer(folder)
    different = list(dict.fromkeys([*first, *second]))  # a bi-encoder reads none of them twice
    tokens = scorer.tokenize(different).tokens if scorer.info.mode == "bi" else tokenized(scorer, first, second)
    with tempfile.TemporaryDirectory() as place:
        source, target = Path(place) / "pairs.jsonl", Path(place) / "scored.jsonl"
        rows = [{"sentence1": a, "sentence2": b} for a, b in zip(first, second, strict=True)]
        source.write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in rows), encoding="utf-8")
        shares = []
        for _ in range(5):
            network = seconds(lambda: scorer.forward(tokens, batch_size=64))
            shares.append(network / seconds(lambda: score(input=str(source), output=str(target), model=folder)))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"sts score of {len(first):,} pairs: {statistics.median(shares):.2f} of the network's own speed "
        f"({min(shares):.2f} to {max(shares):.2f}), {peak:,.0f} MB at most"
    )


def tokenized(scorer: Any, first: list[str], second: list[str]) -> dict[str, list[list[int]]]:
    """Tokens of pairs, or of a bi-encoder of each of their sentences."""
    found = scorer.tokenize(first, second) if scorer.info.mode == "cross" else scorer.tokenize([*first, *second])
    return found.tokens


def tell_peak(scorer: Any, first: list[str], second: list[str]) -> None:
    """How many int8 operations the network computes, beside what one large product and the processor reach.

    Counted are the products with stored matrices, 2 operations for each weight and token, padding not.
    """
    rows = tokenized(scorer, first, second)
    tokens = sum(map(len, rows["input_ids"]))
    took = min(seconds(lambda: scorer.forward(rows, batch_size=64)) for _ in range(2))
    reached = 2 * weights(scorer.runtime.folder / "model.onnx") * tokens / took
    large, (told, peak) = large_product(), processor_peak()
    print(
        f"int8 operations: {reached / 1e9:,.0f} billion a second ({tokens / took:,.0f} tokens); "
        f"{reached / large:.0%} of the {large / 1e9:,.0f} that ONNX Runtime reaches in a product of 2,048 rows"
    )
    print(f"{reached / peak:.0%} of the processor's {peak / 1e9:,.0f}: {told}")


def weights(path: Path) -> int:
    """Weights in 8 bits that each token is multiplied by; those that layers share count in each."""
    import onnx

    model = onnx.load(path)
    shapes = {tensor.name: tensor.dims for tensor in model.graph.initializer}
    return sum(
        shapes[node.input[1]][0] * shapes[node.input[1]][1]
        for node in model.graph.node
        if node.op_type == "MatMulIntegerToFloat"
    )


def large_product() -> float:
    """Operations a second of ONNX Runtime in products of large int8 matrices, one for each core at a time."""
    from concurrent.futures import ThreadPoolExecutor

    import onnxruntime
    from onnx import TensorProto, helper, numpy_helper

    rows, depth, columns = 2048, 1024, 4096
    generator = np.random.default_rng(0)
    matrix = generator.integers(-127, 127, (depth, columns), dtype=np.int8)
    graph = helper.make_graph(
        [helper.make_node("MatMulInteger", ["x", "w"], ["y"])],
        "product",
        [helper.make_tensor_value_info("x", TensorProto.UINT8, [rows, depth])],
        [helper.make_tensor_value_info("y", TensorProto.INT32, [rows, columns])],
        [numpy_helper.from_array(matrix, "w")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    values = {"x": generator.integers(0, 255, (rows, depth), dtype=np.uint8)}
    count = machine.cores()
    with ThreadPoolExecutor(count) as pool:
        took = min(
            seconds(lambda: list(pool.map(lambda _: session.run(None, values), range(4 * count)))) for _ in range(3)
        )
    return 4 * count * 2.0 * rows * depth * columns / took


def processor_peak() -> tuple[str, float]:
    """The processor's int8 operations a second by its data sheet, and how they are counted."""
    text = Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace")
    flags = set(text.partition("flags")[2].partition("\n")[0].split())
    clock = float(text.partition("cpu MHz")[2].partition(":")[2].split()[0]) / 1000
    name, each = next(found for found in OPERATIONS if found[0] in flags or found[0] == "none")
    count = machine.cores()
    return (
        f"{count} cores, {each:,} operations a clock ({name}), {clock:.1f} GHz as /proc/cpuinfo has it, without turbo",
        count * each * clock * 1e9,
    )


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
    np.argsort([-len(ids) for ids in tokenized(scorer, first, second)["input_ids"]], kind="stable")


def seconds(call: Callable[[], object]) -> float:
    """How long a call takes."""
    begun = time.perf_counter()
    call()
    return time.perf_counter() - begun


if __name__ == "__main__":
    main()
