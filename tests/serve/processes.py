"""Servers as processes: what the tests of faults share."""

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager, suppress

import psutil
import torch

from sts.models import CrossScorer, ScorerInfo
from sts.models.network import new_cross_network
from sts.models.torch_runtime import TorchRuntime

PAIRS = [("숙소는 깨끗해요.", "방이 깔끔합니다."), ("불 꺼 줘.", "메일을 지워 줘."), ("네", "아니요")]
WORKERS = 2


def make_model(encoder, folder, seed):
    """A scorer's folder."""
    torch.manual_seed(seed)
    folder.mkdir()
    info = ScorerInfo("cross", "tiny", "a test", "linear", max_length=32, orders="one")
    CrossScorer(TorchRuntime(new_cross_network(encoder, head="linear", max_length=32), "fp32"), info).save(folder)
    return folder


def wait_for(condition, seconds=30):
    limit = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < limit, "waited in vain"
        time.sleep(0.05)
    return found


def free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def truncate(folder):
    """Cut the weights of a model short."""
    path = folder / "model.safetensors"
    os.truncate(path, path.stat().st_size // 2)


def age(folder):
    """Make a model one of a version that nobody reads."""
    info = json.loads((folder / "sts.json").read_text(encoding="utf-8"))
    (folder / "sts.json").write_text(json.dumps(info | {"format": 99}), encoding="utf-8")


def environment(**variables):
    """This process's, with these settings of the server alone."""
    return {name: value for name, value in os.environ.items() if not name.startswith("STS_")} | variables


class Running:
    """A server that was started."""

    def __init__(self, process, port, log):
        self.process, self.port, self.log = process, port, log

    def ask(self, method, path, body=None):
        """Status and text of an answer; each request has a connection of its own, so that any worker may get it."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            data = None if body is None else json.dumps(body).encode()
            connection.request(method, path, data, {"Content-Type": "application/json", "Connection": "close"})
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def score(self, place=0):
        status, text = self.ask(
            "POST", "/v1/similarity", dict(zip(("sentence1", "sentence2"), PAIRS[place], strict=True))
        )
        assert status == 200, text
        answer = json.loads(text)
        return answer["model_version"], answer["score"]

    def ready(self):
        with suppress(OSError, http.client.HTTPException):
            return self.ask("GET", "/readyz")[0] == 200
        return False

    def told(self, message):
        """How often the log has a message."""
        return len(re.findall(f'"message": "{message}', self.log.read_text(encoding="utf-8")))

    def metric(self, pattern):
        """The sum of all samples whose name and labels fit."""
        lines = self.ask("GET", "/metrics")[1].splitlines()
        return sum(float(line.rsplit(" ", 1)[1]) for line in lines if re.match(pattern, line))

    def workers(self):
        return {child.pid for child in psutil.Process(self.process.pid).children()}


@contextmanager
def serving(model, folder, *words, workers=WORKERS, **variables):
    """A server that is ready, in a session of its own as a terminal's job is; killed if the test leaves it."""
    port, log = free_port(), folder / "log"
    command = [sys.executable, "-m", "sts.serve", "--model", str(model), "--port", str(port), "--precision", "fp32"]
    command += ["--workers", str(workers), "--cache-size", "0", *words]
    with log.open("wb") as output, subprocess.Popen(
        command, stdout=output, stderr=subprocess.STDOUT, env=environment(**variables), start_new_session=True
    ) as process:  # fmt: skip
        server = Running(process, port, log)
        try:
            wait_for(lambda: server.told("models loaded") == workers and server.ready())
            yield server
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
