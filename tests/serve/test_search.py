import threading

import pytest

from sts.models import load_scorer
from sts.search import SentenceIndex
from sts.search.change import changing
from sts.search.store import Store

from .conftest import SENTENCES, WRITE_KEY

KEY = {"Authorization": f"Bearer {WRITE_KEY}"}


def search(client, **body):
    return client.post("/v1/search", json={"sentence": "숙소는 깨끗해요.", **body})


def found(client, **body):
    return [hit["id"] for hit in search(client, **body).json["results"]]


def test_hits_are_those_of_the_index(client, index_folder, bi_folder):
    with SentenceIndex.open(index_folder, load_scorer(bi_folder, precision="fp32")) as index:
        expected = index.search(["숙소는 깨끗해요."], 4)[0]
    answer = search(client, top_k=4).json
    assert [hit["id"] for hit in answer["results"]] == [hit.id for hit in expected]
    assert answer["results"][0]["id"] == "a"
    assert answer["results"][0]["metadata"] == {"source": "airbnb", "stars": "5"}
    assert answer["results"][0]["score"] == pytest.approx(expected[0].score, abs=1e-3)
    assert answer["model"] == "bi"
    assert answer["reranked"] is False
    scores = [hit["score"] for hit in answer["results"]]
    assert scores == sorted(scores, reverse=True)


def test_metadata_filters(client):
    assert sorted(found(client, where={"source": "assistant"})) == ["c", "d", "e", "f"]
    assert sorted(found(client, where={"source": "assistant", "stars": "1"})) == ["e", "f"]
    assert found(client, where={"source": "nowhere"}) == []
    refused = search(client, where={'a"b': "c"})
    assert refused.status_code == 422


def test_reranking_orders_by_the_cross_encoders_scores(client, cross_folder):
    answer = search(client, rerank=True, top_k=6).json
    texts = [hit["sentence"] for hit in answer["results"]]
    scores = load_scorer(cross_folder, precision="fp32").score(["숙소는 깨끗해요."] * 6, texts).scores
    assert [hit["score"] for hit in answer["results"]] == pytest.approx(scores.tolist(), abs=1e-3)
    assert sorted(scores, reverse=True) == pytest.approx(scores.tolist(), abs=1e-4)
    assert answer["model"] == "cross"
    assert answer["reranked"] is True


def test_numbers_out_of_range(client):
    assert search(client, top_k=0).status_code == 422
    assert search(client, top_k=1001).status_code == 422
    assert search(client, top_k=10, candidates=1, rerank=True).status_code == 200


def test_changing_is_off_unless_enabled(client):
    for answer in (
        client.put("/v1/sentences/x", json={"sentence": "가"}),
        client.delete("/v1/sentences/a"),
        client.post("/v1/sentences", json={"sentences": [{"sentence": "가"}]}),
    ):
        assert answer.status_code == 403
        assert answer.json["type"] == "urn:sts:problem:read-only"


def test_changing_needs_a_write_key(writable):
    assert writable.put("/v1/sentences/x", json={"sentence": "가"}).status_code == 401
    wrong = writable.put("/v1/sentences/x", json={"sentence": "가"}, headers={"Authorization": "Bearer " + "x" * 20})
    assert wrong.status_code == 401
    assert wrong.headers["WWW-Authenticate"].startswith("Bearer")
    assert found(writable, top_k=10).count("x") == 0


def test_a_sentence_is_put_found_replaced_and_deleted(writable):
    body = {"sentence": "숙소는 깨끗해요!", "metadata": {"source": "new", "stars": 7, "good": True, "note": None}}
    created = writable.put("/v1/sentences/x", json=body, headers=KEY)
    assert (created.status_code, created.json) == (201, {"ids": ["x"], "replaced": 0, "sentences": 7})
    hits = search(writable, where={"source": "new"}).json["results"]
    assert [(hit["id"], hit["metadata"]) for hit in hits] == [("x", body["metadata"])]
    assert found(writable, where={"stars": 7}) == ["x"]
    assert found(writable, where={"good": True}) == ["x"]
    assert found(writable, where={"note": None}) == ["x"]
    replaced = writable.put("/v1/sentences/x", json={"sentence": "불 좀 꺼 줘."}, headers=KEY)
    assert (replaced.status_code, replaced.json["replaced"], replaced.json["sentences"]) == (200, 1, 7)
    assert writable.delete("/v1/sentences/x", headers=KEY).status_code == 204
    gone = writable.delete("/v1/sentences/x", headers=KEY)
    assert gone.status_code == 404
    assert gone.json["type"] == "urn:sts:problem:no-sentence"
    assert sorted(found(writable, top_k=10)) == sorted(row[0] for row in SENTENCES)


def test_many_sentences_are_added_with_ids_of_their_own_or_made_ones(writable):
    sentences = [{"sentence": "하나", "id": "one"}, {"sentence": "둘"}, {"sentence": "셋", "metadata": {"id": "3"}}]
    answer = writable.post("/v1/sentences", json={"sentences": sentences}, headers=KEY)
    assert answer.status_code == 201
    assert answer.json["ids"][0] == "one"
    assert len(set(answer.json["ids"])) == 3
    assert answer.json["sentences"] == 9
    assert set(answer.json["ids"]) <= set(found(writable, top_k=20))


def test_all_of_a_bad_request_is_refused(writable):
    sentences = [{"sentence": "하나"}, {"sentence": " "}]
    answer = writable.post("/v1/sentences", json={"sentences": sentences}, headers=KEY)
    assert answer.status_code == 422
    assert answer.json["errors"][0]["pointer"] == "/sentences/1/sentence"
    assert len(found(writable, top_k=20)) == 6


def test_another_writer_is_waited_for_and_then_told(writable, app, monkeypatch):
    monkeypatch.setattr("sts.search.change.WRITER_WAIT", 0.1)
    folder = writable.application.extensions["sts"].settings.index
    store, entered, leave = Store(folder), threading.Event(), threading.Event()

    def hold():
        with changing(store):
            entered.set()
            leave.wait(20)

    thread = threading.Thread(target=hold)
    thread.start()
    entered.wait(20)
    answer = writable.put("/v1/sentences/x", json={"sentence": "가"}, headers=KEY)
    assert answer.status_code == 503
    assert answer.json["type"] == "urn:sts:problem:index-busy"
    assert "Retry-After" in answer.headers
    assert search(writable).status_code == 200
    leave.set()
    thread.join()
    store.close()
    assert writable.put("/v1/sentences/x", json={"sentence": "가"}, headers=KEY).status_code == 201


def test_what_is_loaded(client, index_folder):
    answer = client.get("/v1/models").json
    cards = {card["id"]: card for card in answer["data"]}
    assert cards["cross"]["role"] == ["scorer"]
    assert cards["bi"]["role"] == ["encoder"]
    assert cards["bi"]["dimensions"] == [32, 16]
    assert cards["cross"]["threshold"] == 3.0
    assert cards["cross"]["text_pipeline"] == {"name": "none", "steps": []}
    assert answer["index"] == {"sentences": 6, "kind": "flat", "dimension": 32, "recall": 1.0, "writable": False}
