"""Keys, origins, logs, numbers."""

import json
import logging
from dataclasses import replace

import pytest

from sts.errors import UsageError
from sts.serve import logs
from sts.serve.keys import Keys
from sts.serve.problems import Forbidden, Unauthorized

from .conftest import WRITE_KEY, loaded

ASK_KEY = "ask-key-of-the-tests"
PAIR = {"sentence1": "비밀 문장", "sentence2": "다른 문장"}


@pytest.fixture
def guarded(settings, tmp_path, monkeypatch):
    file = tmp_path / "keys.txt"
    file.write_text(f"# who asks\n\n{ASK_KEY}\n")
    monkeypatch.setenv("STS_WRITE_KEYS", f"{WRITE_KEY}, another-write-key-00")
    return loaded(replace(settings, api_keys_file=file, writable=True)).test_client()


def bearer(key):
    return {"Authorization": f"Bearer {key}"}


def test_requests_need_a_key_where_there_are_any(guarded):
    none = guarded.post("/v1/similarity", json=PAIR)
    assert none.status_code == 401
    assert none.json["type"] == "urn:sts:problem:unauthorized"
    assert none.headers["WWW-Authenticate"].startswith("Bearer")
    for headers in (bearer("wrong"), bearer(ASK_KEY + "x"), {"Authorization": f"Basic {ASK_KEY}"}, bearer("")):
        assert guarded.post("/v1/similarity", json=PAIR, headers=headers).status_code == 401
    for headers in (bearer(ASK_KEY), {"X-API-Key": ASK_KEY}, bearer(WRITE_KEY)):
        assert guarded.post("/v1/similarity", json=PAIR, headers=headers).status_code == 200
    assert guarded.get("/metrics").status_code == 401
    assert guarded.get("/metrics", headers=bearer(ASK_KEY)).status_code == 200
    for path in ("/healthz", "/readyz", "/", "/docs", "/openapi.json"):
        with guarded.get(path) as answer:
            assert answer.status_code == 200


def test_a_key_that_may_ask_may_not_write(guarded):
    refused = guarded.delete("/v1/sentences/none", headers=bearer(ASK_KEY))
    assert refused.status_code == 403
    assert refused.json["type"] == "urn:sts:problem:forbidden"
    assert guarded.delete("/v1/sentences/none", headers=bearer(WRITE_KEY)).status_code == 404


def test_a_request_without_a_key_is_refused_before_its_body_is_read(guarded):
    assert guarded.post("/v1/similarity", data=b"{" * 1_000, content_type="text/plain").status_code == 401


def test_keys_are_compared_whole_and_kept_as_digests():
    keys = Keys.of(type("S", (), {"api_keys_file": None, "write_keys_file": None})())
    assert keys == Keys((), ())
    keys.check(None, writing=False)
    with pytest.raises(Unauthorized):
        keys.check(None, writing=True)
    import hashlib

    one = Keys((hashlib.sha256(ASK_KEY.encode()).digest(),), ())
    one.check(ASK_KEY, writing=False)
    with pytest.raises(Forbidden):
        one.check(ASK_KEY, writing=True)
    assert ASK_KEY not in repr(one)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("short\n", "line 1: a key must be 16 to 500 printable ASCII characters"),
        ("0123456789abcdef\n열쇠열쇠열쇠열쇠열쇠열쇠열쇠열쇠\n", "line 2: a key must be"),
        ("# nothing\n", "holds no key"),
        ("two words in a key\n", "without a space"),
    ],
)
def test_bad_key_files_are_told_without_the_key(settings, tmp_path, text, message):
    file = tmp_path / "keys.txt"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(UsageError, match=message) as raised:
        Keys.of(replace(settings, api_keys_file=file))
    assert "short" not in str(raised.value)
    with pytest.raises(UsageError, match="can't be read"):
        Keys.of(replace(settings, api_keys_file=tmp_path / "none"))


def test_other_origins_are_let_in_only_where_named(settings, client):
    origin = {"Origin": "https://example.com"}
    assert "Access-Control-Allow-Origin" not in client.post("/v1/similarity", json=PAIR, headers=origin).headers
    app = loaded(replace(settings, index=None, cors_origins=["https://example.com"]))
    other = app.test_client()
    asked = other.post("/v1/similarity", json=PAIR, headers=origin)
    assert asked.headers["Access-Control-Allow-Origin"] == "https://example.com"
    assert "Access-Control-Allow-Origin" not in other.post(
        "/v1/similarity", json=PAIR, headers={"Origin": "https://evil.example"}
    ).headers  # fmt: skip
    preflight = {**origin, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type"}
    allowed = other.options("/v1/similarity", headers=preflight).headers
    assert "content-type" in allowed["Access-Control-Allow-Headers"].lower()


@pytest.fixture
def lines():
    """What the server logs, as parsed JSON."""
    found = []

    class Keep(logging.Handler):
        def emit(self, record):
            found.append(json.loads(self.format(record)))

    handler = Keep()
    handler.setFormatter(logs.json_formatter())
    logger = logging.getLogger("sts.serve")
    logger.addHandler(handler)
    before = logger.level
    logger.setLevel(logging.INFO)
    yield found
    logger.setLevel(before)
    logger.removeHandler(handler)


def test_a_line_for_each_request_without_its_sentences(client, lines):
    client.post("/v1/similarity", json=PAIR, headers={"X-Request-ID": "abc"})
    client.post("/v1/similarity", json=PAIR | {"sentence2": ""})
    good, bad = lines
    assert good["request_id"] == "abc"
    assert (good["level"], good["method"], good["route"], good["status"]) == ("INFO", "POST", "/v1/similarity", 200)
    assert good["texts"] == 1
    assert good["tokens"] > 2
    assert good["model"] == "cross"
    assert good["milliseconds"] >= 0
    assert (bad["status"], bad["problem"]) == (422, "invalid-field")
    assert "비밀" not in json.dumps(lines, ensure_ascii=False)


def test_sentences_are_logged_when_asked(settings, lines):
    app = loaded(replace(settings, index=None, log_sentences=True))
    app.test_client().post("/v1/similarity", json=PAIR)
    assert [line["body"] for line in lines if line["message"] == "request"] == [PAIR]


def test_numbers_for_prometheus(settings, client):
    client = loaded(replace(settings, index=None)).test_client()
    client.post("/v1/similarity", json=PAIR)
    client.post("/v1/similarity", json=PAIR)
    client.post("/v1/similarity", json={})
    client.get("/made/up/by/somebody")
    text = client.get("/metrics").get_data(as_text=True)
    assert 'sts_requests_total{method="POST",route="/v1/similarity",status="200"} 2.0' in text
    assert 'sts_requests_total{method="POST",route="/v1/similarity",status="422"} 1.0' in text
    assert 'sts_requests_total{method="any",route="none",status="404"} 1.0' in text
    assert "made" not in text
    assert 'sts_cache_total{outcome="hit"} 1.0' in text
    assert "sts_queue_depth 0.0" in text
    assert 'sts_model{model="cross",role="scorer",version="' in text
    assert "sts_batch_size_count" in text
    assert 'sts_reloads_total{outcome="loaded"} 1.0' in text
