#!/usr/bin/env python
"""What the server makes of its models: requests a second, against the same models without a server, and against others.

In one run and in turn, round after round, for the machine may be slower a minute later: the models alone on the same
texts, in batches and one at a time; the server, for 1, 8 and 32 clients, each of which waits for its answer before it
asks again; and, where they are named, other servers. `wrk`, which takes next to no time of the processor, is the
clients. Caches are off.

    apt install wrk
    python scripts/bench_serve.py
    python scripts/bench_serve.py --infinity ~/infinity/bin/infinity_emb runs/bi --other ../before --original runs/cross
"""

import argparse
import json
import random
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sts.bundled import BUNDLED_BI, BUNDLED_CROSS
from sts.errors import StsError

START_SECONDS = 120
SEED = 42
BATCH, OFFLINE_BATCH = 100, 32
# a request of 100 pairs takes seconds, and is given so many times as long
SLOW = 4
JOBS = {"pair": "/v1/similarity", "batch of 100": "/v1/similarity/batch", "embedding": "/v1/embeddings"}
ORIGINAL = Path(__file__).parent / "original_server.py"
ALONE = ("alone, in batches", "alone, one by one")
WRK = """
local bodies, path, next = {}, nil, 0
function init(arguments)
  path = arguments[1]
  for line in io.lines(arguments[2]) do bodies[#bodies + 1] = line end
end
function request()
  next = next % #bodies + 1
  return wrk.format("POST", path, {["Content-Type"] = "application/json"}, bodies[next])
end
function done(summary, latency, _)
  local errors = summary.errors
  io.write(string.format('\\n{"answers": %d, "seconds": %f, "failed": %d, "p50": %f, "p99": %f}\\n',
    summary.requests, summary.duration / 1e6, errors.connect + errors.read + errors.write + errors.status
    + errors.timeout, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3))
end
"""


def main() -> None:
    """Measure all in turn, and print each figure and the medians."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, default=BUNDLED_CROSS, help="cross-encoder; not given: the bundled one")
    parser.add_argument("--encoder", type=Path, default=BUNDLED_BI, help="bi-encoder; not given: the bundled one")
    parser.add_argument("--data", nargs="+", default=["sample"], help="files of pairs, or sample")
    parser.add_argument("--jobs", nargs="+", choices=list(JOBS), default=list(JOBS))
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 8, 32])
    parser.add_argument("--seconds", type=int, default=5, help="seconds for each figure, and 1 before")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument(
        "--infinity",
        nargs=2,
        metavar=("PROGRAM", "MODEL"),
        help="infinity_emb of another environment, torch bi-encoder",
    )
    parser.add_argument(
        "--original", type=Path, help="cross-encoder with torch weights: one Trainer.predict per request"
    )
    parser.add_argument("--other", type=Path, help="another checkout of this project, served with the same options")
    parser.add_argument("--options", nargs=argparse.REMAINDER, default=[], help="the rest goes to sts.serve")
    parser.add_argument("--alone", choices=["pair", "embedding"], help=argparse.SUPPRESS)
    options = parser.parse_args()
    try:
        (_alone if options.alone else _measure)(options)
    except StsError as error:
        sys.exit(f"bench_serve: {error}")


@dataclass
class Found:
    """Figures of all rounds: texts or pairs a second, and milliseconds, by job, subject and clients."""

    rates: dict[tuple[str, str, int], list[float]] = field(default_factory=dict)
    tails: dict[tuple[str, str, int], list[float]] = field(default_factory=dict)

    def add(self, job: str, subject: str, clients: int, rate: float, tail: tuple[float, float] | None = None) -> None:
        """Note a figure, and print it."""
        self.rates.setdefault((job, subject, clients), []).append(rate)
        told = ""
        if tail:
            self.tails.setdefault((job, subject, clients), []).append(tail[1] / tail[0])
            told = f"  {clients} clients  p50 {tail[0]:.0f} ms, p99 {tail[1]:.0f} ms"
        print(f"{job:<14}{subject:<20}{rate:>8.1f}/s{told}", flush=True)

    def ratio(self, job: str, subject: str, peer: str, clients: int) -> float:
        """How many times as fast one was as another a moment later or before: the median of all rounds."""
        pairs = zip(self.rates[job, subject, clients], self.rates[job, peer, clients], strict=True)
        return statistics.median(a / b for a, b in pairs)


@dataclass(frozen=True)
class Server:
    """A server that runs."""

    name: str
    address: str
    paths: dict[str, str]


def _measure(options: argparse.Namespace) -> None:
    if shutil.which("wrk") is None:
        sys.exit("bench_serve: wrk is not installed; apt install wrk")
    served = " ".join(options.options) or "defaults"
    print(
        f"{options.rounds} rounds, {options.seconds} seconds a figure; model {options.model}, encoder "
        f"{options.encoder}, served with {served}"
    )
    found = Found()
    with ExitStack() as stack:
        place = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="sts-bench-")))
        bodies = _bodies(options, place)
        servers = list(_servers(options, place, stack))
        for _ in range(options.rounds):
            for job in options.jobs:
                for clients in _clients(job, options):
                    _measure_alone(found, job, clients, options)
                    for server in (each for each in servers if job in each.paths):
                        texts = BATCH if job == "batch of 100" else 1
                        seconds = options.seconds if texts == 1 else SLOW * options.seconds
                        asked = _asked(server, job, clients, seconds, bodies[job], place)
                        rate = texts * asked["answers"] / asked["seconds"]
                        found.add(job, server.name, clients, rate, (asked["p50"], asked["p99"]))
    _print(found, options, servers)


def _clients(job: str, options: argparse.Namespace) -> list[int]:
    """How many clients ask at once; a request of 100 pairs takes a second for itself."""
    return [1, 2] if job == "batch of 100" else options.clients


def _print(found: Found, options: argparse.Namespace, servers: list[Server]) -> None:
    """The medians of all rounds, and those of the ratios."""
    for job in options.jobs:
        columns = _clients(job, options)
        print(f"\n| {job} | " + " | ".join(f"{clients} clients" for clients in columns) + " |")
        print("|---" * (len(columns) + 1) + "|")
        names = [each.name for each in servers if job in each.paths]
        for name in [*ALONE, *names]:
            cells = [f"{statistics.median(found.rates[job, name, clients]):.1f}/s" for clients in columns]
            print(f"| {name} | " + " | ".join(cells) + " |")
        for peer in [*ALONE, *names[1:]]:
            cells = [f"{found.ratio(job, 'sts', peer, clients):.2f}" for clients in columns]
            print(f"| sts / {peer} | " + " | ".join(cells) + " |")
        cells = [f"{statistics.median(found.tails[job, 'sts', clients]):.2f}" for clients in columns]
        print("| sts, p99 / p50 | " + " | ".join(cells) + " |")


def _bodies(options: argparse.Namespace, place: Path) -> dict[str, Path]:
    """Files of requests, one a line, shuffled: sentences of the data, each with a second one of another pair."""
    from sts.pairs import load_pairs

    pairs = load_pairs(options.data, announce=print).pairs
    generator = random.Random(SEED)
    first, second = list(pairs["sentence1"]), list(pairs["sentence2"])
    made: dict[tuple[str, str], None] = {}
    for _ in range(8):
        generator.shuffle(second)
        made |= dict.fromkeys(zip(first, second, strict=True))
    asked = [{"sentence1": a, "sentence2": b} for a, b in made]
    generator.shuffle(asked)
    batches = [{"pairs": asked[start : start + BATCH]} for start in range(0, len(asked) - BATCH, BATCH)]
    sentences = sorted({*first, *second})
    generator.shuffle(sentences)
    single = [{"input": sentence, "model": options.encoder.resolve().name} for sentence in sentences]
    files = {}
    for job, requests in zip(JOBS, (asked, batches, single), strict=True):
        files[job] = place / f"{job}.jsonl"
        files[job].write_text("".join(json.dumps(each) + "\n" for each in requests), encoding="utf-8")
    return files


def _servers(options: argparse.Namespace, place: Path, stack: ExitStack) -> Iterator[Server]:
    """Start all that are asked for, sts first."""
    sts = ["-m", "sts.serve", "--model", str(options.model), "--encoder", str(options.encoder), "--cache-size", "0"]
    sts += ["--log-level", "warning", *options.options, "--port"]
    yield stack.enter_context(_running("sts", [sys.executable, *sts], "/readyz", JOBS))
    if options.other:
        yield stack.enter_context(_running("other", [sys.executable, *sts], "/readyz", JOBS, options.other))
    if options.original:
        words = [sys.executable, str(ORIGINAL), str(options.original)]
        yield stack.enter_context(_running("original", words, "/readyz", {"pair": JOBS["pair"]}))
    if options.infinity:
        program, model = options.infinity
        folder = place / "infinity"
        shutil.copytree(model, folder)
        _as_older_versions_read_it(folder)
        words = [program, "v2", "--model-id", str(folder), "--engine", "torch", "--device", "cpu"]
        words += ["--no-bettertransformer", "--served-model-name", options.encoder.resolve().name]
        words += ["--log-level", "error", "--port"]
        yield stack.enter_context(_running("infinity", words, "/health", {"embedding": "/embeddings"}))


def _as_older_versions_read_it(folder: Path) -> None:
    """Name a model's classes as older versions of transformers and sentence-transformers know them."""
    tokenizer, modules = folder / "tokenizer_config.json", folder / "modules.json"
    tokenizer.write_text(json.dumps(json.loads(tokenizer.read_text()) | {"tokenizer_class": "PreTrainedTokenizerFast"}))
    named = [
        module | {"type": "sentence_transformers.models." + module["type"].rpartition(".")[2]}
        for module in json.loads(modules.read_text())
    ]
    modules.write_text(json.dumps(named))


@contextmanager
def _running(
    name: str, words: list[str], health: str, paths: dict[str, str], cwd: Path | None = None
) -> Iterator[Server]:
    """A server in a process of its own; idle servers take no time of the processor."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen([*words, str(port)], stdout=log, stderr=log, cwd=cwd)
        try:
            limit = time.monotonic() + START_SECONDS
            while not _answers(address + health):
                if time.monotonic() > limit or process.poll() is not None:
                    log.seek(0)
                    sys.exit(f"bench_serve: {name} did not start: {log.read().decode(errors='replace')[-2000:]}")
                time.sleep(0.3)
            yield Server(name, address, paths)
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(60)
            except subprocess.TimeoutExpired:
                process.kill()


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=START_SECONDS):
            return True
    except (urllib.error.URLError, OSError):
        return False


def _asked(server: Server, job: str, clients: int, seconds: int, bodies: Path, place: Path) -> dict[str, Any]:
    """What wrk measures, after a second that does not count."""
    script = place / "wrk.lua"
    script.write_text(WRK)
    found: dict[str, Any] = {}
    for duration in (2, seconds):
        words = ["wrk", "-t1", f"-c{clients}", f"-d{duration}s", "--timeout", "60s", "-s", str(script), server.address]
        done = subprocess.run(
            [*words, "--", server.paths[job], str(bodies)], capture_output=True, text=True, check=True
        )
        found = json.loads(done.stdout.strip().splitlines()[-1])
        if found["failed"] or (duration == seconds and not found["answers"]):
            sys.exit(f"bench_serve: {server.name}, {job}: {found['failed']} of {found['answers']} answers failed")
    return found


def _measure_alone(found: Found, job: str, clients: int, options: argparse.Namespace) -> None:
    """The models in a process of their own, which ends before a server is measured."""
    kind = "embedding" if job == "embedding" else "pair"
    words = [
        sys.executable,
        __file__,
        "--alone",
        kind,
        "--model",
        str(options.model),
        "--encoder",
        str(options.encoder),
    ]
    words += ["--seconds", str(options.seconds), "--data", *options.data, "--options", *options.options]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"bench_serve: {done.stderr}")
    for what, rate in json.loads(done.stdout.splitlines()[-1]).items():
        found.add(job, what, clients, rate)


def _alone(options: argparse.Namespace) -> None:
    """Score or encode new texts for some seconds, in batches and one at a time."""
    from sts.models import load_scorer

    parser = argparse.ArgumentParser()
    for name in ("precision", "backend", "orders"):
        parser.add_argument(f"--{name}")
    given = {name: value for name, value in vars(parser.parse_known_args(options.options)[0]).items() if value}
    bi = options.alone == "embedding"
    if bi:
        given.pop("orders", None)
    scorer: Any = load_scorer(options.encoder if bi else options.model, **given)
    with tempfile.TemporaryDirectory() as place:
        file = _bodies(options, Path(place))["embedding" if bi else "pair"]
        asked = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]

    def rate(size: int, seconds: float) -> float:
        begun, texts = time.perf_counter(), 0
        while (passed := time.perf_counter() - begun) < seconds:
            chunk = [asked[(texts + each) % len(asked)] for each in range(size)]
            if bi:
                scorer.encode([each["input"] for each in chunk], batch_size=OFFLINE_BATCH)
            else:
                pairs = [[each[name] for each in chunk] for name in ("sentence1", "sentence2")]
                scorer.score(*pairs, batch_size=OFFLINE_BATCH)
            texts += size
        return texts / passed

    sizes = dict(zip(ALONE, (8 * OFFLINE_BATCH, 1), strict=True))
    for size in sizes.values():
        rate(size, 1)
    print(json.dumps({what: rate(size, options.seconds) for what, size in sizes.items()}))


if __name__ == "__main__":
    main()
