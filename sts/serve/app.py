"""The Flask application."""

import signal
import threading
import time
import uuid

from flask import Flask, Response, g, request
from flask_openapi3 import Info, OpenAPI

from sts import __version__
from sts.serve import answers, bodies, keys, logs, problems
from sts.serve.batcher import DEADLINE
from sts.serve.engine import Engine
from sts.serve.metrics import Metrics
from sts.serve.problems import QueueFull
from sts.serve.routes import embeddings, health, page, pairs, scores, search, sentences
from sts.serve.schemas import ProblemDetails
from sts.serve.settings import ServeSettings

REQUEST_ID_CHARACTERS = 100
# threads of a worker that requests for scores leave free, so that a busy server still says that it is alive
PROBE_THREADS = 4
DESCRIPTION = (
    "How similar two Korean sentences are, from 0 (unrelated) to 5 (the same meaning); embeddings; and search in an "
    "index of sentences. Errors are RFC 9457 problem details."
)
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": (
        "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; frame-ancestors 'none'"
    ),
}


def create_app(settings: ServeSettings | None = None) -> OpenAPI:
    """Make the application, and load its models in this process.

    A model or index that can't be loaded does not end the process: `/readyz` says why, and requests are told to come
    back. So a worker that is started anew beside a folder that has gone bad harms no other.

    Args:
        settings: how to serve; None reads the environment (`STS_MODEL`, …).

    Raises:
        UsageError: the environment's settings can't be read.
    """
    if threading.current_thread() is threading.main_thread():  # no other may listen
        signal.signal(signal.SIGHUP, signal.SIG_IGN)  # until there are models that could be exchanged
    if settings is None:
        from sts.serve.environment import settings_from_environment

        settings = settings_from_environment()
    settings = settings.completed()
    logs.set_up(settings.log_level)
    app = make_app(settings)
    engine: Engine = app.extensions["sts"]
    engine.load()
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGHUP, engine.ask_reload)
    return app


def make_app(settings: ServeSettings) -> OpenAPI:
    """The application of settings that are known to be good, without its models."""
    app = OpenAPI(
        "sts.serve",
        info=Info(title="sts", version=__version__, description=DESCRIPTION),
        security_schemes={"key": {"type": "http", "scheme": "bearer", "description": "where the server asks for one"}},
        validation_error_model=ProblemDetails,
        validation_error_callback=problems.invalid,
        doc_ui=False,
        static_folder=None,
    )
    answers.init_app(app)
    metrics = Metrics()
    app.extensions["sts"] = Engine(settings, metrics)
    _init_requests(app, settings, metrics)
    problems.init_app(app)
    _init_cors(app, settings)
    keys.init_app(app, keys.Keys.of(settings))
    bodies.init_app(app, settings.max_body)
    for routes in (scores, embeddings, search, sentences, pairs, health):
        app.register_api(routes.blueprint)
    page.init_app(app)
    return app


def _init_requests(app: Flask, settings: ServeSettings, metrics: Metrics) -> None:
    """What happens around every request: its id, its deadline, its line in the log, its numbers."""
    room = threading.BoundedSemaphore(settings.threads - PROBE_THREADS)

    @app.before_request
    def _begin() -> None:
        given = request.headers.get("X-Request-ID", "")
        usable = 0 < len(given) <= REQUEST_ID_CHARACTERS and given.isascii() and given.isprintable()
        g.request_id = given if usable else uuid.uuid4().hex
        g.began = time.monotonic()
        DEADLINE.set(g.began + settings.timeout)
        if request.path.startswith("/v1/"):
            if not room.acquire(blocking=False):
                raise QueueFull("as many requests are being answered as may; try again later", retry_after=1)
            g.room = room

    @app.teardown_request
    def _leave(_: BaseException | None) -> None:
        if "room" in g:
            g.pop("room").release()

    @app.after_request
    def _end(answer: Response) -> Response:
        answer.headers["X-Request-ID"] = g.request_id
        for name, value in HEADERS.items():
            answer.headers.setdefault(name, value)
        seconds = time.monotonic() - g.began
        rule = request.url_rule.rule if request.url_rule else "none"
        metrics.request(rule, request.method if rule != "none" else "any", answer.status_code, seconds)
        line = {
            "request_id": g.request_id,
            "method": request.method,
            "route": rule,
            "status": answer.status_code,
            "milliseconds": round(1000 * seconds, 1),
            **g.get("told", {}),
        }
        if "problem" in g:
            line["problem"] = g.problem
        if settings.log_sentences and request.is_json:
            line["body"] = request.get_json(silent=True)
        logs.LOGGER.info("request", extra=line)
        return answer


def _init_cors(app: Flask, settings: ServeSettings) -> None:
    if settings.cors_origins:
        from flask_cors import CORS

        CORS(
            app,
            resources={"/v1/*": {"origins": settings.cors_origins}},
            allow_headers=["Authorization", "Content-Type", "X-API-Key", "X-Request-ID"],
            expose_headers=["Retry-After", "X-Request-ID"],
            max_age=600,
        )
