"""A server that can't start says why in one line, before anything is forked."""

import shutil
import socket
import subprocess
import sys

import pytest

from .processes import age, environment, make_model, truncate


@pytest.fixture(scope="module")
def model(tiny_encoder, tmp_path_factory):
    return make_model(tiny_encoder, tmp_path_factory.mktemp("start") / "model", 1)


def start(*words):
    return subprocess.run(
        [sys.executable, "-m", "sts.serve", *map(str, words)],
        capture_output=True, text=True, timeout=15, env=environment(), check=False,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (shutil.rmtree, "no such scorer folder"),
        (truncate, "the weights can't be read"),
        (age, "format is 99"),
        (None, "missing"),
    ],
)
def test_what_cant_be_served_is_told_in_a_line(model, tmp_path, damage, told):
    served = shutil.copytree(model, tmp_path / "model")
    if damage:
        damage(served)
    done = start("--model", served, *([] if damage else ["--index", tmp_path / "missing"]))
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert line.startswith("python -m sts.serve: --")
    assert str(tmp_path) in line
    assert told in line


def test_a_port_in_use_ends_the_server(model):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = start("--model", model, "--port", port)
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert f"127.0.0.1:{port}: can't be listened on (Address already in use)" in line
