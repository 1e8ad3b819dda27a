"""Gunicorn's worker: threads that stay with their connection for a moment."""

import http.client
import json
import signal
import time
from contextlib import ExitStack

import pytest

from .processes import make_model, serving, wait_for


@pytest.fixture(scope="module")
def model(tiny_encoder, tmp_path_factory):
    return make_model(tiny_encoder, tmp_path_factory.mktemp("worker") / "model", 1)


@pytest.fixture
def connect():
    """Makes connections, and closes them in the end."""
    with ExitStack() as stack:

        def make(server):
            connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
            stack.callback(connection.close)
            return connection

        yield make


def ask(connection, number):
    body = {"sentence1": f"숙소 {number}", "sentence2": "방"}
    connection.request("POST", "/v1/similarity", json.dumps(body), {"Content-Type": "application/json"})
    answer = connection.getresponse()
    found = json.loads(answer.read())
    assert (answer.status, found["sentence1"]) == (200, body["sentence1"])


def test_connections_stay_open_and_their_threads_serve_others_meanwhile(model, tmp_path, connect):
    # 8 threads, 4 of them for scores; each of 30 connections asks several times, at once and after a while
    with serving(model, tmp_path, "--threads", "8", workers=1) as server:
        connections = [connect(server) for _ in range(30)]
        for turn in range(3):
            for place, connection in enumerate(connections):
                for again in range(3):
                    ask(connection, 1000 * turn + 10 * place + again)
            time.sleep(0.1)
        sockets = {id(connection.sock) for connection in connections}
        assert len(sockets) == 30
        assert None not in {connection.sock for connection in connections}


def test_requests_sent_ahead_of_their_answers_are_answered_in_order(model, tmp_path, connect):
    with serving(model, tmp_path, workers=1) as server:
        connection = connect(server)
        connection.connect()
        for number in range(20):
            body = json.dumps({"sentence1": f"숙소 {number}", "sentence2": "방"}).encode()
            head = "POST /v1/similarity HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            head += f"Content-Length: {len(body)}"
            connection.sock.sendall(f"{head}\r\n\r\n".encode() + body)
        seen = b""
        while seen.count(b"HTTP/1.1 200 OK") < 20 or not seen.endswith(b"}\n"):
            piece = connection.sock.recv(65536)
            assert piece, "the connection was closed"
            seen += piece
        places = [seen.index(f'"숙소 {number}"'.encode()) for number in range(20)]
        assert places == sorted(places)


def test_a_stopping_worker_does_not_wait_for_open_connections(model, tmp_path, connect):
    with serving(model, tmp_path, workers=1) as server:
        connections = [connect(server) for _ in range(10)]
        for number, connection in enumerate(connections):
            ask(connection, number)
        began = time.monotonic()
        server.process.send_signal(signal.SIGTERM)
        wait_for(lambda: server.process.poll() is not None)
        assert time.monotonic() - began < 10
        assert server.process.returncode == 0
