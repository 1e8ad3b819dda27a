"""What Prometheus is told: requests, batches, the queue, tokens, models.

Under Gunicorn each worker writes its numbers into files of one folder (`PROMETHEUS_MULTIPROC_DIR`), and whichever
worker is asked adds them up.
"""

import os
from typing import TYPE_CHECKING, Any

import prometheus_client as prometheus
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.multiprocess import MultiProcessCollector

if TYPE_CHECKING:
    from sts.serve.engine import Models

FOLDER_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
SECONDS = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30)
SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 256)


class Metrics:
    """The numbers of one application."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        own: Any = {"registry": self._registry}
        self._requests = Counter("sts_requests", "requests answered", ["route", "method", "status"], **own)
        self._seconds = Histogram("sts_request_seconds", "seconds to an answer", ["route"], buckets=SECONDS, **own)
        self._batch = Histogram("sts_batch_size", "pairs or sentences computed together", buckets=SIZES, **own)
        self._queue = Gauge("sts_queue_depth", "pairs or sentences that wait", multiprocess_mode="livesum", **own)
        self._tokens = Counter("sts_tokens", "tokens computed", **own)
        self._cache = Counter("sts_cache", "pairs and sentences looked up in the cache", ["outcome"], **own)
        self._reloads = Counter("sts_reloads", "models loaded or refused", ["outcome"], **own)
        self._model = Gauge(
            "sts_model", "workers that serve a model", ["role", "model", "version"], multiprocess_mode="livesum", **own
        )

    def request(self, route: str, method: str, status: int, seconds: float) -> None:
        """Count a request; `route` is its rule, never a path that somebody made up."""
        self._requests.labels(route, method, status).inc()
        self._seconds.labels(route).observe(seconds)

    def batch(self, items: int) -> None:
        """Count a batch."""
        self._batch.observe(items)

    def texts(self, tokens: int, hits: int, misses: int) -> None:
        """Count what a request had tokenised, and what it found in the cache."""
        self._tokens.inc(tokens)
        self._cache.labels("hit").inc(hits)
        self._cache.labels("miss").inc(misses)

    def queue(self, depth: int) -> None:
        """Note how many items wait."""
        self._queue.set(depth)

    def loaded(self, before: "Models | None", after: "Models") -> None:
        """Note which models are served from now on."""
        self._reloads.labels("loaded").inc()
        for models, value in ((before, 0), (after, 1)):
            for role, model in (("scorer", models.scorer), ("encoder", models.encoder)) if models else ():
                if model is not None:
                    self._model.labels(role, model.name, model.version).set(value)

    def refused(self) -> None:
        """Count models that were not taken."""
        self._reloads.labels("refused").inc()

    def exposition(self) -> tuple[bytes, str]:
        """The numbers of all workers in Prometheus's text format, and its media type."""
        registry = self._registry
        if FOLDER_VARIABLE in os.environ:
            registry = CollectorRegistry()
            MultiProcessCollector(registry)
        return prometheus.generate_latest(registry), prometheus.CONTENT_TYPE_LATEST
