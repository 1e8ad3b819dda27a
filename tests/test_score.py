import csv
import io
import json
import subprocess
import sys
import tracemalloc

import numpy as np
import pytest
import torch

from sts.cli import run
from sts.models import CrossScorer, ScorerInfo, load_scorer
from sts.models.network import new_cross_network
from sts.models.torch_runtime import TorchRuntime
from sts.score import score

PAIRS = [("숙소는 깨끗해요.", "방이 깔끔합니다."), ("불 꺼 줘.", "메일을 지워 줘."), ("네", "아니요")]


@pytest.fixture(scope="session")
def model(tiny_encoder, tmp_path_factory):
    torch.manual_seed(1)
    folder = tmp_path_factory.mktemp("score")
    info = ScorerInfo("cross", "tiny", "a test", "linear", max_length=32, orders="one")
    CrossScorer(TorchRuntime(new_cross_network(tiny_encoder, head="linear", max_length=32), "fp32"), info).save(folder)
    return folder


@pytest.fixture
def expected(model):
    return load_scorer(model, precision="fp32").score(*zip(*PAIRS, strict=True)).scores


def call(model, *words):
    return run(score, "score", ["--model", str(model), "--precision", "fp32", *words])


def write_tsv(path, rows, header=True):
    lines = (["sentence1\tsentence2"] if header else []) + ["\t".join(row) for row in rows]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_two_sentences_print_score_verdict_and_threshold(model, expected, capsys):
    assert call(model, *PAIRS[0]) == 0
    verdict = "similar" if expected[0] >= 3 else "not similar"
    assert capsys.readouterr().out == f"{expected[0]:.2f}  {verdict} (threshold 3)\n"


def test_sorted_the_order_of_the_sentences_does_not_matter(model, tmp_path):
    asked = [write_tsv(tmp_path / f"{step}.tsv", [pair[::step] for pair in PAIRS]) for step in (1, -1)]
    for path in asked:
        words = ["--input", str(path), "--output", str(path.with_suffix(".jsonl")), "--orders", "sorted"]
        assert call(model, *words) == 0
    texts = [path.with_suffix(".jsonl").read_text(encoding="utf-8") for path in asked]
    read = [[json.loads(line) for line in text.splitlines()] for text in texts]
    assert [row["score"] for row in read[0]] == [row["score"] for row in read[1]]
    assert [row["sentence1"] for row in read[0]] == [row["sentence2"] for row in read[1]]


def test_two_sentences_as_json(model, expected, capsys):
    assert call(model, *PAIRS[0], "--json") == 0
    row = json.loads(capsys.readouterr().out)
    assert row.pop("score") == pytest.approx(float(expected[0]), abs=1e-3)
    assert row == {
        "sentence1": PAIRS[0][0],
        "sentence2": PAIRS[0][1],
        "similar": bool(expected[0] >= 3),
        "truncated": False,
        "unknown": 0.0,
        "threshold": 3.0,
    }


def test_a_pair_that_was_cut_says_so(model, capsys):
    assert call(model, "가나다라 " * 30, "네") == 0
    assert "the pair is longer than 32 tokens and was cut there" in capsys.readouterr().err


@pytest.mark.parametrize("suffix", [".tsv", ".csv", ".jsonl"])
def test_a_file_keeps_its_order_whatever_the_format(model, expected, tmp_path, suffix):
    source = write_tsv(tmp_path / "pairs.tsv", PAIRS)
    target = tmp_path / f"scored{suffix}"
    assert call(model, "--input", str(source), "--output", str(target)) == 0
    text = target.read_text(encoding="utf-8-sig" if suffix == ".csv" else "utf-8")
    if suffix == ".jsonl":
        rows = [json.loads(line) for line in text.splitlines()]
    else:
        rows = list(csv.DictReader(io.StringIO(text), delimiter="\t" if suffix == ".tsv" else ","))
    assert [(row["sentence1"], row["sentence2"]) for row in rows] == PAIRS
    np.testing.assert_allclose([float(row["score"]) for row in rows], expected, atol=1e-3)


@pytest.mark.parametrize("header", [True, False])
def test_standard_input_with_and_without_header(model, expected, tmp_path, monkeypatch, capsys, header):
    path = write_tsv(tmp_path / "a", PAIRS, header)
    monkeypatch.setattr(sys, "stdin", io.StringIO(path.read_text(encoding="utf-8")))
    assert call(model, "--input", "-") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "sentence1\tsentence2\trow\tscore\tsimilar\ttruncated\tunknown"
    np.testing.assert_allclose([float(line.split("\t")[3]) for line in lines[1:]], expected, atol=1e-3)
    assert [line.split("\t")[2] for line in lines[1:]] == [str(number + header) for number in (1, 2, 3)]


def test_bad_rows_stop_without_half_a_file_or_are_skipped(model, tmp_path, capsys):
    source = write_tsv(tmp_path / "pairs.tsv", [PAIRS[0], ("혼자",), PAIRS[1]])
    target = tmp_path / "scored.tsv"
    assert call(model, "--input", str(source), "--output", str(target)) == 2
    error = capsys.readouterr().err
    assert "pairs.tsv, line 3: the row has 1 fields, the header 2" in error
    assert "Traceback" not in error
    assert not target.exists()
    assert list(tmp_path.iterdir()) == [source]
    assert call(model, "--input", str(source), "--output", str(target), "--on-bad-row", "skip") == 0
    assert "2 pairs scored, 1 bad rows skipped, 0 cut at 32 tokens" in capsys.readouterr().err
    assert len(target.read_text(encoding="utf-8").splitlines()) == 3


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "two sentences are needed"),
        (["하나"], "two sentences are needed"),
        (["하나", " "], "field 'sentence2' is empty"),
        (["하나", "둘", "--input", "a.tsv"], "give two sentences or --input, not both"),
        (["하나", "둘", "--output", "a.tsv"], "--output goes with --input"),
        (
            ["--input", "a.tsv", "--output", "a.parquet"],
            "--output a.parquet: allowed are files that end in .tsv, .csv, .jsonl, .xlsx",
        ),
        (["--input", "a.tsv", "--output", "a.tsv"], "--output a.tsv: is the input file; name another"),
        (["--input", "none.tsv"], "none.tsv: no such file"),
    ],
)
def test_wrong_calls_say_what_to_do(model, words, message, capsys):
    assert call(model, *words) == 2
    error = capsys.readouterr().err
    assert message in error
    assert "Traceback" not in error


def test_a_reader_that_has_enough_is_no_error(model, tmp_path):
    source = write_tsv(tmp_path / "pairs.tsv", PAIRS * 400)
    words = ["-m", "sts.score", "--model", str(model), "--input", str(source)]
    with subprocess.Popen(
        [sys.executable, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout.readline() == "sentence1\tsentence2\trow\tscore\tsimilar\ttruncated\tunknown\n"
        process.stdout.close()
        assert "Traceback" not in process.stderr.read()
    assert process.returncode == 0


def test_memory_does_not_grow_with_the_file(model, tmp_path, monkeypatch):
    def cheap(self, first, second, **_):
        from sts.models import Scored

        none = np.zeros(len(first), bool)
        return Scored(np.ones(len(first), np.float32), none, none, none.astype(np.float32), none)

    monkeypatch.setattr(CrossScorer, "score", cheap)
    peaks = []
    for rows in (20_000, 80_000):
        source = write_tsv(tmp_path / f"{rows}.tsv", [(f"문장 {row}", "다른 문장") for row in range(rows)])
        tracemalloc.start()
        assert call(model, "--input", str(source), "--output", str(tmp_path / f"{rows}.out.tsv")) == 0
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.3 * peaks[0]
