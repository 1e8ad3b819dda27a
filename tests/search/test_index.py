"""What holds for every kind of index."""

import json
import threading

import numpy as np
import pytest

from sts.errors import SearchError, UsageError
from sts.models import Scored
from sts.search import SentenceIndex
from sts.search.build import add_sentences, delete_sentences
from sts.search.index import read_state
from sts.search.rows import Row

from .conftest import Letters, make_index, sentences

COUNT = 600


@pytest.fixture
def folder(tmp_path, model, kind):
    lines = [
        (f"n{number}", text, "airbnb" if number % 100 == 3 else "parakqc", number % 5)
        for number, text in enumerate(sentences(COUNT))
    ]
    make_index(tmp_path / "index", model, lines, kind=kind)
    return tmp_path / "index"


@pytest.fixture
def index(folder, model):
    with SentenceIndex.open(folder, model) as opened:
        yield opened


def exact(model, texts, queries, k):
    """Cosines of the k nearest texts of each query, by multiplying everything."""
    vectors, wanted = model.encode(texts).vectors, model.encode(queries).vectors
    return -np.sort(-(wanted @ vectors.T), axis=1)[:, :k]


def test_it_finds_what_an_exact_search_finds(index, model, kind):
    queries = [f"{text} 그래서" for text in sentences(COUNT)[:50]]
    found = np.array([[hit.cosine for hit in hits] for hits in index.search(queries, 10)])
    truth = exact(model, sentences(COUNT), queries, 10)
    assert found.shape == (50, 10)
    assert (np.diff(found, axis=1) <= 1e-6).all()
    share = (np.abs(found - truth) < 1e-5).mean()
    assert share == 1 if kind == "flat" else share > 0.9


def test_a_hit_is_the_sentence_with_all_that_belongs_to_it(index, model):
    text = sentences(COUNT)[103]
    (hits,) = index.search([text], 1)
    assert (hits[0].id, hits[0].sentence, hits[0].metadata) == ("n103", text, {"source": "airbnb", "stars": "3"})
    assert hits[0].cosine == pytest.approx(1, abs=1e-5)
    assert hits[0].score == pytest.approx(float(model.calibration.scores([1.0])[0]), abs=1e-4)


def test_fewer_sentences_than_asked_for_are_not_filled_up(tmp_path, model):
    make_index(tmp_path / "small", model, ["가나다", "라마바", "사아자"], kind="ivfflat")
    with SentenceIndex.open(tmp_path / "small", model) as index:
        (hits,) = index.search(["가나다"], 10)
        assert sorted(hit.id for hit in hits) == ["0", "1", "2"]


def test_a_rare_filter_still_finds_k_sentences(index, model, monkeypatch):
    """Six sentences are from airbnb, in cells that a narrow search does not look at."""
    queries = sentences(COUNT)[:20]
    rare = [text for number, text in enumerate(sentences(COUNT)) if number % 100 == 3]
    truth = exact(model, rare, queries, 5)
    for hits, cosines in zip(index.search(queries, 5, where={"source": "airbnb"}), truth, strict=True):
        assert {hit.metadata["source"] for hit in hits} == {"airbnb"}
        np.testing.assert_allclose([hit.cosine for hit in hits], cosines, atol=1e-5)
    (hits,) = index.search(queries[:1], 10, where={"source": "airbnb", "stars": "3"})
    assert len(hits) == 6
    monkeypatch.setattr("sts.search.rank.EXACT_ROWS", 2)  # as if six were many: FAISS's selector filters
    for hits in index.search(queries, 5, where={"source": "airbnb"}):
        assert len(hits) == 5
        assert {hit.metadata["source"] for hit in hits} == {"airbnb"}
    assert index.search(queries[:1], 10, where={"source": "nowhere"}) == [[]]
    assert index.search(queries[:1], 10, where={"colour": "red"}) == [[]]


def test_equal_cosines_are_in_the_order_of_ids(tmp_path, model, kind):
    rows = [(f"b{number:03}", text, "", "") for number, text in enumerate(sentences(280))]
    rows += [(f"a{number:03}", "모두 같은 문장입니다", "", "") for number in reversed(range(60))]
    make_index(tmp_path / "index", model, rows, kind=kind)
    with SentenceIndex.open(tmp_path / "index", model) as index:
        (hits,) = index.search(["모두 같은 문장입니다"], 10)
        assert [hit.id for hit in hits] == [f"a{number:03}" for number in range(10)]


def test_added_sentences_are_found_and_take_the_place_of_their_id(folder, model, kind):
    with SentenceIndex.open(folder, model) as before:
        changed = add_sentences(folder, model, [Row("새로운 문장 하나", "new")], say=lambda line: None)
        assert (changed.added, changed.replaced, changed.rows) == (1, 0, COUNT + 1)
        if kind == "hnsw":
            with pytest.raises(UsageError, match="kind hnsw can't delete or replace"):
                add_sentences(folder, model, [Row("다른 문장", "n5")], say=lambda line: None)
        else:
            changed = add_sentences(folder, model, [Row("아주 다른 문장", "n5")], say=lambda line: None)
            assert (changed.added, changed.replaced, changed.rows) == (1, 1, COUNT + 1)
        with SentenceIndex.open(folder, model) as after:
            for index in (before, after):  # an open index follows
                assert index.search(["새로운 문장 하나"], 1)[0][0].id == "new"
                assert len(index) == COUNT + 1
                if kind != "hnsw":
                    assert index.search(["아주 다른 문장"], 1)[0][0].id == "n5"
                    old = index.search([sentences(COUNT)[5]], 5)[0]
                    assert all(hit.cosine < 0.999 for hit in old if hit.id == "n5")
                    assert sentences(COUNT)[5] not in [hit.sentence for hit in old]


def test_deleted_sentences_are_gone_and_the_others_keep_their_places(folder, model, kind):
    ids = [f"n{number}" for number in range(0, COUNT, 3)]
    if kind == "hnsw":
        with pytest.raises(UsageError, match="kind hnsw can't delete or replace"):
            delete_sentences(folder, ids)
        return
    # 200 of 600: so many that the snapshot is made anew
    snapshot = read_state(folder).snapshot
    changed = delete_sentences(folder, [*ids, "nobody"])
    assert (changed.missing, changed.rows) == (("nobody",), COUNT - len(ids))
    assert (read_state(folder).snapshot != snapshot) == (kind != "flat")
    assert len(list(folder.glob("index-*"))) == (kind != "flat")
    with SentenceIndex.open(folder, model) as index:
        queries = sentences(COUNT)
        for number, hits in enumerate(index.search(queries, 3)):
            assert not {hit.id for hit in hits} & set(ids)
            if number % 3:
                assert hits[0].id == f"n{number}"
    add_sentences(folder, model, [Row("새 문장", "n0")], say=lambda line: None)
    with SentenceIndex.open(folder, model) as index:
        assert index.search(["새 문장"], 1)[0][0].id == "n0"
        assert index.search([sentences(COUNT)[1]], 1)[0][0].id == "n1"


def test_many_changes_leave_both_halves_in_step(tmp_path, model, kind):
    """Adds and deletes by chance, against a dictionary."""
    texts = sentences(1200)
    make_index(tmp_path / "index", model, texts[:300], kind=kind)
    known = {str(number): texts[number] for number in range(300)}
    generator = np.random.default_rng(0)
    for step in range(12):
        numbers = generator.integers(0 if kind != "hnsw" else 300 + 60 * step, 300 + 60 * (step + 1), 40)
        rows = {str(number): texts[(int(number) * 31 + step) % 1200] for number in numbers}
        rows = {name: text for name, text in rows.items() if kind != "hnsw" or name not in known}
        add_sentences(
            tmp_path / "index", model, [Row(text, name) for name, text in rows.items()], say=lambda line: None
        )
        known |= rows
        if kind != "hnsw":
            gone = [str(name) for name in generator.choice(sorted(known), 25, replace=False)]
            delete_sentences(tmp_path / "index", gone)
            known = {name: text for name, text in known.items() if name not in gone}
    with SentenceIndex.open(tmp_path / "index", model) as index:
        assert len(index) == len(known)
        names = sorted(known)
        wrong = 0
        for name, hits in zip(names, index.search([known[name] for name in names], 5), strict=True):
            assert all(known[hit.id] == hit.sentence for hit in hits)
            wrong += name not in [hit.id for hit in hits] and hits[-1].cosine < 0.9999
        assert wrong <= (0 if kind == "flat" else 0.05 * len(names))


def test_a_search_leaves_nothing_behind_for_the_next(index):
    """nprobe and efSearch on the index itself would be shared by all threads."""
    inner = index._view.index.index
    before = {name: getattr(inner, name, None) for name in ("nprobe",)}
    queries = sentences(COUNT)[:100]
    expected = index.search(queries, 5)
    results = {}

    def ask(number):
        results[number] = index.search(queries, 5, where={"source": "airbnb"} if number % 2 else None)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results[0] == results[2] == results[4] == expected
    assert all(hit.metadata["source"] == "airbnb" for hits in results[1] for hit in hits)
    assert {name: getattr(inner, name, None) for name in before} == before


def test_vectors_are_brought_to_length_one(tmp_path):
    class Long(Letters):
        def encode(self, sentences, **options):
            encoded = super().encode(sentences, **options)
            encoded.vectors[:] *= np.arange(1, len(sentences) + 1)[:, None]
            return encoded

    make_index(tmp_path / "index", Long(), sentences(50))
    with SentenceIndex.open(tmp_path / "index", Letters()) as index:
        assert [hits[0].id for hits in index.search(sentences(50), 1)] == [str(number) for number in range(50)]

    class Lost(Letters):
        def encode(self, sentences, **options):
            encoded = super().encode(sentences, **options)
            encoded.vectors[-1] = np.nan
            return encoded

    with pytest.raises(SearchError, match="vectors without a direction"):
        make_index(tmp_path / "lost", Lost(), sentences(5))


def test_a_reranker_orders_the_candidates(index):
    class Shortest:
        def score(self, sentence1, sentence2, *, batch_size=64, progress=False):
            scores = np.array([5 / len(text) for text in sentence2], np.float32)
            none = np.zeros(len(scores), bool)
            return Scored(scores, none, none, none.astype(np.float32), none)

    texts = sentences(COUNT)[:3]
    by_cosine = index.search(texts, 20)
    for plain, hits in zip(by_cosine, index.search(texts, 5, reranker=Shortest(), candidates=20), strict=True):
        expected = sorted(plain, key=lambda hit: (len(hit.sentence), hit.id))[:5]
        assert [hit.id for hit in hits] == [hit.id for hit in expected]
        assert hits[0].score == pytest.approx(5 / len(hits[0].sentence))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"top_k": 0}, "--top-k is 0; allowed is 1 to 1,000"),
        ({"top_k": 1001}, "--top-k is 1001"),
        ({"top_k": 20, "reranker": object(), "candidates": 10}, "--candidates is 10; allowed is 20 to 1,000"),
        ({"where": {'a"b': "c"}}, "must not hold a quotation mark"),
    ],
)
def test_numbers_out_of_range(index, options, message):
    with pytest.raises(UsageError, match=message):
        index.search(["가"], **options)
    assert index.search([], 5) == []


def test_another_models_vectors_are_refused(folder):
    with pytest.raises(SearchError, match=r"was built with another model \(the model, from letters\)"):
        SentenceIndex.open(folder, Letters(fingerprint="other"))
    with pytest.raises(SearchError, match="was built with another model"):
        add_sentences(folder, Letters(fingerprint="other"), [Row("가")], say=lambda line: None)


@pytest.mark.parametrize("damage", ["vectors", "short", "snapshot", "gone", "sentence", "database", "format", "state"])
def test_damaged_files_are_named(tmp_path, model, damage):
    import sqlite3

    folder = tmp_path / "index"
    make_index(folder, model, sentences(400), kind="ivfflat")
    snapshot = next(folder.glob("index-*.faiss"))
    vectors, database = folder / "vectors.f32", folder / "sentences.sqlite3"
    if damage in ("vectors", "snapshot"):
        path = vectors if damage == "vectors" else snapshot
        data = bytearray(path.read_bytes())
        data[len(data) // 2] ^= 1
        path.write_bytes(data)
        message = rf"{path.name}: the file is damaged"
    elif damage == "short":
        vectors.write_bytes(vectors.read_bytes()[:-4])
        message = r"vectors\.f32: the file is damaged \(it is missing or too short\)"
    elif damage == "gone":
        snapshot.unlink()
        message = r"faiss: the file is damaged \(it is missing\)"
    elif damage == "database":
        database.write_bytes(b"no database" * 500)
        message = r"sentences\.sqlite3: the file is damaged"
    else:
        with sqlite3.connect(database) as connection:
            if damage == "sentence":
                connection.execute("UPDATE sentence SET sentence = '바뀐 문장' WHERE row = 7")
                message = "the sentence of row 7 has changed"
            elif damage == "state":
                connection.execute('UPDATE state SET value = \'{"format": 1, "rows": 3}\'')
                message = r"sentences\.sqlite3: the file is damaged \(its state can't be read"
            else:
                state = json.loads(connection.execute("SELECT value FROM state").fetchone()[0])
                connection.execute("UPDATE state SET value = ?", (json.dumps(state | {"format": 99}),))
                message = "the index has format 99; this version of sts reads 1: build it"
        connection.close()
    with pytest.raises(SearchError, match=message), SentenceIndex.open(folder, model) as index:
        index.search([sentences(400)[7]], 5)


def test_a_folder_that_is_no_index(tmp_path):
    with pytest.raises(SearchError, match=r"holds no sentences\.sqlite3, so it is no index"):
        SentenceIndex.open(tmp_path)
