"""Gunicorn's settings and hooks: the same for `python -m sts.serve` and for `gunicorn -c`."""

import os
import shutil
import signal
import tempfile
from pathlib import Path
from typing import Any

from sts.serve.logs import log_settings
from sts.serve.settings import ServeSettings

# seconds in which a worker must have loaded its models, and between its signs of life afterwards
BOOT_SECONDS = 300
# seconds beyond the longest request that a stopping worker is given
GRACE_SECONDS = 5
# longer than a proxy in front keeps its connections, so that it never sends into one that is being closed
KEEPALIVE_SECONDS = 75
# a folder that is not on a disk, where there is one: a busy disk must not look like a dead worker
HEARTBEAT_FOLDER = Path("/dev/shm")
METRICS_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"


def gunicorn_settings(settings: ServeSettings) -> dict[str, Any]:
    """Gunicorn's settings by name.

    Args:
        settings: complete ones, with workers and threads chosen.
    """
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    return {
        "bind": f"{host}:{settings.port}",
        "workers": settings.workers,
        "worker_class": "sts.serve.worker.Worker",
        "threads": settings.threads,
        "worker_connections": max(1_000, 2 * settings.threads),
        # models are loaded after the fork: a torch that has computed does not survive it
        "preload_app": False,
        "timeout": BOOT_SECONDS,
        "graceful_timeout": int(settings.timeout) + GRACE_SECONDS,
        "keepalive": KEEPALIVE_SECONDS,
        "worker_tmp_dir": str(HEARTBEAT_FOLDER) if HEARTBEAT_FOLDER.is_dir() else None,
        "control_socket_disable": True,
        "logger_class": "sts.serve.worker.Logger",
        "logconfig_dict": log_settings(settings.log_level),
        "proc_name": "sts",
        "on_starting": prepare_master,
        "post_fork": stop_at_once,
        "post_worker_init": stop_in_order,
        "child_exit": forget_worker,
        "on_exit": clean_up,
    }


def prepare_master(server: Any) -> None:
    """Give the workers a folder for their numbers; let SIGHUP exchange models, and Ctrl-C end in order."""
    if METRICS_VARIABLE not in os.environ:
        os.environ[METRICS_VARIABLE] = server.sts_metrics_folder = tempfile.mkdtemp(prefix="sts-metrics-")
    os.register_at_fork(before=_hold_stops, after_in_parent=_release_stops, after_in_child=_stop_when_told)
    # Gunicorn's own would start new workers and end the old ones before the new have loaded
    server.handle_hup = lambda: server.kill_workers(signal.SIGHUP)
    server.handle_int = server.handle_term


def _hold_stops() -> None:
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})


def _release_stops() -> None:
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})


def _stop_when_told() -> None:
    """In a new worker: the master's handler, which it has until it sets its own, would swallow the signal."""
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    _release_stops()


def stop_at_once(server: Any, worker: Any) -> None:
    """Let a worker end while it loads, which may take long: it has no request yet to finish."""
    worker.handle_exit = lambda *_: os._exit(0)


def stop_in_order(worker: Any) -> None:
    """From now on, finish what is being answered first; Ctrl-C reaches the workers too, and is left to the master."""
    del worker.handle_exit
    signal.signal(signal.SIGTERM, worker.handle_exit)
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def forget_worker(server: Any, worker: Any) -> None:
    """Leave a dead worker out of what is added up over the living."""
    from prometheus_client.multiprocess import mark_process_dead

    mark_process_dead(worker.pid)


def clean_up(server: Any) -> None:
    """Remove the folder with the workers' numbers."""
    if folder := getattr(server, "sts_metrics_folder", None):
        shutil.rmtree(folder, ignore_errors=True)
