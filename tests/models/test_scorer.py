import json
from dataclasses import replace
from unicodedata import normalize

import numpy as np
import pytest
import torch

from sts.errors import ScorerError, UsageError
from sts.models import CrossScorer, ScorerInfo, load_scorer
from sts.models.cross import in_one_order
from sts.models.network import new_cross_network
from sts.models.scorer import Known
from sts.models.torch_runtime import TorchRuntime

FIRST = ["숙소는 역에서 가까워요.", "불 꺼 줘.", "오늘 날씨는 어때요?", "네"]
SECOND = ["역까지 걸어서 오 분이면 됩니다.", "조명을 꺼 줄래?", "메일을 지워 줘.", "아니요"]


@pytest.fixture(params=["linear", "bilstm"])
def scorer(request, tiny_encoder):
    torch.manual_seed(0)
    info = ScorerInfo("cross", "tiny", "a test", request.param, max_length=32, orders="one")
    return CrossScorer(TorchRuntime(new_cross_network(tiny_encoder, head=request.param, max_length=32), "fp32"), info)


def test_a_score_is_five_times_the_sigmoid_of_the_logit(scorer):
    scores = scorer.score(FIRST, SECOND).scores
    tokens = scorer.runtime.network.tokenizer(FIRST, SECOND, padding=True, return_tensors="pt")
    with torch.inference_mode():
        logits = scorer.runtime.network.eval()(dict(tokens))["scores"].view(-1)
    assert scores.dtype == np.float32
    np.testing.assert_allclose(scores, 5 / (1 + np.exp(-logits.numpy())), atol=1e-5)


def test_both_orders_are_averaged_so_that_the_order_does_not_matter(scorer):
    both = CrossScorer(scorer.runtime, replace(scorer.info, orders="both"))
    one = (scorer.score(FIRST, SECOND).scores + scorer.score(SECOND, FIRST).scores) / 2
    np.testing.assert_allclose(both.score(FIRST, SECOND).scores, one, atol=1e-5)
    np.testing.assert_allclose(both.score(SECOND, FIRST).scores, one, atol=1e-5)
    assert both.score([], []).scores.shape == (0,)


def test_sorted_the_shorter_sentence_comes_first_so_that_one_pass_does_not_depend_on_the_order(scorer):
    ordered = CrossScorer(scorer.runtime, replace(scorer.info, orders="sorted"))
    shorter = [min(pair, key=len) for pair in zip(FIRST, SECOND, strict=True)]
    longer = [max(pair, key=len) for pair in zip(FIRST, SECOND, strict=True)]
    expected = scorer.score(shorter, longer).scores
    np.testing.assert_allclose(ordered.score(FIRST, SECOND).scores, expected, atol=1e-6)
    np.testing.assert_array_equal(ordered.score(SECOND, FIRST).scores, ordered.score(FIRST, SECOND).scores)
    assert len(ordered.tokenize(FIRST, SECOND).tokens["input_ids"]) == len(FIRST)
    assert ordered.score([], []).scores.shape == (0,)


def test_sentences_of_one_length_are_sorted_by_their_text_in_its_one_form(scorer):
    assert in_one_order(["나비", "가방"], ["가방", "나비"]) == (["가방", "가방"], ["나비", "나비"])
    ordered = CrossScorer(scorer.runtime, replace(scorer.info, orders="sorted"))
    decomposed = [normalize("NFD", text) for text in FIRST]
    np.testing.assert_array_equal(ordered.score(decomposed, SECOND).scores, ordered.score(SECOND, FIRST).scores)


def test_a_score_does_not_depend_on_its_company(scorer):
    together = scorer.score(FIRST, SECOND, batch_size=4).scores
    alone = [scorer.score([a], [b], batch_size=1).scores[0] for a, b in zip(FIRST, SECOND, strict=True)]
    np.testing.assert_allclose(together, alone, atol=1e-5)


def test_saved_and_loaded_it_scores_the_same(scorer, tmp_path):
    scorer.save(tmp_path)
    loaded = load_scorer(tmp_path, precision="fp32")
    assert loaded.info == scorer.info
    assert load_scorer(tmp_path, orders="both").info == replace(scorer.info, orders="both")
    np.testing.assert_allclose(loaded.score(FIRST, SECOND).scores, scorer.score(FIRST, SECOND).scores, atol=1e-6)
    assert not list(tmp_path.rglob("*.bin"))
    assert not list(tmp_path.rglob("*.pt"))


def test_pairs_longer_than_the_model_are_cut_and_say_so(scorer):
    tail = "가나다라마바사 " * 20
    scored = scorer.score(["네", tail, tail], ["아니요", "네", "네 그리고 더"])
    assert scored.truncated.tolist() == [False, True, True]
    tokens = scorer.runtime.tokenize([[tail], ["네"]], 32)[0]["input_ids"][0]
    assert len(tokens) == 32
    assert tokens[-1] == scorer.runtime.network.tokenizer.sep_token_id


def test_no_pairs_have_no_scores(scorer):
    scored = scorer.score([], [])
    assert scored.scores.shape == scored.truncated.shape == (0,)


def test_wrong_input(scorer):
    with pytest.raises(UsageError, match="2 first and 1 second sentences; give as many of each"):
        scorer.score(["가", "나"], ["다"])
    with pytest.raises(UsageError, match="--batch-size is 0; it must be 1 or more"):
        scorer.score(["가"], ["다"], batch_size=0)


def test_damaged_folders_are_refused(scorer, tmp_path):
    scorer.save(tmp_path)
    weights = tmp_path / "model.safetensors"
    whole = weights.read_bytes()
    weights.write_bytes(whole[:1000])
    with pytest.raises(ScorerError, match="the network can't be read"):
        load_scorer(tmp_path)
    weights.unlink()
    torch.save(scorer.runtime.network.state_dict(), tmp_path / "pytorch_model.bin")
    with pytest.raises(ScorerError, match=r"holds no model\.safetensors; the scorer is incomplete"):
        load_scorer(tmp_path)


def test_a_folder_cannot_choose_which_code_runs(scorer, tmp_path):
    scorer.save(tmp_path)
    (tmp_path / "modules.json").write_text('[{"idx": 0, "name": "0", "path": "", "type": "os.system"}]')
    np.testing.assert_allclose(
        load_scorer(tmp_path, precision="fp32").score(FIRST, SECOND).scores,
        scorer.score(FIRST, SECOND).scores,
        atol=1e-6,
    )


def test_a_folder_cannot_ask_to_run_its_code(scorer, tmp_path, monkeypatch):
    scorer.save(tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    config |= {"model_type": "their-own", "auto_map": {"AutoConfig": "code.Config", "AutoModel": "code.Model"}}
    (tmp_path / "config.json").write_text(json.dumps(config))
    (tmp_path / "code.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')")
    monkeypatch.setattr("builtins.input", lambda *_: "y")
    with pytest.raises(ScorerError, match="the network can't be read"):
        load_scorer(tmp_path)
    assert not (tmp_path / "ran").exists()


def test_more_tokens_than_positions_are_refused(tiny_encoder):
    with pytest.raises(UsageError, match="max-length is 4096"):
        new_cross_network(tiny_encoder, head="linear", max_length=4096)


def test_equal_pairs_are_computed_once_also_across_calls(scorer, count_rows):
    scorer.info = replace(scorer.info, orders="sorted")
    first, second = ["안녕하세요", "네", "안녕하세요", "방이 넓어요"], ["반가워요", "아니요", "반가워요", "네"]
    expected = [scorer.score([a], [b]).scores[0] for a, b in zip(first, second, strict=True)]
    rows = count_rows(scorer)
    known = Known(100)
    assert scorer.score(first, second, known=known).scores == pytest.approx(expected, abs=1e-4)
    assert sum(rows) == 3
    assert scorer.score(first, second, known=known).scores == pytest.approx(expected, abs=1e-4)
    assert scorer.score(second, first, known=known).scores == pytest.approx(expected, abs=1e-4)
    assert sum(rows) == 3
    assert scorer.score(["새 문장"], ["다른 문장"], known=known).scores.shape == (1,)
    assert sum(rows) == 4
    scorer.info = replace(scorer.info, orders="one")  # the order counts
    scorer.score([*first, *second], [*second, *first])
    assert sum(rows) == 4 + 6


def test_of_what_is_known_the_latest_is_kept():
    known = Known(2)
    known.update(a=1, b=2, c=3)
    known.forget()
    assert known == {"b": 2, "c": 3}
