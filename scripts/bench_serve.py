#!/usr/bin/env python
"""Requests a second of the server, beside itself without batching and beside one `Trainer.predict` per request.

Three servers, one after the other, with the same model on the same machine; locust sends each the same pairs from
1, 8, 32 and 64 clients, every one of which waits for its answer before it asks again. No pair comes twice, so that
nothing is remembered; with --repeat, pairs come again as they do in logs of queries (Zipf's law), and are.

    pip install -c constraints.txt 'korean-sts[bench]'
    python scripts/bench_serve.py --model runs/cross --data pairs.csv
"""

import argparse
import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

START_SECONDS = 120
SEED = 42


def main() -> None:
    """Run the three servers in turn, and print a table of each and the ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, required=True, help="folder of a cross-encoder")
    parser.add_argument("--data", nargs="+", default=["sample"], help="files of pairs, or sample")
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 8, 32, 64])
    parser.add_argument("--seconds", type=int, default=15, help="seconds for each number of clients, and 3 before")
    parser.add_argument("--requests", type=int, default=20_000, help="requests at most, for each number of clients")
    parser.add_argument("--repeat", action="store_true", help="pairs come again, as in logs of queries")
    parser.add_argument("--servers", nargs="+", default=["batching", "no batching", "Trainer.predict"])
    parser.add_argument("--options", nargs=argparse.REMAINDER, default=[], help="the rest goes to sts.serve")
    parser.add_argument("--load", help=argparse.SUPPRESS)
    parser.add_argument("--original", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.load:
        _load(json.loads(options.load))
    elif options.original:
        _serve_original(options.model, options.original)
    else:
        _measure(options)


def _measure(options: argparse.Namespace) -> None:
    pairs = _pairs(options.data)
    print(f"{len(pairs):,} pairs, {'repeated' if options.repeat else 'each once'}; model {options.model}", flush=True)
    found: dict[tuple[str, int], float] = {}
    print(f"{'server':<18}{'clients':>8}{'requests/s':>12}{'p50 ms':>9}{'p95 ms':>9}{'p99 ms':>9}{'failed':>8}")
    for name in options.servers:
        with _running(name, options) as address:
            for clients in options.clients:
                result = _asked(address, clients, options, pairs)
                found[name, clients] = result["rate"]
                times = "".join(f"{result[part]:>9.0f}" for part in ("p50", "p95", "p99"))
                print(f"{name:<18}{clients:>8}{result['rate']:>12.1f}{times}{result['failed']:>8}", flush=True)
    for peer in options.servers[1:]:
        ratios = {clients: found[options.servers[0], clients] / found[peer, clients] for clients in options.clients}
        told = ", ".join(f"{clients}: {ratio:.2f}" for clients, ratio in ratios.items())
        print(f"{options.servers[0]} against {peer}, by clients: {told}")


def _pairs(sources: list[str]) -> list[tuple[str, str]]:
    """All first sentences with all second ones of other pairs, shuffled: many pairs, of real sentences."""
    from sts.pairs import load_pairs

    pairs = load_pairs(sources, announce=print).pairs
    generator = random.Random(SEED)
    made = []
    for _ in range(12):  # far more than any server answers in the time
        second = list(pairs["sentence2"])
        generator.shuffle(second)
        made += list(zip(pairs["sentence1"], second, strict=True))
    return list(dict.fromkeys(made))


@contextmanager
def _running(name: str, options: argparse.Namespace) -> Iterator[str]:
    """A server in a process of its own; yields its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    if name == "Trainer.predict":
        words = [__file__, "--model", str(options.model), "--original", str(port)]
    else:
        words = ["-m", "sts.serve", "--model", str(options.model), "--port", str(port), "--log-level", "warning"]
        words += ["--max-batch", "1"] if name == "no batching" else []
        words += options.options
    process = subprocess.Popen([sys.executable, *words], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    address = f"http://127.0.0.1:{port}"
    try:
        _wait(address, process)
        yield address
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            process.kill()


def _wait(address: str, process: subprocess.Popen) -> None:
    limit = time.monotonic() + START_SECONDS
    while time.monotonic() < limit and process.poll() is None:
        try:
            with urllib.request.urlopen(f"{address}/readyz", timeout=START_SECONDS):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    sys.exit(f"the server at {address} did not start: {process.stderr.read().decode() if process.stderr else ''}")


def _asked(address: str, clients: int, options: argparse.Namespace, pairs: list[tuple[str, str]]) -> dict:
    """What locust, in a process of its own, measures."""
    order = random.Random(SEED + clients)
    chosen = order.sample(pairs, min(options.requests, len(pairs)))
    if options.repeat:
        weights = [1 / rank for rank in range(1, len(chosen) + 1)]
        chosen = order.choices(chosen, weights, k=options.requests)
    plan = {"address": address, "clients": clients, "seconds": options.seconds, "pairs": chosen}
    words = [sys.executable, __file__, "--model", str(options.model), "--load"]
    file = Path(os.environ.get("TMPDIR", "/tmp")) / f"sts-bench-{os.getpid()}.json"
    try:
        file.write_text(json.dumps(plan), encoding="utf-8")
        done = subprocess.run([*words, json.dumps({"plan": str(file)})], capture_output=True, text=True, check=False)
    finally:
        file.unlink(missing_ok=True)
    if done.returncode:
        sys.exit(f"locust failed: {done.stderr}")
    return json.loads(done.stdout.splitlines()[-1])


def _load(where: dict) -> None:
    """Be the clients: ask, wait, ask again, until the time or the pairs are used up."""
    import gevent
    from locust import FastHttpUser, constant, task
    from locust.env import Environment

    plan = json.loads(Path(where["plan"]).read_text(encoding="utf-8"))
    remaining = iter(plan["pairs"])

    class Client(FastHttpUser):
        host = plan["address"]
        wait_time = constant(0)

        @task
        def ask(self) -> None:
            pair = next(remaining, None)
            if pair is None:
                self.environment.runner.quit()
                return
            body = {"sentence1": pair[0], "sentence2": pair[1]}
            with self.rest("POST", "/v1/similarity", json=body) as answer:
                if answer.status_code == 200 and (answer.js or {}).get("sentence1") != pair[0]:
                    answer.failure("another request's answer")

    environment = Environment(user_classes=[Client])
    runner = environment.create_local_runner()
    runner.start(plan["clients"], spawn_rate=1000)
    gevent.sleep(3)
    environment.stats.reset_all()
    began = time.monotonic()
    gevent.spawn_later(plan["seconds"], runner.quit)
    runner.greenlet.join()
    seconds, total = time.monotonic() - began, environment.stats.total
    percentiles = {f"p{part}": total.get_response_time_percentile(part / 100) for part in (50, 95, 99)}
    rate = (total.num_requests - total.num_failures) / min(seconds, plan["seconds"])
    print(json.dumps({"rate": rate, "failed": total.num_failures, **percentiles}))


def _serve_original(folder: Path, port: int) -> None:
    """A Flask server that scores with one `Trainer.predict` per request, one at a time, as the original did."""
    import threading

    from flask import Flask, request
    from scipy.special import expit
    from transformers import Trainer, TrainingArguments
    from transformers.utils import logging
    from werkzeug.serving import make_server

    from sts.models import load_scorer

    logging.set_verbosity_error()
    scorer = load_scorer(folder, precision="fp32", backend="torch")
    tokenizer, limit = scorer.runtime.network.tokenizer, scorer.info.max_length
    arguments = TrainingArguments(output_dir=str(folder), disable_tqdm=True, report_to=[], use_cpu=True)
    trainer = Trainer(model=scorer.runtime.network[0].model, args=arguments)
    lock = threading.Lock()
    app = Flask("original")

    @app.get("/readyz")
    def ready() -> dict:
        return {}

    @app.post("/v1/similarity")
    def similarity() -> dict:
        pair = request.get_json()
        encoded = tokenizer(pair["sentence1"], pair["sentence2"], truncation=True, max_length=limit)
        with lock:  # without it, its threads hinder each other and it is slower still
            logit = trainer.predict([dict(encoded)]).predictions.item()
        return {**pair, "score": float(5 * expit(logit))}

    make_server("127.0.0.1", port, app, threaded=True).serve_forever()


if __name__ == "__main__":
    main()
