import json

import numpy as np
import pytest
import torch

from sts.errors import ScorerError, UsageError
from sts.models import BiScorer, ScorerInfo, load_scorer
from sts.models.network import new_bi_network
from sts.models.scorer import Known
from sts.models.torch_runtime import TorchRuntime

FIRST = ["숙소는 역에서 가까워요.", "불 꺼 줘.", "오늘 날씨는 어때요?", "네"]
SECOND = ["역까지 걸어서 오 분이면 됩니다.", "조명을 꺼 줄래?", "메일을 지워 줘.", "아니요"]
CURVES = {"32": {"rise": 2.0, "fall": 0.5, "shift": 0.5}, "8": {"rise": 4.0, "fall": 1.0, "shift": -1.0}}


def make(tiny_encoder, *, pooling="mean", prompt="query: ", dimension=None, max_length=32):
    info = ScorerInfo(
        "bi", "tiny", "a test", None, max_length, orders=None, pooling=pooling, prompt=prompt, calibration=CURVES
    )
    network = new_bi_network(tiny_encoder, pooling=pooling, prompt=prompt, max_length=max_length)
    return BiScorer(TorchRuntime(network, "fp32"), info, dimension=dimension)


@pytest.fixture(params=["mean", "cls"])
def scorer(request, tiny_encoder):
    return make(tiny_encoder, pooling=request.param)


def test_a_vector_is_the_pooled_token_states_of_the_prompt_and_the_sentence(scorer):
    vectors = scorer.encode(FIRST).vectors
    network = scorer.runtime.network.eval()
    tokens = network.tokenizer([f"query: {text}" for text in FIRST], padding=True, return_tensors="pt")
    with torch.inference_mode():
        states = network[0].model(**tokens).last_hidden_state
    mask = tokens["attention_mask"].unsqueeze(-1)
    pooled = (states * mask).sum(1) / mask.sum(1) if scorer.info.pooling == "mean" else states[:, 0]
    expected = pooled.numpy() / np.linalg.norm(pooled.numpy(), axis=1, keepdims=True)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(vectors, expected, atol=1e-5)


def test_a_score_is_the_calibrated_cosine_and_does_not_depend_on_order_or_company(scorer):
    a, b = scorer.encode(FIRST).vectors, scorer.encode(SECOND).vectors
    share = (1 + (a * b).sum(axis=1, dtype=np.float64)) / 2
    expected = 5 / (1 + np.exp(-(2.0 * np.log(share) - 0.5 * np.log(1 - share) + 0.5)))
    scored = scorer.score(FIRST, SECOND)
    np.testing.assert_allclose(scored.scores, expected, atol=1e-4)
    assert np.array_equal(scored.scores, scorer.score(SECOND, FIRST).scores)
    alone = [scorer.score([x], [y], batch_size=1).scores[0] for x, y in zip(FIRST, SECOND, strict=True)]
    np.testing.assert_allclose(scored.scores, alone, atol=1e-4)
    assert scorer.score(["네"], ["네"]).scores[0] > 4.99


def test_cut_vectors_have_their_own_length_and_curve(tiny_encoder):
    whole, cut = make(tiny_encoder).encode(FIRST).vectors, make(tiny_encoder, dimension=8)
    vectors = cut.encode(FIRST).vectors
    expected = whole[:, :8] / np.linalg.norm(whole[:, :8], axis=1, keepdims=True)
    np.testing.assert_allclose(vectors, expected, atol=1e-6)
    share = (1 + float(vectors[0] @ vectors[3])) / 2
    expected = 5 / (1 + np.exp(-(4 * np.log(share) - np.log(1 - share) - 1)))
    assert cut.score(FIRST[:1], FIRST[3:]).scores[0] == pytest.approx(expected, abs=1e-4)
    with pytest.raises(UsageError, match="--dimension is 7; this model was trained for 32, 8"):
        make(tiny_encoder, dimension=7)


def test_saved_and_loaded_it_scores_the_same_in_sentence_transformers_too(scorer, tmp_path):
    from sentence_transformers import SentenceTransformer

    scorer.save(tmp_path)
    loaded = load_scorer(tmp_path, precision="fp32")
    assert isinstance(loaded, BiScorer)
    assert loaded.info == scorer.info
    np.testing.assert_allclose(loaded.score(FIRST, SECOND).scores, scorer.score(FIRST, SECOND).scores, atol=1e-6)
    plain = SentenceTransformer(str(tmp_path), device="cpu").encode(FIRST)
    np.testing.assert_allclose(plain, scorer.encode(FIRST).vectors, atol=1e-5)
    assert not [path for path in tmp_path.rglob("*") if path.suffix in (".bin", ".pt")]
    assert load_scorer(tmp_path, dimension=8).dimension == 8


def test_the_fingerprint_tells_weights_and_reading_apart_but_not_calibration(scorer, tiny_encoder, tmp_path):
    scorer.save(tmp_path)
    assert load_scorer(tmp_path, precision="fp32").fingerprint == scorer.fingerprint
    values = json.loads((tmp_path / "sts.json").read_text())
    (tmp_path / "sts.json").write_text(json.dumps(values | {"threshold": 2.5}))
    assert load_scorer(tmp_path).fingerprint == scorer.fingerprint
    (tmp_path / "sts.json").write_text(json.dumps(values | {"prompt": "passage: "}))
    assert load_scorer(tmp_path).fingerprint != scorer.fingerprint
    assert load_scorer(tmp_path, dimension=8).fingerprint != scorer.fingerprint
    with torch.no_grad():
        next(scorer.runtime.network.parameters())[0, 0] += 1
    changed = BiScorer(scorer.runtime, scorer.info)
    assert changed.fingerprint != scorer.fingerprint


def test_long_sentences_are_cut_and_say_so(tiny_encoder):
    scorer = make(tiny_encoder, max_length=16)
    encoded = scorer.encode(["네", "가나다라마바사 " * 20])
    assert encoded.truncated.tolist() == [False, True]
    np.testing.assert_allclose(np.linalg.norm(encoded.vectors, axis=1), 1, atol=1e-6)
    assert scorer.score(["네", "네"], ["네", "가나다라마바사 " * 20]).truncated.tolist() == [False, True]
    assert scorer.encode([]).vectors.shape == (0, 32)
    assert scorer.score([], []).scores.shape == (0,)


def test_options_of_the_other_mode_are_refused(scorer, tmp_path):
    scorer.save(tmp_path)
    with pytest.raises(UsageError, match=r"--orders one: .* is a bi-encoder, which knows no order"):
        load_scorer(tmp_path, orders="one")
    with pytest.raises(UsageError, match="2 first and 1 second sentences"):
        scorer.score(["가", "나"], ["다"])
    with pytest.raises(UsageError, match="--batch-size is 0"):
        scorer.encode(["가"], batch_size=0)


@pytest.mark.parametrize(
    ("field", "value", "allowed"),
    [
        ("mode", "poly", "'cross' or 'bi'"),
        ("head", "linear", "null in mode bi"),
        ("orders", "both", "null in mode bi"),
        ("pooling", "max", "'mean' or 'cls'"),
        ("prompt", 3, "text"),
        ("calibration", None, "a rise and a fall above 0"),
        ("calibration", {}, "a rise and a fall above 0"),
        ("calibration", {"32": {"rise": -1.0, "fall": 1.0, "shift": 0.0}}, "a rise and a fall above 0"),
        ("calibration", {"32": {"rise": 1.0}}, "a rise and a fall above 0"),
        ("calibration", {"all": {"rise": 1.0, "fall": 1.0, "shift": 0.0}}, "a rise and a fall above 0"),
    ],
)
def test_values_that_are_not_known_are_named(tiny_encoder, tmp_path, field, value, allowed):
    make(tiny_encoder).save(tmp_path)
    values = json.loads((tmp_path / "sts.json").read_text())
    (tmp_path / "sts.json").write_text(json.dumps(values | {field: value}))
    with pytest.raises(ScorerError, match=f"field '{field}' is .*{allowed}"):
        load_scorer(tmp_path)


def test_calibration_for_more_dimensions_than_the_network_has_is_refused(tiny_encoder, tmp_path):
    make(tiny_encoder).save(tmp_path)
    values = json.loads((tmp_path / "sts.json").read_text())
    curve = {"rise": 1.0, "fall": 1.0, "shift": 0.0}
    (tmp_path / "sts.json").write_text(json.dumps(values | {"calibration": {"64": curve}}))
    with pytest.raises(ScorerError, match="calibration is for 64 dimensions; the network's vectors have 32"):
        load_scorer(tmp_path)


def test_equal_sentences_are_encoded_once_also_across_calls(scorer, count_rows):
    first, second = ["안녕하세요", "네", "안녕하세요"], ["네", "방이 넓어요", "네"]
    expected = [scorer.score([a], [b]).scores[0] for a, b in zip(first, second, strict=True)]
    rows = count_rows(scorer)
    known = Known(100)
    for _ in range(2):
        assert scorer.score(first, second, known=known).scores == pytest.approx(expected, abs=1e-4)
        assert sum(rows) == 3
    assert scorer.score(["안녕하세요"], ["새 문장"], known=known).scores.shape == (1,)
    assert sum(rows) == 4
