"""Logs as JSON lines; sentences are in them only where the settings ask for it."""

import logging
import logging.config
from typing import Any

LOGGER = logging.getLogger("sts.serve")


def log_settings(level: str) -> dict[str, Any]:
    """What `logging.config.dictConfig` takes: this package's and Gunicorn's records on standard output."""
    handler = {"class": "logging.StreamHandler", "formatter": "json", "stream": "ext://sys.stdout"}
    formatter = {"()": "sts.serve.logs.json_formatter"}
    logger = {"level": level.upper(), "handlers": ["out"], "propagate": False}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"json": formatter},
        "handlers": {"out": handler},
        "root": {"level": "WARNING", "handlers": ["out"]},
        "loggers": {
            "sts.serve": logger,
            "gunicorn.error": logger,
        },
    }


def json_formatter() -> logging.Formatter:
    """Records as JSON, Korean readable."""
    from pythonjsonlogger.json import JsonFormatter

    return JsonFormatter(
        "{levelname}{name}{message}",
        style="{",
        json_ensure_ascii=False,
        timestamp=True,
        rename_fields={"levelname": "level", "name": "logger"},
    )


def set_up(level: str) -> None:
    """Log from now on, in this process."""
    logging.config.dictConfig(log_settings(level))
    logging.captureWarnings(True)
