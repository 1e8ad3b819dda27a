"""How exported scorers share a processor."""

import os
import shutil
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from sts.errors import ScorerError
from sts.models import load_scorer

from .conftest import FIRST, SECOND, exported


@pytest.fixture(params=["cross", "bi"])
def folder(request, make, tmp_path):
    exported(make(request.param), tmp_path / "fp32", "fp32")
    return tmp_path / "fp32"


def values(scorer, first, second):
    return scorer.encode([*first, *second]).vectors if scorer.info.mode == "bi" else scorer.score(first, second).scores


def test_one_thread_or_several_alone_or_side_by_side_the_scores_are_the_same(folder):
    first, second = FIRST * 20, [f"{sentence} {number}" for number in range(20) for sentence in SECOND]
    expected = values(load_scorer(folder, threads=1), first, second)
    for threads in (2, 3, 8):
        scorer = load_scorer(folder, threads=threads)
        assert scorer.runtime.lanes.count == threads
        np.testing.assert_allclose(values(scorer, first, second), expected, atol=1e-5)
        np.testing.assert_allclose(values(scorer, first[:1], second[:1])[0], expected[0], atol=1e-5)


def test_threads_of_a_server_compute_at_the_same_time(folder):
    scorer = load_scorer(folder, threads=4)
    expected = values(scorer, FIRST, SECOND)
    with ThreadPoolExecutor(16) as pool:
        for found in pool.map(lambda _: values(scorer, FIRST, SECOND), range(200)):
            np.testing.assert_allclose(found, expected, atol=1e-5)


def test_a_model_that_another_one_replaces_stays_the_one_it_was(folder, make, tmp_path):
    scorer = load_scorer(folder, threads=2)
    expected, digest = values(scorer, FIRST[:1], SECOND[:1]), scorer.fingerprint
    (tmp_path / "other").mkdir()
    shutil.copyfile(folder / "model.onnx", tmp_path / "other" / "model.onnx")
    with (tmp_path / "other" / "model.onnx").open("r+b") as file:
        file.seek(-100, os.SEEK_END)
        file.write(b"x" * 100)
    os.replace(tmp_path / "other" / "model.onnx", folder / "model.onnx")
    # the session for batches side by side is made only now
    np.testing.assert_allclose(values(scorer, FIRST * 20, SECOND * 20)[:1], expected[:1], atol=1e-5)
    assert scorer.fingerprint == digest


def test_a_model_that_is_changed_in_place_is_told(folder):
    scorer = load_scorer(folder, threads=2)
    with (folder / "model.onnx").open("ab") as file:
        file.write(b"x")
    with pytest.raises(ScorerError, match=r"model\.onnx: was changed while it was in use; load the scorer again"):
        values(scorer, [f"{FIRST[0]} {number}" for number in range(50)], SECOND[:1] * 50)


def test_batches_are_as_large_as_the_cache_and_never_empty(folder):
    lanes = load_scorer(folder, threads=2).runtime.lanes
    assert lanes.rows(longest=lanes.tokens // 4, most=64) == 4
    assert lanes.rows(longest=1, most=64) == 64
    assert lanes.rows(longest=10 * lanes.tokens, most=64) == 1
