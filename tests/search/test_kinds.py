"""FAISS's traps, one by one; whole indexes are in `test_index.py`."""

import numpy as np
import pytest

from sts.errors import UsageError
from sts.search.kinds import VectorIndex, check_kind, choose_kind, training_rows
from sts.search.rank import nearest
from sts.search.recall import choose_breadth, exact_neighbours


def unit(rows, dimension=16, seed=0):
    vectors = np.random.default_rng(seed).normal(size=(rows, dimension)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def make(kind, vectors):
    rows = len(vectors)
    index = VectorIndex.new(kind, vectors.shape[1], rows, vectors[: training_rows(kind, rows)])
    index.add(vectors, np.arange(rows))
    return index


def test_fewer_results_are_filled_up_by_faiss_and_not_by_us(kind):
    vectors = unit(300)
    index = make(kind, vectors)
    narrow = index.search(vectors[:1], 300, 1, np.array([3, 200]))
    assert (narrow == -1).any()
    rows, cosines = nearest(index, vectors, vectors[:1], 5, breadth=1, live=300, allowed=np.array([3, 200]))[0]
    assert sorted(rows.tolist()) == [3, 200]
    np.testing.assert_allclose(cosines, vectors[rows] @ vectors[0], atol=1e-6)


@pytest.mark.parametrize("kind", ["flat", "ivfflat", "ivfpq"])
def test_ids_stay_with_their_vectors_through_deletions(kind, tmp_path):
    vectors = unit(400)
    index = make(kind, vectors)
    gone = np.arange(0, 400, 2)
    index.remove(gone)
    index.remove(gone)  # once more does nothing
    index.add(vectors[gone[:10]], gone[:10])
    index.write(tmp_path / "index")
    for each in (index, VectorIndex.read(kind, tmp_path / "index")):
        assert each.index.ntotal == 210
        found = each.search(vectors, 3, each.widest)
        best = found[:, 0]
        kept = np.r_[gone[:10], np.arange(1, 400, 2)]
        # a compressed vector may take another's first place, but nothing that was removed is found
        assert (best[kept] == kept).mean() > (0.9 if kind == "ivfpq" else 0.999)
        assert not np.isin(found, gone[10:]).any()
        each.remove(np.array([1]))
        assert each.index.ntotal == 209


def test_the_same_number_twice_is_not_checked_by_faiss():
    """Why a sentence that takes another one's place gets a new row: FAISS would keep both vectors."""
    vectors = unit(100)
    index = make("ivfflat", vectors)
    index.add(vectors[:1], np.array([0]))
    assert index.index.ntotal == 101


def test_hnsw_takes_rows_in_their_order_only():
    index = make("hnsw", unit(10))
    with pytest.raises(ValueError, match="row 11 can't be added to an hnsw index of 10 rows"):
        index.add(unit(1), np.array([11]))
    with pytest.raises(UsageError, match="can't delete"):
        index.remove(np.array([1]))


def test_the_breadth_grows_until_the_recall_is_enough(kind):
    vectors = unit(3000, 24)
    index = make(kind, vectors)
    breadth, recall = choose_breadth(index, vectors, seed=1)
    if kind == "flat":
        assert (breadth, recall) == (1, 1.0)
    else:
        assert recall >= 0.97 or breadth >= index.widest
        # random vectors have no clusters: one cell can't be enough; hnsw looks at more than it is asked for
        assert breadth > 1 or kind == "hnsw"


def test_exact_neighbours_are_those_of_a_full_sort(monkeypatch):
    monkeypatch.setattr("sts.search.recall.CHUNK_ROWS", 64)
    vectors = unit(500)
    own = np.array([0, 63, 64, 499])
    found = exact_neighbours(vectors, vectors[own], own, 10)
    cosines = vectors[own] @ vectors.T
    cosines[np.arange(4), own] = -1
    for row, truth in zip(found, np.argsort(-cosines, axis=1)[:, :10], strict=True):
        assert set(row) == set(truth)


def test_auto_chooses_by_size_and_says_why():
    assert choose_kind(49_999)[0] == "flat"
    assert choose_kind(50_000)[0] == "ivfflat"
    kind, why = choose_kind(5_000_000)
    assert kind == "ivfpq"
    assert "5,000,000" in why


def test_what_a_kind_cannot_hold():
    with pytest.raises(UsageError, match="ivfpq needs 256 sentences or more to learn from; there are 10"):
        check_kind("ivfpq", 10, 32)
    with pytest.raises(UsageError, match="even number of dimensions; the model's vectors have 33"):
        check_kind("ivfpq", 1000, 33)
