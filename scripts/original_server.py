#!/usr/bin/env python
"""A server that scores with one `Trainer.predict` per request, one at a time, as the project that `sts` grew from did.

For `scripts/bench_serve.py --original`.

    python scripts/original_server.py runs/cross 8001
"""

import sys
import tempfile
import threading
from pathlib import Path
from typing import Any

from flask import Flask, request
from scipy.special import expit
from transformers import Trainer, TrainingArguments
from transformers.utils import logging
from werkzeug.serving import make_server

from sts.models import load_scorer


def main(folder: str, port: str) -> None:
    """Serve until the process is ended."""
    logging.set_verbosity_error()
    scorer: Any = load_scorer(Path(folder), precision="fp32", backend="torch")
    tokenizer, limit = scorer.runtime.network.tokenizer, scorer.info.max_length
    with tempfile.TemporaryDirectory() as place:
        arguments = TrainingArguments(output_dir=place, disable_tqdm=True, report_to=[], use_cpu=True)
        trainer = Trainer(model=scorer.runtime.network[0].model, args=arguments)
        lock = threading.Lock()
        app = Flask("original")

        @app.get("/readyz")
        def ready() -> dict[str, Any]:
            return {}

        @app.post("/v1/similarity")
        def similarity() -> dict[str, Any]:
            pair = request.get_json()
            encoded = tokenizer(pair["sentence1"], pair["sentence2"], truncation=True, max_length=limit)
            with lock:  # without it, its threads hinder each other and it is slower still
                logit = trainer.predict([dict(encoded)]).predictions.item()
            return {**pair, "score": float(5 * expit(logit))}

        make_server("127.0.0.1", int(port), app, threaded=True).serve_forever()


if __name__ == "__main__":
    main(*sys.argv[1:])
