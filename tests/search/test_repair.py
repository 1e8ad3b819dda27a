import json
import sqlite3
import unicodedata
from importlib import import_module

import pytest

from sts.cli import run
from sts.errors import SearchError
from sts.search import SentenceIndex
from sts.search.build import build_index, delete_sentences
from sts.search.command import info
from sts.search.repair import repair_index
from sts.search.store import row_crc


def nfd(text):
    return unicodedata.normalize("NFD", text)


@pytest.fixture
def folder(tmp_path, model):
    """An index of five sentences, r0 to r4, with a year each."""
    path = tmp_path / "sentences.jsonl"
    rows = [{"id": f"r{n}", "sentence": f"문장 {n}", "year": 2020 + n} for n in range(5)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    build_index(model, ("the model", "letters"), path, tmp_path / "index", say=lambda line: None)
    return tmp_path / "index"


def poison(folder, row, *, identity=None, metadata=None):
    """Write a row as an older version did."""
    database = sqlite3.connect(folder / "sentences.sqlite3")
    query = "SELECT id, sentence, metadata FROM sentence WHERE row = ?"
    old, sentence, text = database.execute(query, (row,)).fetchone()
    identity, metadata = identity or old, metadata or text
    values = (identity, metadata, row_crc(row, identity, sentence, metadata), row)
    database.execute("UPDATE sentence SET id = ?, metadata = ?, crc = ? WHERE row = ?", values)
    database.commit()
    database.close()


def stored(folder):
    database = sqlite3.connect(folder / "sentences.sqlite3")
    found = database.execute("SELECT id, metadata FROM sentence ORDER BY row").fetchall()
    database.close()
    return {identity: json.loads(text) for identity, text in found}


def test_metadata_that_is_no_json_becomes_null_and_filters_work_again(folder, model):
    poison(folder, 0, metadata='{"year": NaN, "n": 1}')
    poison(folder, 3, metadata='{"year": 2023, "n": -Infinity}')
    with SentenceIndex(folder, model) as index:
        assert {hit.id: hit.metadata for hit in index.search(["문장"])[0]}["r0"] == {"year": None, "n": 1}
        assert [hit.id for hit in index.search(["문장"], where={"year": 2023})[0]] == ["r3"]
        assert [hit.id for hit in index.search(["문장"], where={"year": None})[0]] == ["r0"]
        repaired = repair_index(folder)
        assert [hit.id for hit in index.search(["문장"], where={"year": 2023})[0]] == ["r3"]
        assert [hit.id for hit in index.search(["문장"], where={"year": None})[0]] == ["r0"]
    assert (repaired.rows, repaired.metadata, repaired.ids, repaired.kept) == (5, 2, 0, ())
    assert stored(folder)["r3"] == {"year": 2023, "n": None}


def test_ids_and_metadata_are_brought_to_their_one_form(folder, model):
    poison(folder, 1, identity=nfd("가1"))
    poison(folder, 2, identity=" r2 ")
    poison(folder, 4, metadata=json.dumps({nfd("출처"): nfd("나라"), "tags": [nfd("가")]}, ensure_ascii=False))
    repaired = repair_index(folder)
    assert (repaired.metadata, repaired.ids) == (1, 2)
    assert list(stored(folder)) == ["r0", "가1", "r2", "r3", "r4"]
    assert stored(folder)["r4"] == {"출처": "나라", "tags": ["가"]}
    with SentenceIndex(folder, model) as index:
        assert [hit.id for hit in index.search(["문장"], where={"출처": "나라"})[0]] == ["r4"]
    assert delete_sentences(folder, [nfd("가1"), "r2"]).missing == ()


def test_an_id_whose_one_form_is_anothers_stays(folder):
    poison(folder, 0, identity=nfd("가"))
    poison(folder, 1, identity="가")
    repaired = repair_index(folder)
    assert repaired.kept == (nfd("가"),)
    assert repaired.told().endswith(f"; 1 ids stay, since their one form is another sentence's: {nfd('가')}")
    assert list(stored(folder)) == [nfd("가"), "가", "r2", "r3", "r4"]


def test_two_names_that_are_one_lose_no_value(folder):
    poison(folder, 0, metadata=json.dumps({nfd("출처"): "a", "출처": "b"}, ensure_ascii=False))
    repair_index(folder)
    assert sorted(map(str, stored(folder)["r0"].values())) == ["a", "b"]


def test_a_whole_index_stays_as_it_is_and_a_repair_is_done_once(folder):
    before = stored(folder)
    assert (repair_index(folder).metadata, repair_index(folder).ids) == (0, 0)
    assert stored(folder) == before
    poison(folder, 0, metadata='{"year": NaN}')
    assert repair_index(folder).metadata == 1
    assert repair_index(folder).metadata == 0


def test_a_repair_happens_whole_or_not_at_all(folder, monkeypatch):
    poison(folder, 0, metadata='{"year": NaN}')
    poison(folder, 4, metadata='{"year": NaN}')
    module = import_module("sts.search.repair")
    seen = []

    def fails_late(metadata):
        seen.append(metadata)
        if len(seen) == 5:
            raise RuntimeError("late")
        return {}

    monkeypatch.setattr(module, "clean", fails_late)
    with pytest.raises(RuntimeError, match="late"):
        repair_index(folder)
    monkeypatch.undo()
    assert repair_index(folder).metadata == 2


def test_the_command_tells_and_repairs(folder, capsys):
    poison(folder, 2, metadata='{"year": Infinity}')
    words = ["--index", str(folder)]
    assert run(info, "sts search info", words) == 2
    assert "the metadata of 1 sentences, the first of id 'r2' (row 2), is no JSON" in capsys.readouterr().err
    assert run(info, "sts search info", [*words, "--repair", "--json"]) == 0
    captured = capsys.readouterr()
    assert captured.err == "of 5 sentences, 1 have repaired metadata and 0 a repaired id\n"
    assert json.loads(captured.out)["sentences"] == 5
    assert run(info, "sts search info", words) == 0


def test_the_command_tells_ids_that_no_one_can_type(folder, capsys):
    poison(folder, 1, identity=nfd("가1"))
    assert run(info, "sts search info", ["--index", str(folder)]) in (0, 2)
    captured = capsys.readouterr()
    assert "--repair" in captured.out + captured.err


def test_what_is_no_index_is_told(tmp_path):
    with pytest.raises(SearchError, match="is no index"):
        repair_index(tmp_path)
