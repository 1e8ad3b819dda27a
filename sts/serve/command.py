"""`python -m sts.serve`: the server, with one command."""

import socket
from typing import Any

from sts.errors import UsageError
from sts.serve import settings as serving
from sts.serve.settings import ServeSettings
from sts.tables import Table


def serve(*, settings: ServeSettings, check: bool = False) -> None:
    """Serve scores, embeddings and search over HTTP, with a web page.

    Args:
        settings: how to serve
        check: print the settings as they are and what is wrong with them, and end
    """
    if check:
        _print_check(settings)
        return
    serving.check(settings)
    _check_address(settings)
    settings = settings.completed()
    for warning in settings.warnings():
        print(f"warning: {warning}", flush=True)
    print(_first_line(settings), flush=True)
    _server(settings).run()


def _server(settings: ServeSettings) -> Any:
    from gunicorn.app.base import BaseApplication

    from sts.serve.workers import gunicorn_settings

    class Server(BaseApplication):
        """Gunicorn with these settings."""

        def load_config(self) -> None:
            for name, value in gunicorn_settings(settings).items():
                self.cfg.set(name, value)

        def load(self) -> Any:
            from sts.serve.app import create_app

            return create_app(settings)

    return Server()


def _check_address(settings: ServeSettings) -> None:
    """See whether the address can be listened on: Gunicorn would try for seconds, and say so in many lines.

    Raises:
        UsageError: it can't.
    """
    try:
        found = socket.getaddrinfo(settings.host, settings.port, type=socket.SOCK_STREAM)
        family, kind, protocol, _, address = found[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        raise UsageError(
            f"{settings.host}:{settings.port}: can't be listened on ({error.strerror}); choose another with --host and "
            "--port, or stop what listens there"
        ) from error


def _first_line(settings: ServeSettings) -> str:
    from sts.models.info import read_info

    info = read_info(settings.model)
    index = f", index {settings.index}" if settings.index else ""
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    workers, threads = settings.workers, settings.compute_threads
    return (
        f"serving {settings.model} ({info.mode}-encoder from {info.base_model}){index} at "
        f"http://{host}:{settings.port} with {workers} worker{'s' * (workers != 1)} of {threads} "
        f"thread{'s' * (threads != 1)}; API: /docs; Ctrl-C ends it"
    )


def _print_check(settings: ServeSettings) -> None:
    problems = settings.problems()
    shown = settings if problems else settings.completed()
    Table(["setting", "value"], [list(row) for row in shown.rows()]).show()
    for warning in [] if problems else settings.warnings():
        print(f"warning: {warning}")
    for problem in problems:
        print(f"wrong: {problem}")
    if problems:
        raise UsageError(f"{len(problems)} setting{'s' * (len(problems) > 1)} to correct")
    print("all good")
