"""The API against its own document, and against texts nobody thought of."""

import json
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st

import sts.serve
from sts.serve.app import make_app

from .conftest import WRITE_KEY, loaded, make_index, running

DOCUMENT = Path(sts.serve.__file__).with_name("openapi.json")
CALM = examples(
    max_examples=60,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(scope="module")
def open_app(settings, bi_folder, tmp_path_factory):
    """An application that allows everything, so that every route can be tried."""
    folder = tmp_path_factory.mktemp("document")
    keys = folder / "keys.txt"
    keys.write_text(WRITE_KEY + "\n")
    index = make_index(folder, bi_folder)
    return loaded(replace(settings, index=index, writable=True, write_keys_file=keys))


def test_the_committed_document_is_what_the_server_says(settings):
    served = make_app(settings.completed()).test_client().get("/openapi.json").json
    committed = json.loads(DOCUMENT.read_text(encoding="utf-8"))
    assert served == committed, "the API has changed; if that is meant, scripts/openapi writes its document anew"


def test_the_document_names_every_route(settings):
    app = make_app(settings.completed())
    paths = {re.sub(r"<\w+:(\w+)>", r"{\1}", rule.rule) for rule in app.url_map.iter_rules()}
    pages = {"/", "/page/<path:name>", "/docs", "/docs/<path:name>", "/openapi.json"}
    pages = {re.sub(r"<\w+:(\w+)>", r"{\1}", page) for page in pages}
    assert paths - pages == set(app.api_doc["paths"])


# what a document can't say: which dimensions a model was trained for
EXCEPTION = """
[[operations]]
include-name = "POST /v1/embeddings"
checks.positive_data_acceptance.enabled = false
"""


def test_every_answer_is_as_the_document_says(open_app, tmp_path):
    """No 5xx; statuses, headers and media types that are described; answers that match their schema."""
    (tmp_path / "schemathesis.toml").write_text(EXCEPTION)
    with running(open_app) as address:
        words = ["--config-file", str(tmp_path / "schemathesis.toml"), "run", f"{address}/openapi.json"]
        words += ["--header", f"Authorization: Bearer {WRITE_KEY}", "--seed", "1", "--max-examples", "15"]
        words += ["--no-color", "--generation-database", "none"]
        done = subprocess.run(
            [sys.executable, "-m", "schemathesis.cli", *words],
            capture_output=True,
            text=True,
            check=False,
            cwd=tmp_path,
        )
    assert done.returncode == 0, done.stdout[-6_000:] + done.stderr[-2_000:]
    assert re.search(r"\d{3,} generated", done.stdout), done.stdout[-2_000:]


TEXTS = (
    st.text(max_size=80)
    | st.text(alphabet=st.characters(codec="utf-8"), max_size=80)
    | st.sampled_from(
        ["\0", "\ud800", "\u200f\u202e", "\u1100\u1161", "🙂" * 50, "가" * 5_000, " ", "\u3000", "\ufeff", "\x1c"]
    )
)


@given(first=TEXTS, second=TEXTS)
@CALM
def test_any_two_texts_have_a_score_or_are_refused_clearly(client, first, second):
    data = json.dumps({"sentence1": first, "sentence2": second})
    answer = client.post("/v1/similarity", data=data, content_type="application/json")
    if answer.status_code == 200:
        assert 0 <= answer.json["score"] <= 5
        assert answer.json["sentence1"] == first
    else:
        assert answer.status_code == 422
        assert {error["pointer"] for error in answer.json["errors"]} <= {"/sentence1", "/sentence2"}


@given(data=st.binary(max_size=300) | st.text(max_size=100).map(lambda text: text.encode("utf-8", "replace")))
@CALM
def test_any_body_is_answered_with_a_4xx(client, data):
    answer = client.post("/v1/similarity", data=data, content_type="application/json")
    assert 400 <= answer.status_code < 500
