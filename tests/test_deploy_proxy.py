"""deploy/nginx.conf and the container's check of its health, run against a stand-in for the server."""

import http.client
import json
import os
import re
import shutil
import socket
import ssl
import subprocess
import sys
import threading
import time
from dataclasses import fields
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from sts.serve.settings import ServeSettings
from sts.serve.workers import KEEPALIVE_SECONDS

DEPLOY = Path(__file__).parents[1] / "deploy"
DEFAULTS = {entry.name: entry.default for entry in fields(ServeSettings)}


def wait_for_port(port):
    limit = time.monotonic() + 20
    while time.monotonic() < limit:
        try:
            return socket.create_connection(("127.0.0.1", port), timeout=5).close()
        except ConnectionRefusedError:
            time.sleep(0.05)
    raise AssertionError("nothing listens")


def free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


class Upstream(ThreadingHTTPServer):
    """Stands in for the server: answers every request, and remembers it; with status 0 it hangs up."""

    status = 200

    def __init__(self):
        self.seen = []
        super().__init__(("127.0.0.1", 0), Answering)


class Answering(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.seen.append((self.command, self.path, dict(self.headers), len(body)))
        if not self.server.status:
            self.close_connection = True
            return
        self.send_response(self.server.status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_POST = do_GET  # noqa: N815

    def log_message(self, *_):
        pass


@pytest.fixture
def upstream():
    with Upstream() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("status", [200, 503])
def test_the_containers_check_of_its_health_follows_readyz(status, upstream):
    upstream.status = status
    (command,) = re.findall(r"^HEALTHCHECK .*\\\n\s+CMD (.*)$", (DEPLOY / "Dockerfile").read_text(), re.M)
    words = json.loads(command)
    assert words[0] == "python"
    done = subprocess.run(
        [sys.executable, *words[1:]],
        env=os.environ | {"STS_PORT": str(upstream.server_port), "http_proxy": "http://127.0.0.1:9"},
        capture_output=True, timeout=30, check=False,
    )  # fmt: skip
    assert upstream.seen[-1][:2] == ("GET", "/readyz")
    assert (done.returncode == 0) == (status == 200)


def directive(name):
    (value,) = re.findall(rf"^\s*{name} ([^;]+);", (DEPLOY / "nginx.conf").read_text(), re.M)
    return value


def test_the_proxys_limits_are_those_of_the_server():
    assert int(directive("client_max_body_size").removesuffix("m")) * 2**20 == DEFAULTS["max_body"]
    assert int(directive("proxy_read_timeout").removesuffix("s")) > DEFAULTS["timeout"]
    text = (DEPLOY / "nginx.conf").read_text()
    assert int(re.search(r"keepalive_timeout (\d+)s", text).group(1)) < KEEPALIVE_SECONDS
    assert f"server 127.0.0.1:{DEFAULTS['port']} " in text
    assert directive("proxy_next_upstream") == "off"


@pytest.fixture
def proxy(tmp_path, upstream):
    """nginx with the example's settings on a free port, in front of `upstream`."""
    if shutil.which("nginx") is None or shutil.which("openssl") is None:
        pytest.skip("nginx or openssl is not installed")
    key, certificate = tmp_path / "privkey.pem", tmp_path / "fullchain.pem"
    words = f"openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=example.com -keyout {key} -out {certificate}"
    subprocess.run(words.split(), check=True, capture_output=True, timeout=60)
    plain, tls = free_port(), free_port()
    text = (DEPLOY / "nginx.conf").read_text().replace("/etc/ssl/sts", str(tmp_path))
    text = text.replace("listen 80;", f"listen 127.0.0.1:{plain};").replace(
        "listen 443 ssl;", f"listen 127.0.0.1:{tls} ssl;"
    )
    text = text.replace("server 127.0.0.1:8000", f"server 127.0.0.1:{upstream.server_port}")
    # files that a test may write
    own = "user root;" if os.geteuid() == 0 else ""
    own += f"pid {tmp_path}/pid; error_log {tmp_path}/error.log;\n"
    paths = "".join(
        f"{kind}_temp_path {tmp_path}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    file = tmp_path / "nginx.conf"
    file.write_text(own + text.replace("http {", f"http {{ {paths}", 1))
    command = ["nginx", "-p", str(tmp_path), "-c", str(file), "-g", "daemon off;"]
    subprocess.run([*command[:-2], "-t"], check=True, capture_output=True, timeout=60)
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as running:
        try:
            wait_for_port(tls)
            yield plain, tls
        finally:
            running.terminate()
            running.wait(20)


def https(port, method, path, body=b"", **headers):
    context = ssl._create_unverified_context()
    connection = http.client.HTTPSConnection("127.0.0.1", port, timeout=20, context=context)
    try:
        connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read()
    finally:
        connection.close()


def test_the_proxy_passes_requests_on_with_an_id(proxy, upstream):
    _, tls = proxy
    assert https(tls, "POST", "/v1/similarity", b"x" * 8 * 2**20, X_Request_ID="mine-1")[0] == 200
    method, path, headers, size = upstream.seen[-1]
    assert (method, path, size) == ("POST", "/v1/similarity", 8 * 2**20)
    assert headers["X-Request-ID"] == "mine-1"
    assert headers["X-Forwarded-Proto"] == "https"
    assert "Connection" not in headers
    https(tls, "GET", "/healthz", X_Request_ID="two words")
    assert re.fullmatch("[0-9a-f]{32}", upstream.seen[-1][2]["X-Request-ID"])


def test_the_proxy_refuses_large_bodies_and_floods_as_the_server_would(proxy, upstream):
    _, tls = proxy
    status, headers, body = https(tls, "POST", "/v1/similarity", b"x" * (8 * 2**20 + 1), X_Request_ID="large")
    problem = json.loads(body)
    assert (status, problem["status"], problem["type"]) == (413, 413, "urn:sts:problem:body-too-large")
    assert headers["Content-Type"] == "application/problem+json"
    assert problem["request_id"] == "large"
    assert not upstream.seen
    answers = [https(tls, "GET", "/v1/models") for _ in range(100)]
    assert {status for status, *_ in answers} == {200, 429}
    status, headers, body = next(answer for answer in answers if answer[0] == 429)
    assert headers["Retry-After"] == "1"
    assert json.loads(body)["status"] == 429


def test_the_proxy_sends_no_request_twice(proxy, upstream):
    _, tls = proxy
    upstream.status = 0
    assert https(tls, "POST", "/v1/sentences", b"{}")[0] == 502
    assert len(upstream.seen) == 1


def test_the_proxy_redirects_and_keeps_numbers_to_itself(proxy, upstream):
    plain, tls = proxy
    connection = http.client.HTTPConnection("127.0.0.1", plain, timeout=20)
    connection.request("POST", "/v1/similarity", b"{}")
    answer = connection.getresponse()
    assert (answer.status, answer.headers["Location"]) == (308, "https://127.0.0.1/v1/similarity")
    connection.close()
    # from this machine they may be asked for
    assert https(tls, "GET", "/metrics")[0] == https(tls, "GET", "/readyz")[0] == 200
    (block,) = re.findall(r"location ~ \^/\(metrics\|readyz\)\$ \{([^}]*)\}", (DEPLOY / "nginx.conf").read_text())
    assert "deny all;" in block
