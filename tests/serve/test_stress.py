"""The stress run's short form, as a command: everything that it checks, over a tiny model."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from .processes import make_model

SCRIPT = Path(__file__).parents[2] / "scripts" / "stress"


@pytest.fixture(scope="module")
def model(tiny_encoder, tmp_path_factory):
    return make_model(tiny_encoder, tmp_path_factory.mktemp("stress") / "model", 1)


def stress(model, *words):
    command = [sys.executable, str(SCRIPT), "--model", str(model), "--precision", "fp32", *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def test_ten_seconds_of_many_clients(model):
    done = stress(model, *"--seconds 10 --settle 4 --clients 16 --workers 2 --json".split())
    found = json.loads(done.stdout)
    assert found["wrong"] == [], done.stderr
    assert done.returncode == 0
    assert found["workers"] == 2
    assert set(found["requests"]) == {"similarity", "batch", "rank", "bad"}
    assert min(found["requests"].values()) > 20
    # enough for each kind of bad request to have come
    assert 0.05 < found["requests"]["bad"] / sum(found["requests"].values()) < 0.2
    assert found["scores"] > 1_000
    assert 0 <= found["largest_deviation"] <= found["tolerance"] == 1e-3
    assert len(found["memory_mb"]) == 10
    assert found["end_seconds"] < 10


def test_a_server_that_does_not_start_is_told(tmp_path):
    done = stress(tmp_path / "missing")
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("stress: ")
    assert "Traceback" not in done.stderr
