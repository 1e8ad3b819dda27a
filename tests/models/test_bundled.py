"""The scorers that come with the package, and what is used where none is named."""

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from sts.bundled import ASSETS, BUNDLED_BI, BUNDLED_CROSS, scorer_folder, scorer_name
from sts.cli import run
from sts.evaluate.command import evaluate
from sts.models import load_scorer
from sts.models.info import read_info
from sts.models.info_command import info
from sts.score import score
from sts.search import SentenceIndex
from sts.search.command import build, query
from sts.search.index import read_state
from sts.serve.app import make_app
from sts.serve.settings import ServeSettings

SAME = ("방이 정말 깨끗했어요.", "객실이 매우 청결했습니다.")
OTHER = ("방이 정말 깨끗했어요.", "내일 아침 일곱 시에 알람을 맞춰 줘.")
SENTENCES = [
    "객실이 매우 청결했습니다.",
    "내일 서울에 비가 오나요?",
    "정부가 새 주택 정책을 발표했다.",
    "거실 불을 꺼 줘.",
]


@pytest.mark.parametrize("folder", [BUNDLED_CROSS, BUNDLED_BI], ids=["cross", "bi"])
def test_each_has_a_card_that_says_where_it_comes_from(folder):
    card = (folder / "README.md").read_text(encoding="utf-8")
    described = read_info(folder)
    pearson = described.metrics["hard"]["pearson"]
    for needed in (
        "CC BY-SA 4.0", "KLUE-STS", "KorSTS", described.base_model, "python -m sts.train", "python -m sts.export",
        "Known failures", "Limits", "{value:.3f} ({low:.3f}–{high:.3f})".format(**pearson),
    ):  # fmt: skip
        assert needed in card, needed
    text = (folder / "sts.json").read_text(encoding="utf-8")
    assert not re.search(r'"[^"]*/(home|root|work|tmp|usr)/', text)  # no machine's paths
    assert described.onnx["precision"] == "int8"
    assert described.onnx["difference"]["largest"] <= 0.15
    assert described.onnx["difference"]["mean"] <= 0.03
    assert described.onnx["difference"]["pearson_after"] > described.onnx["difference"]["pearson_before"] - 0.003


@pytest.mark.parametrize(("folder", "orders"), [(BUNDLED_CROSS, "both"), (BUNDLED_BI, None)], ids=["cross", "bi"])
def test_their_scores_are_near_those_of_the_torch_models_they_were_made_from(folder, orders, pairs):
    # the torch models' own scores in fp32 of the same 500 pairs, in both orders
    originals = json.loads((Path(__file__).parent / "originals.json").read_text())[folder.name]
    assert len(originals) == len(pairs[0]) == 500
    difference = np.abs(load_scorer(folder, orders=orders).score(*pairs).scores - originals)
    assert difference.max() <= 0.15
    assert difference.mean() <= 0.03


def test_together_they_are_small():
    assert sum(path.stat().st_size for path in ASSETS.rglob("*")) <= 48e6


@pytest.mark.parametrize("folder", [BUNDLED_CROSS, BUNDLED_BI], ids=["cross", "bi"])
def test_their_scores_tell_same_from_other_in_either_order(folder):
    scorer = load_scorer(folder)
    first, second = [SAME[0], OTHER[0]], ["방이 아주 깨끗하고 좋았어요.", OTHER[1]]
    scores = scorer.score(first, second).scores
    assert scores[0] > 3.0
    assert scores[1] < 1.0
    np.testing.assert_allclose(scorer.score(second, first).scores, scores, atol=0.05)


def test_score_needs_no_model_no_torch_and_little_memory(tmp_path):
    code = (
        "import sys; from sts.cli import run; from sts.score import score; "
        f"assert run(score, 'score', {list(SAME)!r}) == 0; "
        "print(sorted({'torch', 'transformers', 'sentence_transformers', 'datasets'} & set(sys.modules))); "
        "print(next(line for line in open('/proc/self/status') if line.startswith('VmHWM')).split()[1])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path)
    verdict, modules, kilobytes = done.stdout.splitlines()
    assert verdict.endswith("similar (threshold 3)")
    assert modules == "[]"
    assert int(kilobytes) < 400_000


def test_a_file_is_scored_without_a_model(tmp_path, capsys):
    path = tmp_path / "pairs.tsv"
    path.write_text("sentence1\tsentence2\n" + "\n".join("\t".join(pair) for pair in (SAME, OTHER)), encoding="utf-8")
    assert run(score, "score", ["--input", str(path), "--json"]) == 0
    out = capsys.readouterr()
    assert [json.loads(line)["similar"] for line in out.out.splitlines()] == [True, False]
    assert "albert-kor (cross-encoder)" in out.err


def test_evaluate_measures_the_bundled_one_or_compares_it_by_name(capsys):
    assert run(evaluate, "evaluate", ["--data", "sample-test", "--bootstrap", "0", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["metrics"]["rows"] == 100
    assert found["cost"]["megabytes"] == pytest.approx(16, abs=1)
    words = ["--compare", "bundled-cross", "bundled-bi", "--data", "sample-test", "--bootstrap", "50", "--json"]
    assert run(evaluate, "evaluate", words) == 0
    compared = json.loads(capsys.readouterr().out)
    assert compared["comparison"]["a"]["pearson"]["value"] == pytest.approx(
        found["metrics"]["pearson"]["value"], abs=1e-3
    )


def test_an_index_remembers_the_bundled_one_by_name(tmp_path, capsys):
    (tmp_path / "sentences.txt").write_text("\n".join(SENTENCES), encoding="utf-8")
    place = ["--index", str(tmp_path / "index")]
    assert run(build, "search build", ["--sentences", str(tmp_path / "sentences.txt"), *place]) == 0
    assert read_state(tmp_path / "index").model == "bundled-bi"  # which is found wherever the package lies
    capsys.readouterr()
    words = [SAME[0], *place, "--top-k", "2", "--rerank", "bundled-cross", "--candidates", "4", "--json"]
    assert run(query, "search query", words) == 0
    hits = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert hits[0]["sentence"] == SENTENCES[0]
    assert hits[0]["score"] == pytest.approx(float(load_scorer(BUNDLED_CROSS).score(*zip(SAME)).scores[0]), abs=0.05)
    with SentenceIndex.open(tmp_path / "index") as index:
        assert index.search([SENTENCES[3]], top_k=1)[0][0].sentence == SENTENCES[3]


def test_a_server_without_a_model_scores_and_makes_vectors():
    assert ServeSettings(port=0).problems() == []
    app = make_app(ServeSettings(port=0).completed())
    app.extensions["sts"].load()
    client = app.test_client()
    answer = client.post("/v1/similarity", json={"sentence1": SAME[0], "sentence2": SAME[1]})
    assert answer.status_code == 200
    assert answer.json["similar"]
    vectors = client.post("/v1/embeddings", json={"model": "bi", "input": list(SAME)})
    assert [len(row["embedding"]) for row in vectors.json["data"]] == [384, 384]


def test_info_describes_the_bundled_ones(capsys):
    assert run(info, "models info", ["--json"]) == 0
    cross = json.loads(capsys.readouterr().out)
    assert (cross["mode"], cross["backend"], cross["precision"]) == ("cross", "onnx", "int8")
    assert cross["megabytes"] == pytest.approx(16, abs=1)
    assert run(info, "models info", ["bundled-bi"]) == 0
    assert "e5-small" in capsys.readouterr().out


def test_a_command_takes_their_names_for_folders(capsys):
    assert run(score, "score", ["--model", "bundled-bi", *OTHER, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["score"] < 1.0


def test_names_stand_for_folders_and_back(tmp_path):
    assert scorer_folder("bundled-bi") == BUNDLED_BI
    assert scorer_folder(tmp_path) == tmp_path
    assert scorer_name(BUNDLED_CROSS) == "bundled-cross"
    assert scorer_name(tmp_path) == str(tmp_path)
