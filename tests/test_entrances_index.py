"""Sentences, ids, metadata and filters with the faults of other people's files, by command, HTTP and Python."""

import json
import sqlite3
import unicodedata
from dataclasses import replace

import pyarrow
import pyarrow.parquet
import pytest

from sts.bundled import BUNDLED_BI, BUNDLED_CROSS
from sts.cli import run
from sts.search import SentenceIndex
from sts.search.command import add, build, delete, query
from sts.search.store import row_crc
from sts.serve.app import make_app
from sts.serve.settings import ServeSettings

WRITE_KEY = "write-key-of-the-tests"
KEY = {"Authorization": f"Bearer {WRITE_KEY}"}
PAIR = ("방이 정말 넓어요.", "객실이 아주 넓습니다.")


def nfd(text):
    return unicodedata.normalize("NFD", text)


def serving(index, monkeypatch, **settings):
    monkeypatch.setenv("STS_WRITE_KEYS", WRITE_KEY)
    app = make_app(replace(ServeSettings(model=BUNDLED_CROSS, index=index, port=0), **settings).completed())
    app.testing = False
    app.extensions["sts"].load()
    return app.test_client()


def test_a_mistake_in_the_name_of_a_column_is_told_in_every_format(tmp_path, capsys):
    pyarrow.parquet.write_table(pyarrow.table({"key": ["k"], "sentence": ["가나"]}), tmp_path / "a.parquet")
    (tmp_path / "a.jsonl").write_text('{"key": "k", "sentence": "가나"}\n', encoding="utf-8")
    (tmp_path / "a.csv").write_text("key,sentence\nk,가나\n", encoding="utf-8")
    for name in ("a.csv", "a.parquet", "a.jsonl"):
        words = ["--sentences", str(tmp_path / name), "--index", str(tmp_path / name[2:]), "--columns", "id=kye"]
        assert run(build, "sts search build", words) == 2, name
        assert "kye" in capsys.readouterr().err


@pytest.fixture
def index(tmp_path):
    rows = [
        {"id": nfd("가1"), "sentence": nfd(PAIR[0]), "year": 2020, "gap": float("nan"), "tags": [nfd("가")]},
        {"id": 0.0, "sentence": PAIR[1], "year": 2020.0, "ok": False},
        {"id": "c", "sentence": "내일 비가 올까?", "year": "2020", nfd("출처"): nfd("나라")},
    ]
    (tmp_path / "s.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    words = ["--sentences", str(tmp_path / "s.jsonl"), "--index", str(tmp_path / "index")]
    assert run(build, "sts search build", words) == 0
    return tmp_path / "index"


FILTERS = [
    ({"year": "2020"}, ["0", "c", "가1"]),
    ({"ok": "False"}, ["0"]),
    ({"tags": "가"}, ["가1"]),
    ({nfd("출처"): "나라"}, ["c"]),
    ({"출처": nfd("나라")}, ["c"]),
    ({"gap": "null"}, ["가1"]),
]


@pytest.mark.parametrize(("where", "ids"), FILTERS)
def test_filters_find_the_same_everywhere(index, monkeypatch, capsys, where, ids):
    words = [nfd(PAIR[0]), "--index", str(index), "--json", "--where", *(f"{k}={v}" for k, v in where.items())]
    capsys.readouterr()
    assert run(query, "sts search query", words) == 0
    assert sorted(json.loads(line)["id"] for line in capsys.readouterr().out.splitlines()) == ids
    body = {"sentence": nfd(PAIR[0]), "where": where}
    hits = serving(index, monkeypatch).post("/v1/search", json=body).json["results"]
    assert sorted(hit["id"] for hit in hits) == ids
    with SentenceIndex.open(index, BUNDLED_BI) as opened:
        assert sorted(hit.id for hit in opened.search([PAIR[0]], where=where)[0]) == ids


def test_what_was_written_comes_back_and_ids_are_one(index, monkeypatch, tmp_path):
    with SentenceIndex.open(index, BUNDLED_BI) as opened:
        hit = opened.search([PAIR[0]], 1)[0][0]
    assert (hit.id, hit.sentence) == ("가1", nfd(PAIR[0]))
    assert hit.score == pytest.approx(opened.model.calibration.scores([1.0])[0], abs=1e-3)
    (tmp_path / "more.csv").write_text("id,sentence\n가1,새 문장\n", encoding="utf-8")
    assert run(add, "sts search add", ["--index", str(index), "--sentences", str(tmp_path / "more.csv")]) == 0
    client = serving(index, monkeypatch, writable=True)
    put = client.put(f"/v1/sentences/{nfd('가1')}", json={"sentence": "또 다른"}, headers=KEY)
    assert (put.status_code, put.json) == (200, {"ids": ["가1"], "replaced": 1, "sentences": 3})
    posted = client.post("/v1/sentences", json={"sentences": [{"id": nfd("가1"), "sentence": "셋째"}]}, headers=KEY)
    assert posted.json == {"ids": ["가1"], "replaced": 1, "sentences": 3}
    assert client.delete(f"/v1/sentences/{nfd('가1')}", headers=KEY).status_code == 204
    assert run(delete, "sts search delete", ["--index", str(index), "--ids", nfd("c")]) == 0
    database = sqlite3.connect(index / "sentences.sqlite3")
    assert database.execute("SELECT id FROM sentence").fetchall() == [("0",)]


@pytest.mark.parametrize("number", ["Infinity", "-Infinity", "1e999"])
def test_numbers_that_json_does_not_have_are_refused_everywhere(index, monkeypatch, tmp_path, capsys, number):
    for field in ("x", "id"):
        path = tmp_path / "bad.jsonl"
        path.write_text(f'{{"sentence": "가", "{field}": {number}}}\n', encoding="utf-8")
        assert run(add, "sts search add", ["--index", str(index), "--sentences", str(path)]) == 2
        error = capsys.readouterr().err
        assert f"bad.jsonl, line 1: field '{field}' is " in error
    client = serving(index, monkeypatch, writable=True)
    body = f'{{"sentences": [{{"sentence": "가", "metadata": {{"x": {number}}}}}]}}'
    answer = client.post("/v1/sentences", data=body, content_type="application/json", headers=KEY)
    assert answer.status_code in (400, 422)
    body = f'{{"sentence": "가", "where": {{"year": {number}}}}}'
    assert client.post("/v1/search", data=body, content_type="application/json").status_code in (400, 422)
    assert client.post("/v1/search", json={"sentence": "가", "where": {"year": 2020}}).status_code == 200


@pytest.mark.parametrize("identity", [" ", "\u3000", "\t"])
def test_an_id_that_nobody_sees_is_refused(index, monkeypatch, identity):
    client = serving(index, monkeypatch, writable=True)
    answer = client.post("/v1/sentences", json={"sentences": [{"id": identity, "sentence": "가"}]}, headers=KEY)
    assert answer.status_code == 422
    assert client.put("/v1/sentences/%20", json={"sentence": "가"}, headers=KEY).status_code == 422


def test_an_index_that_was_poisoned_is_filtered_all_the_same(index, monkeypatch):
    database = sqlite3.connect(index / "sentences.sqlite3")
    identity, sentence = database.execute("SELECT id, sentence FROM sentence WHERE row = 0").fetchone()
    values = ('{"x": NaN}', row_crc(0, identity, sentence, '{"x": NaN}'))
    database.execute("UPDATE sentence SET metadata = ?, crc = ? WHERE row = 0", values)
    database.commit()
    client = serving(index, monkeypatch)
    assert client.post("/v1/search", json={"sentence": "가"}).status_code == 200
    answer = client.post("/v1/search", json={"sentence": "가", "where": {"x": None}})
    assert [(hit["id"], hit["metadata"]) for hit in answer.json["results"]] == [(identity, {"x": None})]
