import itertools
import re

import numpy as np
import pytest

from sts.cli import run
from sts.errors import UsageError
from sts.models.coverage import Coverage
from sts.search import SentenceIndex
from sts.search.build import build_index
from sts.search.command import build, query
from sts.search.duplicates import NearPairs
from sts.search.duplicates_command import duplicates
from sts.search.store import Store
from sts.search.unread import Unread, find_unread, readable, with_claims


class Reader:
    """Reads Hangul; what else there is, it misses."""

    def read(self, sentences):
        found = {}
        for place, text in enumerate(sentences):
            letters = text.replace(" ", "")
            missed = re.sub("[가-힣]", "", letters)
            if missed:
                found[place] = Coverage(re.sub("[^가-힣]", "", letters), missed)
        return found


SENTENCES = ["😀", "😡", "안녕", "안녕 😀", "😀", "가 สวัสดี", "가 ขอบคุณ", "안녕 😡", "สวัสดี"]


@pytest.fixture
def store(tmp_path, model):
    path = tmp_path / "s.txt"
    path.write_text("\n".join(SENTENCES) + "\n", encoding="utf-8")
    build_index(model, ("the model", "letters"), path, tmp_path / "index", say=lambda line: None)
    opened = Store(tmp_path / "index")
    yield opened
    opened.close()


def test_what_is_not_read_of_an_index(store):
    seen = []
    unread = find_unread(store, Reader(), np.arange(9), seen.append)
    assert sorted(unread.coverage) == [0, 1, 3, 4, 5, 6, 7, 8]
    assert unread.rows.tolist() == [0, 1, 4, 5, 6, 8]
    assert unread.same == [(0, 4)]
    assert sum(seen) == 9
    assert readable(np.arange(9), unread).tolist() == [2, 3, 7]


def test_removed_rows_are_not_looked_at(store):
    unread = find_unread(store, Reader(), np.array([0, 2, 3]), lambda count: None)
    assert unread.rows.tolist() == [0]
    assert unread.same == []
    assert readable(np.array([0, 2, 3]), unread).tolist() == [2, 3]


def test_where_all_is_read_nothing_changes(store):
    unread = find_unread(store, Reader(), np.array([2]), lambda count: None)
    found = NearPairs(np.array([2]), np.array([3]), np.array([0.9], np.float32))
    assert (unread.coverage, len(unread.rows), unread.same) == ({}, 0, [])
    assert with_claims(found, unread) == (found, 0)
    assert readable(np.array([2]), unread).tolist() == [2]


def test_too_many_copies_of_what_can_not_be_read_are_told(store, monkeypatch):
    monkeypatch.setattr("sts.search.unread.MAX_PAIRS", 0)
    with pytest.raises(UsageError, match="more than 0 pairs of sentences that the model can't read have the same"):
        find_unread(store, Reader(), np.arange(9), lambda count: None)


def test_near_pairs_lose_those_that_differ_in_what_was_not_read_and_gain_those_of_one_text():
    coverage = {1: Coverage("안녕", "😀"), 2: Coverage("안녕", "😡"), 3: Coverage("안녕", "😀"), 7: Coverage("", "😀")}
    unread = Unread(coverage, np.array([7, 9]), [(7, 9)])
    rows = [(0, 1, 0.99), (1, 2, 0.98), (1, 3, 0.97), (4, 5, 0.96)]
    a, b, cosines = (np.array(column) for column in zip(*rows, strict=True))
    found, left_out = with_claims(NearPairs(a, b, cosines.astype(np.float32)), unread)
    assert left_out == 1
    assert list(zip(found.a.tolist(), found.b.tolist(), strict=True)) == [(7, 9), (0, 1), (1, 3), (4, 5)]
    assert found.cosines.tolist() == pytest.approx([1.0, 0.99, 0.97, 0.96])


@pytest.fixture(scope="module")
def bundled(tmp_path_factory):
    """An index of other scripts and emoji, by the bundled bi-encoder."""
    folder = tmp_path_factory.mktemp("unread")
    lines = ["😀", "😡", "สวัสดี", "ขอบคุณ", "안녕하세요 😀", "안녕하세요 😡", "안녕하세요", "안녕하세요", "😀"]
    (folder / "s.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    words = ["--sentences", str(folder / "s.txt"), "--index", str(folder / "index")]
    assert run(build, "sts search build", words) == 0
    return folder / "index"


def test_only_the_same_text_is_a_duplicate_of_what_can_not_be_read(bundled, tmp_path, capsys):
    out = tmp_path / "d.csv"
    assert run(duplicates, "sts search duplicates", ["--index", str(bundled), "--output", str(out)]) == 0
    lines = out.read_text(encoding="utf-8-sig").splitlines()[1:]
    assert sorted(tuple(line.split(",")[:2]) for line in lines) == [("1", "9"), ("7", "8")]
    said = capsys.readouterr().out
    assert "5 sentences hold more that the model does not know than that it knows: only the same text" in said
    assert "1 pairs left out that differ in what the model does not know" in said


@pytest.mark.parametrize("text", ["😀", "สวัสดี"])
def test_a_query_that_can_not_be_read_finds_its_own_text_alone(bundled, text, capsys):
    with SentenceIndex.open(bundled) as index:
        (hits,) = index.search([text], 9)
    assert {hit.sentence for hit in hits if not hit.unread} == {text}
    for hit in hits:
        assert hit.score == (5.0 if hit.sentence == text else 0.0)
        assert hit.unknown == 1.0
    assert run(query, "sts search query", [text, "--index", str(bundled)]) == 0
    assert f"100% of the sentence is not known to the model: {text}" in capsys.readouterr().err


def test_a_sentence_with_an_emoji_does_not_mean_the_emoji(bundled):
    with SentenceIndex.open(bundled) as index:
        (hits,) = index.search(["오늘 회의는 취소되었습니다 😀"], 9)
    assert [hit.sentence for hit in hits if hit.sentence == "😀" and (hit.score >= 3 or not hit.unread)] == []


def test_hits_that_differ_in_what_was_not_read_alone_are_marked(bundled):
    with SentenceIndex.open(bundled) as index:
        (hits,) = index.search(["안녕하세요 😡"], 3)
    assert {hit.sentence: hit.unread for hit in hits} | {"안녕하세요": False} == {
        "안녕하세요 😀": True,
        "안녕하세요 😡": False,
        "안녕하세요": False,
    }


def test_a_build_tells_how_many_sentences_it_does_not_know_whole(tmp_path, capsys):
    (tmp_path / "s.txt").write_text("안녕 😀\n😀\n가나다\n", encoding="utf-8")
    words = ["--sentences", str(tmp_path / "s.txt"), "--index", str(tmp_path / "index")]
    assert run(build, "sts search build", words) == 0
    told = "2 sentences hold text that the model does not know, 1 of them nothing else"
    assert told in capsys.readouterr().out


def test_of_one_text_each_pair_of_copies_is_found(store):
    unread = find_unread(store, Reader(), np.arange(9), lambda count: None)
    copies = [row for row, text in enumerate(SENTENCES) if text == "😀"]
    assert unread.same == list(itertools.combinations(copies, 2))
