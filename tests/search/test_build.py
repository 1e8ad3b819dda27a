"""Builds, changes, and what is left of them when they are killed."""

import json
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from sts.errors import DataError, SearchError, UsageError
from sts.search import SentenceIndex
from sts.search.build import add_sentences, build_index, delete_sentences
from sts.search.change import changing
from sts.search.index import read_state
from sts.search.rows import Row
from sts.search.store import Store

from .conftest import make_index, sentences

TESTS = Path(__file__).parent.parent


def build(model, source, folder, **options):
    return build_index(model, ("the model", "letters"), source, folder, say=lambda line: None, **options)


@pytest.fixture
def _small_chunks(monkeypatch):
    monkeypatch.setattr("sts.search.build.CHUNK", 100)


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "sentences.txt"
    path.write_text("\n".join(sentences(450)) + "\n", encoding="utf-8")
    return path


@pytest.mark.usefixtures("_small_chunks")
def test_an_interrupted_build_goes_on_where_it_was(tmp_path, model, source):
    class Stopped(type(model)):
        def encode(self, texts, **options):
            if len(self.encoded) == 200:
                raise KeyboardInterrupt
            return super().encode(texts, **options)

    with pytest.raises(KeyboardInterrupt):
        build(Stopped(), source, tmp_path / "index", kind="ivfflat")
    assert not (tmp_path / "index").exists()
    assert (tmp_path / "index.partial").is_dir()
    state = build(model, source, tmp_path / "index", kind="ivfflat")
    assert len(model.encoded) == 250, "what was done is not done again"
    assert (state.rows, state.kind) == (450, "ivfflat")
    assert not (tmp_path / "index.partial").exists()
    with SentenceIndex.open(tmp_path / "index", model) as index:
        assert index.search([sentences(450)[440]], 1)[0][0].id == "441", "a text file's ids are its numbers"


@pytest.mark.usefixtures("_small_chunks")
def test_another_build_does_not_go_on_with_it(tmp_path, model, source):
    class Stopped(type(model)):
        def encode(self, texts, **options):
            if self.encoded:
                raise KeyboardInterrupt
            return super().encode(texts, **options)

    with pytest.raises(KeyboardInterrupt):
        build(Stopped(), source, tmp_path / "index")
    with pytest.raises(SearchError, match="built with another model"):
        build(type(model)(fingerprint="other"), source, tmp_path / "index")
    source.write_text("다른 문장\n", encoding="utf-8")
    with pytest.raises(SearchError, match="holds an unfinished build of another file, or of this one as it was before"):
        build(model, source, tmp_path / "index")


@pytest.mark.usefixtures("_small_chunks")
def test_bad_rows_stop_a_build_or_are_counted(tmp_path, model):
    path = tmp_path / "rows.jsonl"
    lines = [
        {"sentence": "좋은 문장", "id": 1},
        {"sentence": ""},
        {"sentence": "둘", "tags": [1]},
        {"sentence": "또", "id": 2},
    ]
    path.write_text("\n".join(json.dumps(line) for line in lines), encoding="utf-8")
    with pytest.raises(DataError, match=r"rows\.jsonl, line 2: field 'sentence' is empty"):
        build(model, path, tmp_path / "index")
    state = build(model, path, tmp_path / "index", on_bad_row="skip")
    assert (state.rows, state.skipped, state.consumed) == (2, 2, 4)


def test_a_folder_of_somebody_elses_is_not_touched(tmp_path, model, source):
    (tmp_path / "index.partial").mkdir()
    (tmp_path / "index.partial" / "thesis.txt").write_text("몇 해의 일")
    with pytest.raises(SearchError, match="is needed for the build and is something else"):
        build(model, source, tmp_path / "index")
    assert (tmp_path / "index.partial" / "thesis.txt").read_text() == "몇 해의 일"


def test_two_builds_of_one_index_do_not_meet(tmp_path, model, source):
    class Second(type(model)):
        def encode(self, texts, **options):
            with pytest.raises(SearchError, match="another process is building this index"):
                build(model, source, tmp_path / "index")
            return super().encode(texts, **options)

    assert build(Second(), source, tmp_path / "index").rows == 450
    assert sorted(path.name for path in tmp_path.iterdir()) == ["index", "sentences.txt"]


def test_an_id_that_comes_twice_is_named(tmp_path, model):
    with pytest.raises(SearchError, match="line 3: the id 'a' is there already; give each sentence its own id"):
        make_index(tmp_path / "index", model, [("a", "하나", "", ""), ("a", "둘", "", "")])


def test_a_file_without_sentences(tmp_path, model):
    (tmp_path / "empty.txt").write_text("\n\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"empty\.txt: holds no sentence that can be used"):
        build(model, tmp_path / "empty.txt", tmp_path / "index")
    with pytest.raises(DataError, match="no such file"):
        build(model, tmp_path / "nowhere.txt", tmp_path / "index")


def test_a_new_sentence_without_id_does_not_push_another_out(tmp_path, model):
    make_index(tmp_path / "index", model, [("3", "셋", "", ""), ("x", "다른 문장", "", "")])
    with pytest.raises(SearchError, match="the id '3' is there already; give these sentences ids"):
        add_sentences(tmp_path / "index", model, [Row("새 문장")], say=lambda line: None)
    assert read_state(tmp_path / "index").rows == 2


def test_one_writer_at_a_time_and_readers_beside_it(tmp_path, model, monkeypatch):
    monkeypatch.setattr("sts.search.change.WRITER_WAIT", 0.1)
    make_index(tmp_path / "index", model, sentences(300), kind="ivfflat")
    store = Store(tmp_path / "index")
    with SentenceIndex.open(tmp_path / "index", model) as reader, changing(store) as change:
        change.append([Row("새로운 문장", "new")], model.encode(["새로운 문장"]).vectors, replacing=True)
        change.delete(["7"])
        with pytest.raises(SearchError, match="another process is changing this index"):
            delete_sentences(tmp_path / "index", ["8"])
        # the reader sees the index as before, until the commit
        assert reader.search(["새로운 문장"], 1)[0][0].id != "new"
        assert reader.search([sentences(300)[7]], 1)[0][0].id == "7"
    store.close()
    with SentenceIndex.open(tmp_path / "index", model) as after:
        assert after.search(["새로운 문장"], 1)[0][0].id == "new"
        assert after.search([sentences(300)[7]], 1)[0][0].id != "7"


KILLED = """
import os, signal, sqlite3, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from search.conftest import Letters, sentences
from sts.search import build, change
from sts.search.rows import Row

limit, calls = int(sys.argv[3]), 0

def step():
    global calls
    calls += 1
    if calls == limit:
        os.kill(os.getpid(), signal.SIGKILL)

def counted(function):
    def wrapper(*words, **options):
        step()
        result = function(*words, **options)
        step()
        return result
    return wrapper

os.fsync = counted(os.fsync)
Path.replace = counted(Path.replace)
Path.unlink = counted(Path.unlink)

class Steps:
    # every statement is a moment to be killed at
    def __init__(self, database):
        self.database = database
    def execute(self, *words):
        step()
        return self.database.execute(*words)
    def __getattr__(self, name):
        return getattr(self.database, name)

before = build.Store.__init__
def opened(self, folder):
    before(self, folder)
    self.database = Steps(self.database)
build.Store.__init__ = opened

folder, model = Path(sys.argv[2]), Letters()
if sys.argv[4] == "add":
    rows = [Row(f"새 문장 {n}", f"new{n}") for n in range(40)] + [Row("바뀐 문장", "5")]
    build.add_sentences(folder, model, rows, say=lambda line: None)
else:
    build.delete_sentences(folder, [str(n) for n in range(100)])
print(calls)
"""


@pytest.mark.parametrize("action", ["add", "delete"])
def test_killed_at_any_moment_it_is_as_before_or_as_after(tmp_path, model, action):
    """SIGKILL before and after each fsync, rename, removal of a file and SQL statement, in turn."""
    import shutil

    make_index(tmp_path / "index", model, sentences(300), kind="ivfflat")
    script = tmp_path / "killed.py"
    script.write_text(textwrap.dedent(KILLED), encoding="utf-8")

    def run(folder, limit):
        words = [sys.executable, str(script), str(TESTS), str(folder), str(limit), action]
        return subprocess.run(words, capture_output=True, text=True, env=os.environ | {"OMP_NUM_THREADS": "1"})

    shutil.copytree(tmp_path / "index", tmp_path / "whole")
    whole = run(tmp_path / "whole", 0)
    assert whole.returncode == 0, whole.stderr
    steps = int(whole.stdout)
    assert steps > 30
    outcomes = set()
    # the first and the last ones, where files are written and committed, and some between
    moments = sorted({*range(1, 8), *range(8, steps - 12, max(1, steps // 12)), *range(steps - 12, steps + 1)})
    for limit in moments:
        folder = tmp_path / f"killed{limit}"
        shutil.copytree(tmp_path / "index", folder)
        assert run(folder, limit).returncode == -signal.SIGKILL
        with SentenceIndex.open(folder, model) as index:
            outcomes.add(len(index))
            if action == "add":
                assert len(index) in (300, 340)
                done = len(index) == 340
                assert (index.search(["새 문장 7"], 1)[0][0].id == "new7") == done
                assert (index.search(["바뀐 문장"], 1)[0][0].id == "5") == done
                assert (index.search([sentences(300)[5]], 1)[0][0].id == "5") != done
            else:
                assert len(index) in (200, 300)
                found = {index.search([text], 1)[0][0].id for text in sentences(300)[:100:20]}
                assert (found == {"0", "20", "40", "60", "80"}) == (len(index) == 300)
        # and it can be changed again
        add_sentences(folder, model, [Row("그 뒤의 문장", "later")], say=lambda line: None)
        with SentenceIndex.open(folder, model) as index:
            assert index.search(["그 뒤의 문장"], 1)[0][0].id == "later"
        assert len(list(folder.glob("index-*"))) == 1
        shutil.rmtree(folder)
    assert len(outcomes) == 2, "it was killed both before and after the commit"


def test_where_an_index_may_be_built(tmp_path):
    from sts.search.build import check_target

    check_target(tmp_path / "new")
    with pytest.raises(UsageError, match="is there already"):
        check_target(tmp_path)
