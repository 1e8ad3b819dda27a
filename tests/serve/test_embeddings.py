import base64
from dataclasses import replace

import numpy as np
import openai
import pytest

from sts.models import load_scorer

from .conftest import loaded

TEXTS = ["숙소는 깨끗해요.", "불 꺼 줘.", "숙소는 깨끗해요."]


@pytest.fixture(scope="module")
def expected(bi_folder):
    return load_scorer(bi_folder, precision="fp32").encode(TEXTS).vectors


@pytest.fixture
def openai_client(server):
    with openai.OpenAI(base_url=f"{server}/v1", api_key="none-needed", max_retries=0) as client:
        yield client


def test_openais_client_gets_the_offline_vectors(openai_client, expected):
    answer = openai_client.embeddings.create(model="bi", input=TEXTS)
    np.testing.assert_allclose([each.embedding for each in answer.data], expected, atol=1e-6)
    assert [each.index for each in answer.data] == [0, 1, 2]
    assert answer.model == "bi"
    assert answer.usage.prompt_tokens == answer.usage.total_tokens > 10


def test_openais_client_asks_for_numbers_one_text_and_fewer_dimensions(openai_client, expected):
    answer = openai_client.embeddings.create(model="bi", input=TEXTS[0], encoding_format="float", dimensions=16)
    cut = expected[0][:16] / np.linalg.norm(expected[0][:16])
    np.testing.assert_allclose(answer.data[0].embedding, cut, atol=1e-6)


def test_openais_client_lists_the_models(openai_client):
    assert {model.id for model in openai_client.models.list()} == {"cross", "bi"}


def test_openais_client_raises_its_own_errors(openai_client):
    with pytest.raises(openai.NotFoundError, match="this server's encoder is 'bi'"):
        openai_client.embeddings.create(model="text-embedding-3-small", input="가")
    with pytest.raises(openai.UnprocessableEntityError, match="trained for 32, 16"):
        openai_client.embeddings.create(model="bi", input="가", dimensions=8)
    with pytest.raises(openai.UnprocessableEntityError, match="/input: Input should be a valid string"):
        openai_client.embeddings.create(model="bi", input=[1, 2, 3])


def test_base64_is_little_endian_float32(client, expected):
    body = {"model": "bi", "input": TEXTS[:1], "encoding_format": "base64"}
    text = client.post("/v1/embeddings", json=body).json["data"][0]["embedding"]
    np.testing.assert_allclose(np.frombuffer(base64.b64decode(text), "<f4"), expected[0], atol=1e-6)


def test_long_texts_are_cut_and_told_or_refused(client):
    body = {"model": "bi", "input": ["가", "가나다 " * 50]}
    assert client.post("/v1/embeddings", json=body).json["truncated"] == [False, True]
    refused = client.post("/v1/embeddings", json=body | {"truncate": False})
    assert refused.status_code == 422
    assert refused.json["errors"][0]["pointer"] == "/input/1"


def test_without_an_encoder_there_are_no_vectors(settings):
    client = loaded(replace(settings, index=None)).test_client()
    answer = client.post("/v1/embeddings", json={"model": "cross", "input": "가"})
    assert answer.status_code == 404
    assert answer.json["type"] == "urn:sts:problem:no-encoder"
