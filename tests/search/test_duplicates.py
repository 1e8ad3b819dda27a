import numpy as np
import pytest

from sts.errors import UsageError
from sts.search.duplicates import near_pairs
from sts.search.kinds import VectorIndex, training_rows


def collection(groups=150, dimension=24, seed=0):
    """Groups of one to six near vectors, one of 80 equal ones, and some rows that were removed."""
    generator = np.random.default_rng(seed)
    centres = generator.normal(size=(groups, dimension))
    sizes = [*generator.integers(1, 7, groups - 1), 80]
    vectors = np.repeat(centres, sizes, axis=0)
    vectors[:-80] += generator.normal(scale=0.05, size=(len(vectors) - 80, dimension))
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    order = generator.permutation(len(vectors))
    live = np.sort(generator.permutation(len(vectors))[: len(vectors) - 20])
    return vectors[order], live


def brute_force(vectors, live, cosine):
    kept = vectors[live]
    a, b = np.nonzero(np.triu(kept @ kept.T, 1) >= cosine)
    return {(int(live[x]), int(live[y])) for x, y in zip(a, b, strict=True)}


@pytest.mark.parametrize("all_pairs_below", [10_000, 10])
def test_all_near_pairs_are_found(kind, all_pairs_below, monkeypatch):
    """Also where a sentence has far more equal ones than any k."""
    monkeypatch.setattr("sts.search.duplicates.ALL_PAIRS_BELOW", all_pairs_below)
    monkeypatch.setattr("sts.search.duplicates.QUERIES", 64)
    vectors, live = collection()
    rows = np.arange(len(vectors))
    index = VectorIndex.new(kind, 24, len(vectors), vectors[: training_rows(kind, len(vectors))])
    index.add(vectors, rows)
    if kind != "hnsw":
        index.remove(np.setdiff1d(rows, live))
    else:
        live = rows
    found = near_pairs(index, vectors, live, 0.95, breadth=4, say=lambda line: None)
    truth = brute_force(vectors, live, 0.95)
    pairs = set(zip(found.a.tolist(), found.b.tolist(), strict=True))
    assert len(pairs) == len(found.a), "no pair comes twice"
    assert pairs <= truth
    assert len(truth) > 2000
    assert len(pairs) >= (len(truth) if all_pairs_below == 10_000 else 0.99 * len(truth))
    assert (np.diff(found.cosines) <= 0).all()
    np.testing.assert_allclose(found.cosines, (vectors[found.a] * vectors[found.b]).sum(axis=1), atol=1e-6)


def test_none_and_too_many(monkeypatch):
    vectors, live = collection()
    index = VectorIndex.new("flat", 24, len(vectors), vectors[:0])
    index.add(vectors, np.arange(len(vectors)))
    found = near_pairs(index, vectors, np.array([0]), 0.9, breadth=1, say=lambda line: None)
    assert len(found.a) == len(found.cosines) == 0
    monkeypatch.setattr("sts.search.duplicates.MAX_PAIRS", 100)
    with pytest.raises(UsageError, match="more than 100 pairs are this similar; raise it"):
        near_pairs(index, vectors, live, 0.5, breadth=1, say=lambda line: None)
