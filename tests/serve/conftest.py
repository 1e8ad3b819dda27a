"""Tiny models, an index, and the application over them: in the test's own process, or behind a socket."""

import logging
import threading
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from sts.models import BiScorer, CrossScorer, ScorerInfo, load_scorer
from sts.models.network import new_bi_network, new_cross_network
from sts.models.torch_runtime import TorchRuntime
from sts.search.build import build_index
from sts.serve.app import make_app
from sts.serve.settings import ServeSettings

WRITE_KEY = "write-key-of-the-tests"
SENTENCES = [
    ("a", "숙소는 깨끗해요.", "airbnb", 5),
    ("b", "방이 깨끗합니다.", "airbnb", 4),
    ("c", "불 꺼 줘.", "assistant", 3),
    ("d", "조명을 꺼 줘.", "assistant", 2),
    ("e", "오늘 날씨는?", "assistant", 1),
    ("f", "메일을 지워 줘.", "assistant", 1),
]


@pytest.fixture(scope="session")
def cross_folder(tiny_encoder, tmp_path_factory):
    torch.manual_seed(1)
    folder = tmp_path_factory.mktemp("serve") / "cross"
    folder.mkdir()
    info = ScorerInfo("cross", "tiny", "a test", "linear", max_length=32, orders="both")
    CrossScorer(TorchRuntime(new_cross_network(tiny_encoder, head="linear", max_length=32), "fp32"), info).save(folder)
    return folder


@pytest.fixture(scope="session")
def bi_folder(tiny_encoder, tmp_path_factory):
    torch.manual_seed(2)
    folder = tmp_path_factory.mktemp("serve") / "bi"
    folder.mkdir()
    curve = {"rise": 1.0, "fall": 1.0, "shift": 0.0}
    info = ScorerInfo(
        "bi", "tiny", "a test", None, max_length=32, orders=None, pooling="mean", prompt="query: ",
        calibration={"32": curve, "16": curve},
    )  # fmt: skip
    network = new_bi_network(tiny_encoder, pooling="mean", prompt="query: ", max_length=32)
    BiScorer(TorchRuntime(network, "fp32"), info).save(folder)
    return folder


def make_index(folder: Path, bi_folder: Path) -> Path:
    """An index of the few sentences above."""
    file = folder / "sentences.csv"
    rows = "".join(f"{i},{text},{source},{stars}\n" for i, text, source, stars in SENTENCES)
    file.write_text("id,sentence,source,stars\n" + rows, encoding="utf-8")
    scorer = load_scorer(bi_folder, precision="fp32")
    build_index(scorer, (str(bi_folder), "tiny"), file, folder / "index", say=lambda line: None)
    return folder / "index"


@pytest.fixture(scope="session")
def index_folder(bi_folder, tmp_path_factory):
    return make_index(tmp_path_factory.mktemp("serve-index"), bi_folder)


@pytest.fixture(scope="session")
def settings(cross_folder, index_folder):
    return ServeSettings(model=cross_folder, index=index_folder, precision="fp32", port=0)


def loaded(settings):
    """An application that is ready."""
    app = make_app(settings.completed())
    app.testing = False
    app.extensions["sts"].load()
    assert app.extensions["sts"].refused is None
    return app


@pytest.fixture(scope="session")
def app(settings):
    return loaded(settings)


@pytest.fixture
def client(app):
    return app.test_client()


@pytest.fixture
def writable(settings, bi_folder, tmp_path, monkeypatch):
    """A client of an application whose index, its own, may be changed."""
    monkeypatch.setenv("STS_WRITE_KEYS", WRITE_KEY)
    app = loaded(replace(settings, index=make_index(tmp_path, bi_folder), writable=True))
    return app.test_client()


@contextmanager
def running(app):
    """An application behind a real socket; yields its address."""
    from werkzeug.serving import make_server

    logging.getLogger("werkzeug").setLevel(logging.WARNING)  # a line for each of thousands of requests
    with make_server("127.0.0.1", 0, app, threaded=True) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture(scope="module")
def server(app):
    """The address of the application."""
    with running(app) as address:
        yield address
