"""The faults of other people's files, each at every place where it can come in: command, standard input, HTTP, Python.

The bundled scorers are asked, for what they say is to be right; what a faulty input should give is what the same input
gives without its fault.
"""

import csv
import datetime
import io
import itertools
import json
import sys
import unicodedata
from decimal import Decimal

import pyarrow
import pyarrow.parquet
import pytest

from sts.bundled import BUNDLED_CROSS
from sts.cli import run
from sts.evaluate.command import evaluate
from sts.models import load_scorer
from sts.score import score
from sts.serve.app import make_app
from sts.serve.settings import ServeSettings

PAIR = ("방이 정말 넓어요.", "객실이 아주 넓습니다.")


def nfd(text):
    return unicodedata.normalize("NFD", text)


@pytest.fixture(scope="module")
def cross():
    return load_scorer(BUNDLED_CROSS)


def serving():
    app = make_app(ServeSettings(model=BUNDLED_CROSS, port=0).completed())
    app.extensions["sts"].load()
    return app.test_client()


def command(tmp_path, name, data, *words):
    """Score a file; its rows, or what the command said."""
    path = tmp_path / name
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    out = tmp_path / "scored.jsonl"
    out.unlink(missing_ok=True)
    if run(score, "sts score", ["--input", str(path), "--output", str(out), *words]):
        return None
    return [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]


def piped(monkeypatch, capsys, data, *words):
    """Score standard input; the rows of standard output."""
    data = data if isinstance(data, bytes) else data.encode()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BufferedReader(io.BytesIO(data)), encoding="utf-8"))
    capsys.readouterr()
    if run(score, "sts score", ["--input", "-", "--json", *words]):
        return None
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


@pytest.fixture
def entrances(tmp_path, monkeypatch, capsys, cross):
    """Scores a pair at every entrance: score, whether it is called similar, and the share that is not known."""

    def everywhere(one, two):
        rows = {
            "csv": command(tmp_path, "a.csv", f"sentence1,sentence2\n{one},{two}\n")[0],
            "tsv": command(tmp_path, "a.tsv", f"{one}\t{two}\n", "--no-header")[0],
            "utf-16": command(tmp_path, "a.txt", f"sentence1\tsentence2\n{one}\t{two}\n".encode("utf-16"))[0],
            "jsonl": command(tmp_path, "a.jsonl", json.dumps({"sentence1": one, "sentence2": two}))[0],
            "standard input": piped(monkeypatch, capsys, f"{one}\t{two}\n")[0],
        }
        capsys.readouterr()
        assert run(score, "sts score", [one, two, "--json"]) == 0
        rows["two sentences"] = json.loads(capsys.readouterr().out)
        client = serving()
        rows["http"] = client.post("/v1/similarity", json={"sentence1": one, "sentence2": two}).json
        batch = client.post("/v1/similarity/batch", json={"pairs": [{"sentence1": one, "sentence2": two}]})
        rows["http batch"] = batch.json["results"][0]
        rows["http rank"] = client.post("/v1/rank", json={"sentence": one, "candidates": [two]}).json["results"][0]
        scored = cross.score([one], [two])
        similar = bool(scored.similar(cross.info.threshold)[0])
        rows["python"] = {"score": float(scored.scores[0]), "similar": similar, "unknown": float(scored.unknown[0])}
        return {name: (row["score"], row["similar"], row["unknown"]) for name, row in rows.items()}

    return everywhere


@pytest.mark.parametrize(
    ("pair", "written"),
    [
        (PAIR, (nfd(PAIR[0]), nfd(PAIR[1]))),
        ((PAIR[0], PAIR[0]), (PAIR[0], nfd(PAIR[0]))),
        (("ABC 호텔 12층", "ABC 호텔"), ("ＡＢＣ　호텔 １２층", "ABC 호텔")),
    ],
    ids=["NFD", "NFD beside NFC", "full width"],
)
def test_either_form_of_a_text_scores_the_same_everywhere(entrances, cross, pair, written):
    expected = float(cross.score([pair[0]], [pair[1]]).scores[0])
    for entrance, (found, similar, unknown) in entrances(*written).items():
        assert found == pytest.approx(expected, abs=1e-3), entrance
        assert similar == (expected >= 3), entrance
        assert unknown == 0, entrance


@pytest.mark.parametrize(
    ("one", "two", "expected"),
    [
        ("😀", "😡", (0.0, False, 1.0)),
        ("สวัสดี", "ขอบคุณ", (0.0, False, 1.0)),
        ("😀", "😀", (5.0, True, 1.0)),
        ("😀", "오늘 회의는 취소되었습니다 😀", (0.0, False, 1.0)),
    ],
)
def test_what_the_model_can_not_read_is_claimed_nowhere(entrances, one, two, expected):
    assert set(entrances(one, two).values()) == {expected}


def test_long_words_are_read_everywhere(entrances):
    one, two = "오늘회의에서는내년예산을검토했다" * 8, "맛있는떡볶이를집에서만드는방법이다" * 8
    for entrance, (found, similar, unknown) in entrances(one, two).items():
        assert (similar, unknown) == (False, 0), entrance
        assert 0 < found < 3, entrance


STRAY = [f'"문장 {n},말 {n}' if n == 3 else f"문장 {n},말 {n}" for n in range(6)]


def test_a_stray_mark_costs_one_row_everywhere(tmp_path, monkeypatch, capsys):
    text = "sentence1,sentence2\n" + "\n".join(STRAY) + "\n"
    for rows in (
        command(tmp_path, "a.csv", text, "--on-bad-row", "skip"),
        piped(monkeypatch, capsys, text, "--on-bad-row", "skip", "--quoting", "double"),
    ):
        assert [row["row"] for row in rows] == [2, 3, 4, 6, 7]
    assert command(tmp_path, "a.csv", text) is None
    assert "a.csv, line 5: broken CSV: a quotation mark opens a field" in capsys.readouterr().err
    path = tmp_path / "p.csv"
    path.write_text("label,score,guid\n" + "".join(f'{n},{n},"{n}\n' if n == 2 else f"{n},{n},{n}\n" for n in range(5)))
    assert run(evaluate, "sts evaluate", ["--predictions", str(path)]) == 2
    assert "p.csv, line 4: broken CSV: a quotation mark opens a field" in capsys.readouterr().err


def test_quoted_tsv_is_read_everywhere(tmp_path, monkeypatch, capsys):
    text = 'sentence1\tsentence2\n"그는 ""응""이라고"\t네\n'
    for rows in (command(tmp_path, "a.tsv", text), piped(monkeypatch, capsys, text)):
        assert rows[0]["sentence1"] == '그는 "응"이라고'


@pytest.mark.parametrize("codec", ["utf-8-sig", "utf-16", "cp949", "utf-16-le"])
def test_encodings_are_read_everywhere(tmp_path, monkeypatch, capsys, codec):
    text = "sentence1\tsentence2\n" + "\t".join(PAIR) + "\n"
    words = ["--encoding", codec] if codec in ("cp949", "utf-16-le") else []
    for rows in (
        command(tmp_path, "a.tsv", text.encode(codec), *words),
        piped(monkeypatch, capsys, text.encode(codec), *words),
    ):
        assert (rows[0]["sentence1"], rows[0]["sentence2"]) == PAIR
    if words:
        assert command(tmp_path, "a.tsv", text.encode(codec)) is None
        assert f"it looks like {codec}: add --encoding {codec}" in capsys.readouterr().err
        assert piped(monkeypatch, capsys, text.encode(codec)) is None
        assert f"it looks like {codec}: add --encoding {codec}" in capsys.readouterr().err


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".tsv", ".xlsx"])
def test_a_file_can_be_scored_again_and_again(tmp_path, suffix):
    (tmp_path / "0.csv").write_text("sentence1,sentence2,score\n가나,다라,3\n마바,사아,2\n", encoding="utf-8")
    files = [tmp_path / "0.csv", *(tmp_path / f"{n}{suffix}" for n in (1, 2, 3))]
    for source, target in itertools.pairwise(files):
        assert run(score, "sts score", ["--input", str(source), "--output", str(target)]) == 0
    assert run(evaluate, "sts evaluate", ["--predictions", str(files[1]), "--bootstrap", "0"]) == 0


def test_two_columns_of_one_name_are_kept_once_one_of_them_has_another(tmp_path, capsys):
    text = "sentence1,sentence2,memo,memo\n가,나,x,y\n"
    assert command(tmp_path, "a.csv", text) is None
    assert "columns 3 and 4 are both called 'memo'" in capsys.readouterr().err
    row = command(tmp_path, "a.csv", text, "--columns", "memo2=4")[0]
    assert {"x", "y"} <= {value for value in row.values() if isinstance(value, str)}


def test_values_of_every_kind_are_written_as_json_that_is_json(tmp_path):
    path = tmp_path / "a.parquet"
    kinds = {
        "day": [datetime.date(2020, 1, 2)],
        "when": [datetime.datetime(2020, 1, 2, 3, tzinfo=datetime.UTC)],
        "price": [Decimal("3.5")],
        "gap": [float("nan")],
        "tags": [["x"]],
    }
    pyarrow.parquet.write_table(pyarrow.table({"sentence1": ["가"], "sentence2": ["나"]} | kinds), path)
    out = tmp_path / "b.jsonl"
    assert run(score, "sts score", ["--input", str(path), "--output", str(out)]) == 0
    row = json.loads(out.read_text(encoding="utf-8"), parse_constant=lambda name: pytest.fail(name))
    assert row["day"] == "2020-01-02"
    assert row["tags"] == ["x"]


def test_klues_own_shape_is_scored_and_measured(tmp_path):
    rows = [{"sentence1": f"가 {n}", "sentence2": f"나 {n}", "labels": {"real-label": n / 2}} for n in range(6)]
    (tmp_path / "k.json").write_text(json.dumps(rows), encoding="utf-8")
    out = tmp_path / "b.jsonl"
    assert run(score, "sts score", ["--input", str(tmp_path / "k.json"), "--output", str(out)]) == 0
    assert run(evaluate, "sts evaluate", ["--predictions", str(out), "--bootstrap", "0"]) == 0


def test_a_field_given_twice_is_refused_over_http_as_in_files(monkeypatch, tmp_path, capsys):
    twice = '{"sentence1": "가", "sentence1": "나", "sentence2": "다"}'
    assert command(tmp_path, "a.jsonl", twice) is None
    assert "the field 'sentence1' is there twice" in capsys.readouterr().err
    client = serving()
    assert client.post("/v1/similarity", data=twice, content_type="application/json").status_code == 400


def test_tables_that_are_written_can_be_read_by_others(tmp_path):
    rows = command(tmp_path, "a.csv", 'sentence1,sentence2,memo\n가,나,"x\ny, z"\n')
    assert rows[0]["memo"] == "x\ny, z"
    out = tmp_path / "b.csv"
    assert run(score, "sts score", ["--input", str(tmp_path / "a.csv"), "--output", str(out)]) == 0
    with out.open(encoding="utf-8-sig", newline="") as stream:
        assert next(csv.DictReader(stream))["memo"] == "x\ny, z"


def test_words_that_were_not_read_go_together_with_none():
    body = {"sentence1": "😀 안녕하세요", "sentence2": "😡 안녕하세요"}
    links = serving().post("/v1/alignment", json=body).json["links"]
    assert [(link["word1"], link["word2"]) for link in links] == [(1, 1)]
