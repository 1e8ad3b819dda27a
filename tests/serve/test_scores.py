import itertools
import json

import numpy as np
import pytest

from sts.models import load_scorer

PAIRS = [
    ("숙소는 깨끗해요.", "방이 깔끔합니다."),
    ("불 꺼 줘.", "메일을 지워 줘."),
    ("네", "아니요"),
    ("가 나", "abc 12"),
]


@pytest.fixture(scope="module")
def offline(cross_folder):
    return load_scorer(cross_folder, precision="fp32")


def post(client, route, body):
    return client.post(f"/v1/{route}", json=body)


def test_a_score_is_the_offline_score(client, offline):
    for one, two in PAIRS:
        answer = post(client, "similarity", {"sentence1": one, "sentence2": two})
        assert answer.status_code == 200
        expected = offline.score([one], [two])
        found = answer.json
        assert found.pop("score") == pytest.approx(float(expected.scores[0]), abs=2e-4)
        assert found.pop("similar") == bool(expected.scores[0] >= 3)
        assert found == {
            "sentence1": one,
            "sentence2": two,
            "truncated": False,
            "tokens": len(offline.runtime.network.tokenizer(one, two)["input_ids"]),
            "unknown": 0.0,
            "threshold": 3.0,
            "model": "cross",
            "model_version": offline.fingerprint[:12],
        }


def test_answers_are_json_with_korean_readable(client):
    answer = post(client, "similarity", {"sentence1": "숙소", "sentence2": "방"})
    assert answer.content_type == "application/json"
    assert "숙소" in answer.get_data(as_text=True)


def test_a_batch_answers_in_order_and_scores_a_repeated_pair_once(client, offline):
    pairs = [{"sentence1": a, "sentence2": b} for a, b in PAIRS * 3]
    answer = post(client, "similarity/batch", {"pairs": pairs})
    expected = offline.score(*zip(*(PAIRS * 3), strict=True)).scores
    assert [(row["sentence1"], row["sentence2"]) for row in answer.json["results"]] == PAIRS * 3
    np.testing.assert_allclose([row["score"] for row in answer.json["results"]], expected, atol=2e-4)
    assert answer.json["threshold"] == 3.0


def test_a_batch_of_a_thousand(client):
    pairs = [{"sentence1": f"숙소 {number}", "sentence2": "방"} for number in range(1000)]
    answer = post(client, "similarity/batch", {"pairs": pairs})
    assert [row["sentence1"] for row in answer.json["results"]] == [pair["sentence1"] for pair in pairs]
    assert post(client, "similarity/batch", {"pairs": [*pairs, pairs[0]]}).status_code == 422


def test_ranking_puts_the_best_first_and_keeps_ties_in_order(client, offline):
    candidates = ["메일을 지워 줘.", "방이 깔끔합니다.", "숙소는 깨끗해요.", "방이 깔끔합니다."]
    answer = post(client, "rank", {"sentence": "숙소는 깨끗해요.", "candidates": candidates})
    scores = offline.score(["숙소는 깨끗해요."] * 4, candidates).scores
    expected = sorted(range(4), key=lambda place: (-round(float(scores[place]), 4), place))
    assert [row["index"] for row in answer.json["results"]] == expected
    assert [row["sentence"] for row in answer.json["results"]] == [candidates[place] for place in expected]
    best = post(client, "rank", {"sentence": "숙소는 깨끗해요.", "candidates": candidates, "top_k": 1})
    assert best.json["results"] == answer.json["results"][:1]


def test_a_score_does_not_depend_on_its_company(client, offline):
    """In fp32, to the sixth digit of the score; the answer is rounded to the fourth."""
    long = ("가나다라마바사 " * 4, "아자차카타파하 " * 4)
    alone = [offline.score([a], [b]).scores[0] for a, b in [*PAIRS, long]]
    together = offline.score(*zip(*[*PAIRS, long], strict=True)).scores
    np.testing.assert_allclose(together, alone, atol=1e-5)
    pairs = [{"sentence1": a, "sentence2": b} for a, b in [*PAIRS, long]]
    answer = post(client, "similarity/batch", {"pairs": pairs})
    np.testing.assert_allclose([row["score"] for row in answer.json["results"]], alone, atol=1e-4)


def test_in_bf16_a_score_moves_with_its_company_by_the_stated_tolerance_at_most(cross_folder):
    scorer = load_scorer(cross_folder, precision="bf16")
    pairs = [(a, b) for a, b in itertools.product([text for pair in PAIRS for text in pair], repeat=2)]
    together = scorer.score(*zip(*pairs, strict=True)).scores
    alone = np.array([scorer.score([a], [b]).scores[0] for a, b in pairs])
    assert np.abs(together - alone).max() <= 0.05


def test_what_is_longer_than_the_model_is_cut_or_refused(client):
    long = "가나다라 " * 30
    body = {"sentence1": long, "sentence2": "네"}
    answer = post(client, "similarity", body)
    assert answer.json["truncated"] is True
    assert answer.json["tokens"] > 32
    refused = post(client, "similarity", body | {"truncate": False})
    assert refused.status_code == 422
    assert refused.json["type"] == "urn:sts:problem:too-long"
    assert refused.json["errors"][0]["rule"] == "at most 32 tokens"
    assert long not in refused.get_data(as_text=True)
    pairs = [{"sentence1": "네", "sentence2": "네"}, body]
    batch = post(client, "similarity/batch", {"pairs": pairs, "truncate": False})
    assert [error["pointer"] for error in batch.json["errors"]] == ["/pairs/1"]
    ranked = post(client, "rank", {"sentence": "네", "candidates": ["네", long, long], "truncate": False})
    assert [error["pointer"] for error in ranked.json["errors"]] == ["/candidates/1", "/candidates/2"]
    assert post(client, "similarity", {"sentence1": "네", "sentence2": "예", "truncate": False}).status_code == 200


@pytest.mark.parametrize(
    "text",
    [
        "\0",
        "🙂👍🏽",
        "\u200f\u202e가",
        "a" * 10_000,
        "\ufeff가",
        "ㅋㅋㅋ",
        "안녕하세요",
        "日本語 English ру́сский",
        "\u200b",
    ],
)
def test_odd_texts_have_a_score(client, text):
    answer = post(client, "similarity", {"sentence1": text, "sentence2": "네"})
    assert answer.status_code == 200, answer.json
    assert 0 <= answer.json["score"] <= 5
    assert answer.json["sentence1"] == text


def test_words_are_aligned(client):
    answer = post(client, "alignment", {"sentence1": "방이  깨끗해요.", "sentence2": "🙂 방이 깨끗해요."})
    assert answer.json["words1"] == [{"start": 0, "end": 2}, {"start": 4, "end": 9}]
    assert answer.json["words2"] == [{"start": 0, "end": 1}, {"start": 2, "end": 4}, {"start": 5, "end": 10}]
    links = {(link["word1"], link["word2"]) for link in answer.json["links"]}
    assert links == {(0, 1), (1, 2)}
    assert all(link["similarity"] > 0.5 for link in answer.json["links"])


def test_what_is_cut_away_is_not_aligned(client):
    answer = post(client, "alignment", {"sentence1": "가 " * 60, "sentence2": "가"})
    assert answer.status_code == 200
    assert len(answer.json["words1"]) == 60
    assert all(link["word1"] < 32 for link in answer.json["links"])


def test_an_answer_is_remembered(client, app, monkeypatch):
    body = {"sentence1": "기억할 문장", "sentence2": "다른 문장"}
    first = post(client, "similarity", body).json
    scorer = app.extensions["sts"].models.scorer

    def never(items):
        raise AssertionError("computed again")

    monkeypatch.setattr(scorer, "compute", never)
    assert post(client, "similarity", body).json == first
    # both orders are averaged, so the other order is the same pair
    turned = post(client, "similarity", {"sentence1": body["sentence2"], "sentence2": body["sentence1"]})
    assert turned.json["score"] == first["score"]
    assert json.loads(turned.data)["sentence1"] == body["sentence2"]
