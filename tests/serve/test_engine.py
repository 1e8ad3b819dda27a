import json
import shutil
import threading
import time
from dataclasses import replace

import pytest
import torch

from sts.models import CrossScorer, load_scorer
from sts.models.network import new_cross_network
from sts.models.torch_runtime import TorchRuntime
from sts.serve.app import make_app

from .conftest import loaded

PAIR = {"sentence1": "숙소는 깨끗해요.", "sentence2": "방이 깔끔합니다."}


@pytest.fixture
def folder(cross_folder, tmp_path):
    return shutil.copytree(cross_folder, tmp_path / "model")


def other_model(tiny_encoder, info, folder):
    torch.manual_seed(9)
    folder.mkdir()
    CrossScorer(TorchRuntime(new_cross_network(tiny_encoder, head="linear", max_length=32), "fp32"), info).save(folder)
    return folder


@pytest.fixture
def newer(tiny_encoder, cross_folder, tmp_path):
    return other_model(tiny_encoder, load_scorer(cross_folder).info, tmp_path / "newer")


def exchange(folder, newer):
    folder.rename(folder.with_name("old"))
    newer.rename(folder)


def until(condition):
    limit = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < limit
        time.sleep(0.01)


def asked(client):
    answer = client.post("/v1/similarity", json=PAIR)
    assert answer.status_code == 200, answer.json
    return answer.json


def test_a_new_model_takes_the_place_of_the_old_one_without_a_gap(settings, folder, newer):
    app = loaded(replace(settings, model=folder, index=None))
    client = app.test_client()
    before = asked(client)
    stop, answers = threading.Event(), []

    def ask():
        while not stop.is_set():
            answers.append(asked(app.test_client()))
            time.sleep(0.005)  # a client in this very process must not keep the interpreter from all others

    thread = threading.Thread(target=ask, daemon=True)  # a test that fails must not wait for it
    thread.start()
    exchange(folder, newer)
    app.extensions["sts"].ask_reload()
    until(lambda: asked(client)["model_version"] != before["model_version"])
    stop.set()
    thread.join()
    expected = load_scorer(folder, precision="fp32").score([PAIR["sentence1"]], [PAIR["sentence2"]]).scores[0]
    assert asked(client)["score"] == pytest.approx(float(expected), abs=1e-3)
    scores = {row["model_version"]: row["score"] for row in answers}
    assert scores.pop(before["model_version"]) == before["score"]
    assert len(answers) > 1


@pytest.mark.parametrize(
    ("harm", "reason"),
    [
        (lambda folder: (folder / "model.safetensors").write_bytes(b"\0" * 100), "the network can't be read"),
        (lambda folder: (folder / "model.safetensors").unlink(), "holds no model.safetensors"),
        (lambda folder: (folder / "sts.json").write_text('{"format": 99}'), "format is 99"),
        (shutil.rmtree, "no such scorer folder"),
    ],
)
def test_a_broken_model_is_refused_and_the_old_one_goes_on(settings, folder, harm, reason):
    app = loaded(replace(settings, model=folder, index=None))
    client = app.test_client()
    before = asked(client)
    harm(folder)
    app.extensions["sts"].ask_reload()
    until(lambda: app.extensions["sts"].refused)
    ready = client.get("/readyz")
    assert ready.status_code == 200
    assert reason in ready.json["refused"]
    assert asked(client) == before


def test_a_model_that_computes_nonsense_is_refused(settings, folder, newer):
    app = loaded(replace(settings, model=folder, index=None))
    client = app.test_client()
    before = asked(client)
    from safetensors.torch import load_file, save_file

    weights = load_file(newer / "model.safetensors")
    save_file({name: torch.full_like(tensor, torch.nan) for name, tensor in weights.items()}, newer / "x.safetensors",
              metadata={"format": "pt"})  # fmt: skip
    (newer / "x.safetensors").replace(newer / "model.safetensors")
    exchange(folder, newer)
    app.extensions["sts"].ask_reload()
    until(lambda: app.extensions["sts"].refused)
    assert "the model can't score" in client.get("/readyz").json["refused"]
    assert asked(client) == before


def test_a_watched_folder_that_changes_is_loaded(settings, folder, newer, monkeypatch):
    monkeypatch.setattr("sts.serve.engine.WATCH_SECONDS", 0.05)
    app = loaded(replace(settings, model=folder, index=None, watch=True))
    client = app.test_client()
    before = asked(client)
    time.sleep(0.3)
    loads = app.extensions["sts"].models.loaded_at
    exchange(folder, newer)
    until(lambda: asked(client)["model_version"] != before["model_version"])
    time.sleep(0.3)
    after = app.extensions["sts"].models.loaded_at
    assert after > loads
    time.sleep(0.3)
    assert app.extensions["sts"].models.loaded_at == after  # and not again and again


def test_what_has_not_changed_is_not_loaded_again(app):
    engine = app.extensions["sts"]
    before = engine.models
    engine._exchange()
    assert engine.models is not before
    assert engine.models.scorer is before.scorer
    assert engine.models.encoder is before.encoder


def test_a_start_without_a_model_is_told_and_mended(settings, folder, tmp_path):
    shutil.move(folder, tmp_path / "away")
    app = make_app(replace(settings, model=folder, index=None).completed())
    app.extensions["sts"].load()
    client = app.test_client()
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert "no such scorer folder" in answer.json["detail"]
    shutil.move(tmp_path / "away", folder)
    app.extensions["sts"].ask_reload()
    until(lambda: client.get("/readyz").status_code == 200)
    assert asked(client)["score"] >= 0


def test_an_index_of_another_model_is_told(settings, index_folder, tiny_encoder, bi_folder, tmp_path):
    info = json.loads((bi_folder / "sts.json").read_text())
    other = shutil.copytree(bi_folder, tmp_path / "other")
    (other / "sts.json").write_text(json.dumps(info | {"prompt": "other: "}))
    app = make_app(replace(settings, encoder=other).completed())
    app.extensions["sts"].load()
    assert "was built with another model" in app.test_client().get("/readyz").json["detail"]


def test_a_request_that_makes_the_model_fail_leaves_the_worker_ready(client, app, monkeypatch):
    scorer = app.extensions["sts"].models.scorer
    compute = scorer.network.compute
    poison = scorer.network.tokenize(["독약"], ["네"]).tokens["input_ids"][0]

    def fragile(tokens, **options):
        if poison in tokens["input_ids"]:
            raise RuntimeError("out of memory")
        return compute(tokens, **options)

    monkeypatch.setattr(scorer.network, "compute", fragile)
    statuses = {}

    def ask(text):
        body = {"sentence1": text, "sentence2": "네"}
        statuses[text] = app.test_client().post("/v1/similarity", json=body).status_code

    threads = [threading.Thread(target=ask, args=(text,)) for text in ["독약", *(f"숙소 {n}" for n in range(20))]]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses.pop("독약") == 500
    assert set(statuses.values()) == {200}
    assert client.get("/readyz").status_code == 200


def test_a_worker_that_hangs_is_not_ready(client, app, monkeypatch):
    monkeypatch.setattr("sts.serve.batcher.Batcher.busy_seconds", 1000.0)
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert "computing for 1000 seconds" in answer.json["detail"]


def test_a_process_forked_after_loading_says_so(client, app, monkeypatch):
    monkeypatch.setattr("os.getpid", lambda: -1)
    answer = client.post("/v1/similarity", json=PAIR)
    assert answer.status_code == 503
    assert "without preloading" in answer.json["detail"]


def test_a_full_queue_and_a_passed_deadline_have_their_statuses(settings, monkeypatch):
    app = loaded(replace(settings, index=None, timeout=0.3))
    scorer, gate = app.extensions["sts"].models.scorer, threading.Event()
    compute = scorer.network.compute

    def slow(tokens, **options):
        gate.wait(20)
        return compute(tokens, **options)

    monkeypatch.setattr(scorer.network, "compute", slow)
    client = app.test_client()
    late = client.post("/v1/similarity", json=PAIR)
    assert late.status_code == 504
    assert late.json["type"] == "urn:sts:problem:deadline-passed"
    app.extensions["sts"].batcher.max_queue = 1
    many = {"pairs": [PAIR, PAIR | {"sentence1": "불"}]}
    full = client.post("/v1/similarity/batch", json=many)
    assert full.status_code == 503
    assert full.json["type"] == "urn:sts:problem:queue-full"
    assert int(full.headers["Retry-After"]) >= 1
    gate.set()
    until(lambda: client.post("/v1/similarity", json=PAIR).status_code == 200)


def test_a_busy_server_refuses_more_and_still_says_that_it_lives(settings, monkeypatch):
    app = loaded(replace(settings, index=None, threads=8))
    scorer, gate = app.extensions["sts"].models.scorer, threading.Event()
    compute = scorer.network.compute

    def slow(tokens, **options):
        gate.wait(20)
        return compute(tokens, **options)

    monkeypatch.setattr(scorer.network, "compute", slow)
    statuses = []

    def ask(number):
        body = {"sentence1": f"숙소 {number}", "sentence2": "방"}
        statuses.append(app.test_client().post("/v1/similarity", json=body).status_code)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    until(lambda: len(statuses) == 4)
    assert statuses == [503] * 4
    assert app.test_client().get("/healthz").status_code == 200
    assert app.test_client().get("/readyz").status_code == 200
    gate.set()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [200] * 4 + [503] * 4
    assert app.test_client().post("/v1/similarity", json=PAIR).status_code == 200
