"""What happens to a running server, and how it answers meanwhile: real processes, real signals, two workers."""

import http.client
import json
import os
import shutil
import signal
import threading
import time

import pytest

from sts.models import load_scorer

from .processes import PAIRS, WORKERS, age, make_model, serving, truncate, wait_for


@pytest.fixture(scope="module")
def models(tiny_encoder, tmp_path_factory):
    """Two scorers' folders; never served themselves, but copied."""
    folder = tmp_path_factory.mktemp("faults")
    return [make_model(tiny_encoder, folder / f"model{seed}", seed) for seed in (1, 2)]


@pytest.fixture(scope="module")
def expected(models):
    """Scores of PAIRS by the model's version."""
    scorers = [load_scorer(folder, precision="fp32") for folder in models]
    columns = [list(column) for column in zip(*PAIRS, strict=True)]
    found = {scorer.fingerprint[:12]: scorer.score(*columns).scores.tolist() for scorer in scorers}
    assert len(found) == 2
    return found


@pytest.fixture(scope="module")
def versions(expected):
    return list(expected)


def replace(folder, source, damage=lambda folder: None):
    """Rename a copy of another model into a folder's place."""
    new, old = folder.with_name("new"), folder.with_name("old")
    shutil.copytree(source, new)
    damage(new)
    folder.rename(old)
    new.rename(folder)
    shutil.rmtree(old)


@pytest.fixture(scope="module")
def served(models, tmp_path_factory):
    """The folder of the model that `server` serves: at first a copy of the first."""
    return shutil.copytree(models[0], tmp_path_factory.mktemp("served") / "model")


@pytest.fixture(scope="module")
def counted(tmp_path_factory):
    """Where the workers of `server` keep their numbers."""
    return tmp_path_factory.mktemp("numbers")


@pytest.fixture(scope="module")
def server(served, counted, tmp_path_factory):
    """One server for the tests that leave it as it was; starting takes the longest."""
    with serving(served, tmp_path_factory.mktemp("server"), PROMETHEUS_MULTIPROC_DIR=str(counted)) as running:
        yield running
        running.process.terminate()
        assert running.process.wait(30) == 0


class Load:
    """Clients that ask without a pause; what was answered wrongly or not at all is kept with its times."""

    def __init__(self, server, expected, clients=4):
        self.server, self.expected = server, expected
        self.answered, self.lost, self.wrong = 0, [], []
        self._end = threading.Event()
        self._threads = [threading.Thread(target=self._ask, args=(number,)) for number in range(clients)]

    def _ask(self, number):
        count = number
        while not self._end.is_set():
            count += 1
            began, place = time.monotonic(), count % len(PAIRS)
            try:
                version, score = self.server.score(place)
                if abs(score - self.expected[version][place]) > 1e-3:
                    self.wrong.append((version, place, score))
                self.answered += 1
            except (OSError, http.client.HTTPException) as error:
                self.lost.append((began, time.monotonic(), error))
            except BaseException as error:
                self.wrong.append(error)
            self._end.wait(0.01)  # the machine has more to do

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._end.set()
        for thread in self._threads:
            thread.join(60)


# one server, one test after the other


def test_the_numbers_of_all_workers_are_added_up(server, counted):
    from prometheus_client.multiprocess import MultiProcessCollector

    def requests_of(pid):
        metrics = MultiProcessCollector.merge([str(path) for path in counted.glob(f"counter_{pid}.db")])
        samples = [sample for metric in metrics for sample in metric.samples]
        return sum(each.value for each in samples if each.labels.get("route") == "/v1/similarity")

    assert len(server.workers()) == WORKERS
    asked, before = 0, server.metric("sts_requests_total.*/v1/similarity")
    limit = time.monotonic() + 20
    while time.monotonic() < limit and not all(requests_of(pid) for pid in server.workers()):
        threads = [threading.Thread(target=server.score) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        asked += len(threads)
    shares = [requests_of(pid) for pid in server.workers()]
    assert all(shares)
    # whichever worker is asked for them
    assert {server.metric("sts_requests_total.*/v1/similarity") for _ in range(10)} == {before + asked} == {sum(shares)}
    assert server.metric(r"sts_model\{") == WORKERS


def test_a_killed_worker_takes_only_its_own_requests_along(server, expected, versions):
    victim, *_ = before = sorted(server.workers())
    loaded = server.told("models loaded")
    with Load(server, expected, clients=8) as load:
        wait_for(lambda: load.answered > 50)
        os.kill(victim, signal.SIGKILL)
        killed = time.monotonic()
        wait_for(lambda: server.told("models loaded") > loaded)
        answered = load.answered
        wait_for(lambda: load.answered > answered + 50)
    assert not load.wrong
    assert len(load.lost) <= 8  # each client waits for one answer at a time
    assert all(began < killed + 0.2 for began, *_ in load.lost)
    assert len(server.workers()) == WORKERS
    assert server.workers() & set(before) == set(before) - {victim}
    assert server.ready()
    assert server.metric(r"sts_model\{") == WORKERS  # the dead one is not counted
    assert server.score()[0] == versions[0]


def test_sighup_exchanges_the_model_without_a_gap(server, served, models, expected, versions):
    workers = server.workers()
    with Load(server, expected) as load:
        wait_for(lambda: load.answered > 20)
        replace(served, models[1])
        assert server.score()[0] == versions[0]  # not before it is told to
        server.process.send_signal(signal.SIGHUP)
        wait_for(lambda: server.metric(rf'sts_model\{{.*version="{versions[1]}"') == WORKERS)
        assert {server.score()[0] for _ in range(20)} == {versions[1]}
    assert not load.wrong
    assert not load.lost
    assert server.workers() == workers
    assert server.metric(rf'sts_model\{{.*version="{versions[0]}"') == 0


@pytest.mark.parametrize("damage", [truncate, age])
def test_a_broken_model_is_refused_and_the_old_one_goes_on(server, served, models, expected, versions, damage):
    refused, loaded = server.told("not taken"), server.told("models loaded")
    with Load(server, expected) as load:
        replace(served, models[0], damage)
        server.process.send_signal(signal.SIGHUP)
        wait_for(lambda: server.told("not taken") == refused + WORKERS)
        status, text = server.ask("GET", "/readyz")
        assert (status, json.loads(text)["status"]) == (200, "ready")
        assert str(served) in json.loads(text)["refused"]
        assert {server.score()[0] for _ in range(20)} == {versions[1]}
        # a good one is taken again, and nothing is refused any more
        replace(served, models[1])
        server.process.send_signal(signal.SIGHUP)
        wait_for(lambda: server.told("models loaded") == loaded + WORKERS)
    assert {json.loads(server.ask("GET", "/readyz")[1])["refused"] for _ in range(10)} == {None}
    assert not load.wrong
    assert not load.lost


# servers of their own


def test_watched_folders_need_no_signal(models, tmp_path, expected, versions):
    served = shutil.copytree(models[0], tmp_path / "model")
    with serving(served, tmp_path, "--watch") as server:
        with Load(server, expected) as load:
            replace(served, models[1])
            wait_for(lambda: server.metric(rf'sts_model\{{.*version="{versions[1]}"') == WORKERS)
            assert {server.score()[0] for _ in range(20)} == {versions[1]}
            replace(served, models[0], truncate)
            wait_for(lambda: server.told("not taken") == WORKERS)
            assert str(served) in json.loads(server.ask("GET", "/readyz")[1])["refused"]
            assert {server.score()[0] for _ in range(20)} == {versions[1]}
        assert not load.wrong
        assert not load.lost
        server.process.terminate()
        assert server.process.wait(30) == 0


@pytest.mark.parametrize("ending", ["SIGTERM", "Ctrl-C"])
def test_what_is_being_answered_is_finished(models, tmp_path, expected, versions, ending):
    pairs = [dict(zip(("sentence1", "sentence2"), PAIRS[place % 3], strict=True)) for place in range(1_000)]
    # one pair at a time, each only once: some seconds of work
    for place, pair in enumerate(pairs[3:]):
        pair["sentence2"] += f" {place}"
    answers = []
    with serving(models[0], tmp_path, "--max-batch", "1") as server:
        asking = threading.Thread(
            target=lambda: answers.append(server.ask("POST", "/v1/similarity/batch", {"pairs": pairs}))
        )
        asking.start()
        try:
            wait_for(lambda: server.metric("sts_queue_depth") > 500)
            if ending == "SIGTERM":
                server.process.terminate()
            else:  # a terminal sends it to all of the job's processes
                os.killpg(server.process.pid, signal.SIGINT)
            assert not answers
            assert server.process.wait(40) == 0
        finally:
            asking.join(60)
    (status, text), *_ = answers
    answer = json.loads(text)
    assert (status, answer["model_version"], len(answer["results"])) == (200, versions[0], 1_000)
    scores = [result["score"] for result in answer["results"]]
    assert scores[:3] == pytest.approx(expected[versions[0]], abs=1e-3)
    assert "Traceback" not in server.log.read_text(encoding="utf-8")


def test_a_worker_started_anew_beside_a_broken_model_harms_no_other(models, tmp_path, expected, versions):
    served = shutil.copytree(models[0], tmp_path / "model")
    with serving(served, tmp_path) as server:
        before = server.workers()
        replace(served, models[1], truncate)
        os.kill(min(before), signal.SIGKILL)
        wait_for(lambda: server.told("not taken") == 1)
        assert len(server.workers()) == WORKERS
        statuses = {server.ask("GET", "/readyz")[0] for _ in range(40)}
        assert statuses == {200, 503}
        replace(served, models[0])
        server.process.send_signal(signal.SIGHUP)
        wait_for(lambda: server.told("models loaded") == 2 * WORKERS)
        assert {server.ask("GET", "/readyz")[0] for _ in range(20)} == {200}
        assert server.score()[0] == versions[0]
