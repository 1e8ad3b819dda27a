import json
from dataclasses import replace

import pytest

from sts.serve.app import make_app

GOOD = {"sentence1": "가", "sentence2": "나"}
JSON = "application/json"


def send(client, data, route="similarity", content_type=JSON, method="POST"):
    return client.open(f"/v1/{route}", method=method, data=data, content_type=content_type)


def check_problem(answer, status, kind):
    assert answer.status_code == status, answer.get_data(as_text=True)
    assert answer.content_type == "application/problem+json"
    assert answer.json["type"] == f"urn:sts:problem:{kind}"
    assert answer.json["status"] == status
    assert answer.json["request_id"] == answer.headers["X-Request-ID"]
    assert "Traceback" not in answer.get_data(as_text=True)
    return answer.json


@pytest.mark.parametrize(
    ("change", "pointer", "found", "rule"),
    [
        ({"sentence1": ""}, "/sentence1", "string of 0 characters", "at least 1 character"),
        ({"sentence1": " \n\u3000"}, "/sentence1", "string of 3 characters", "must not be all white space"),
        ({"sentence1": "가" * 10_001}, "/sentence1", "string of 10,001 characters", "at most 10000 characters"),
        ({"sentence1": 3}, "/sentence1", "number", "valid string"),
        ({"sentence1": None}, "/sentence1", "null", "valid string"),
        ({"sentence1": ["가"]}, "/sentence1", "array of 1", "valid string"),
        ({"sentence1": "\ud800"}, "/sentence1", "string of 1 characters", "unicode"),
        ({"extra": 1}, "/extra", "number", "Extra inputs are not permitted"),
        ({"truncate": "yes"}, "/truncate", "string of 3 characters", "valid boolean"),
        ({"truncate": 1}, "/truncate", "number", "valid boolean"),
        ({"\ud800~/": 1}, "", "string of 3 characters", "unicode"),
        ({"~/": 1}, "/~0~1", "number", "Extra inputs are not permitted"),
    ],
)
def test_a_field_that_breaks_a_rule_is_named_and_its_text_is_not_told(client, change, pointer, found, rule):
    answer = send(client, json.dumps(GOOD | change))
    body = check_problem(answer, 422, "invalid-field")
    assert [error["pointer"] for error in body["errors"]] == [pointer]
    assert body["errors"][0]["found"] == found
    assert rule in body["errors"][0]["rule"]


def test_a_missing_field_is_named(client):
    body = check_problem(send(client, '{"sentence1": "가"}'), 422, "invalid-field")
    assert [(error["pointer"], error["rule"]) for error in body["errors"]] == [("/sentence2", "Field required")]


def test_batches_name_the_pair_and_no_more_than_twenty(client):
    pairs = [GOOD, GOOD | {"sentence2": 1}]
    body = check_problem(send(client, json.dumps({"pairs": pairs}), "similarity/batch"), 422, "invalid-field")
    assert body["errors"][0]["pointer"] == "/pairs/1/sentence2"
    many = check_problem(send(client, json.dumps({"pairs": [1] * 900}), "similarity/batch"), 422, "invalid-field")
    assert len(many["errors"]) == 20
    assert "880 more" in many["detail"]
    check_problem(send(client, '{"pairs": []}', "similarity/batch"), 422, "invalid-field")


@pytest.mark.parametrize(
    "data",
    [b"", b"{", b"{'a': 1}", b'{"a": NaN}', b'{"a": ' + b"9" * 5000 + b"}", b"[" * 100_000, b'\xff{"a": 1}', b"null x"],
)
def test_what_is_no_json_is_400(client, data):
    check_problem(send(client, data), 400, "malformed-json")


@pytest.mark.parametrize("data", [b"null", b"[]", b'"{}"', b"3", b"true"])
def test_json_that_is_no_object_is_422(client, data):
    body = check_problem(send(client, data), 422, "invalid-field")
    assert "must be an object" in body["detail"]


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "", "application/xml"])
def test_another_media_type_is_415(client, content_type):
    body = check_problem(send(client, json.dumps(GOOD), content_type=content_type), 415, "wrong-media-type")
    assert "application/json" in body["detail"]


def test_json_with_a_charset_is_json(client):
    assert send(client, json.dumps(GOOD), content_type="application/json; charset=utf-8").status_code == 200


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH"])
def test_another_method_is_405_and_names_those_allowed(client, method):
    answer = send(client, json.dumps(GOOD), method=method)
    check_problem(answer, 405, "method-not-allowed")
    assert "POST" in answer.headers["Allow"]


@pytest.mark.parametrize("path", ["/v1/fly", "/v2/similarity", "/page/../app.py", "/page/none.js", "/docs/none.css"])
def test_another_path_is_404(client, path):
    check_problem(client.get(path), 404, "not-found")


def test_a_body_that_is_too_large_is_413(settings):
    app = make_app(replace(settings, max_body=2_000).completed())
    app.extensions["sts"].load()
    client = app.test_client()
    check_problem(send(client, json.dumps(GOOD | {"sentence1": "가" * 3_000})), 413, "body-too-large")
    assert send(client, json.dumps(GOOD)).status_code == 200


def test_before_models_are_loaded_requests_are_told_to_come_back(settings):
    client = make_app(settings.completed()).test_client()
    answer = send(client, json.dumps(GOOD))
    check_problem(answer, 503, "not-ready")
    assert int(answer.headers["Retry-After"]) >= 1
    check_problem(client.get("/readyz"), 503, "not-ready")
    assert client.get("/healthz").json["status"] == "alive"


def test_an_error_nobody_thought_of_tells_nothing_of_the_inside(app, client, monkeypatch, caplog):
    def broken(*_):
        raise LookupError("a secret")

    monkeypatch.setattr(app.extensions["sts"].models.scorer, "pairs", broken)
    body = check_problem(send(client, json.dumps(GOOD)), 500, "internal")
    assert "secret" not in json.dumps(body)


def test_request_ids_are_kept_where_they_are_plain_and_made_where_not(client):
    headers = {"X-Request-ID": "abc-123"}
    assert client.get("/healthz", headers=headers).headers["X-Request-ID"] == "abc-123"
    for odd in ("", "a" * 101, "한글".encode().decode("latin-1")):
        made = client.get("/healthz", headers={"X-Request-ID": odd}).headers["X-Request-ID"]
        assert len(made) == 32


def test_answers_carry_headers_that_keep_pages_safe(client):
    with client.get("/") as answer:
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert "default-src 'self'" in answer.headers["Content-Security-Policy"]
