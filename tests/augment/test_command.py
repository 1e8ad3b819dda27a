import csv
import json
import subprocess
import sys
import time
import tracemalloc

import pytest

from sts.augment.command import augment
from sts.cli import run
from sts.pairs.load import bundled_file
from sts.pairs.rows import read_pairs

ROWS = [
    ("r1", "airbnb", "방이 정말 깨끗해요.", "숙소가 아주 깔끔합니다.", "4.25", "1"),
    ("", "", "불을 빨리 꺼 주세요.", "메일을 빨리 지워 주세요.", "0.5", ""),
    ("r3", "news", "정부가 새 대책을 발표했다.", "정부가 곧 대책을 내놓는다.", "3", "1"),
]
HEADER = ["guid", "source", "sentence1", "sentence2", "label", "binary_label"]


@pytest.fixture
def pairs_file(tmp_path):
    path = tmp_path / "pairs.csv"
    with path.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows([HEADER, *ROWS])
    return path


def call(*words):
    return run(augment, "augment", [str(word) for word in words])


def read(path):
    if path.suffix == ".jsonl":
        return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    with path.open(encoding="utf-8-sig" if path.suffix == ".csv" else "utf-8", newline="") as stream:
        quoting = {"delimiter": "\t", "quoting": csv.QUOTE_NONE} if path.suffix == ".tsv" else {}
        return list(csv.DictReader(stream, **quoting))


def swapped(row):
    return {**row, "sentence1": row["sentence2"], "sentence2": row["sentence1"]}


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".jsonl"])
def test_the_output_holds_the_pairs_and_then_the_new_ones(pairs_file, tmp_path, suffix):
    out = tmp_path / f"out{suffix}"
    assert call("--data", pairs_file, "--output", out, "--methods", "swap", "--new-per-pair", 1) == 0
    given = list(read_pairs(pairs_file))
    new = [
        ("r1-swap1", given[0].sentence2, given[0].sentence1, 4.25, "airbnb", 1),
        ("2-swap1", given[1].sentence2, given[1].sentence1, 0.5, None, None),
        ("r3-swap1", given[2].sentence2, given[2].sentence1, 3.0, "news", 1),
    ]
    written = list(read_pairs(out))
    assert written[:3] == given
    found = [(row.guid, row.sentence1, row.sentence2, row.label, row.source, row.binary_label) for row in written[3:]]
    assert found == new
    assert list(read(out)[0]) == HEADER


def test_only_the_new_pairs_when_asked(pairs_file, tmp_path, capsys):
    out = tmp_path / "out.csv"
    assert call("--data", pairs_file, "--output", out, "--methods", "swap", "--only-new") == 0
    assert [row["guid"] for row in read(out)] == ["r1-swap1", "2-swap1", "r3-swap1"]
    assert capsys.readouterr().out.splitlines()[-1] == f"3 pairs, 3 of them new: {out}"


def test_columns_that_no_pair_has_are_not_written(tmp_path):
    source, out = tmp_path / "a.tsv", tmp_path / "out.tsv"
    source.write_text("sentence1\tsentence2\tlabel\n가 나\t다 라\t1\n", encoding="utf-8")
    assert call("--data", source, "--output", out, "--methods", "swap") == 0
    assert [list(row.values()) for row in read(out)] == [
        ["", "가 나", "다 라", "1.0"],
        ["1-swap1", "다 라", "가 나", "1.0"],
    ]
    assert list(read(out)[0]) == ["guid", "sentence1", "sentence2", "label"]


def test_the_first_line_says_what_happens_and_the_last_where_it_is(pairs_file, tmp_path, capsys):
    out = tmp_path / "out.csv"
    assert call("--data", pairs_file, "--output", out, "--methods", "swap:1", "rd:3", "--seed", 7) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"augmenting {pairs_file} into {out}: up to 4 new pairs from each by swap:1, rd:3; seed 7"
    assert lines[1] == f"data: {pairs_file}: 3 pairs"
    assert lines[-1] == f"{len(read(out))} pairs, {len(read(out)) - 3} of them new: {out}"
    table = {" ".join(line.split()[:-1]): line.split()[-1] for line in lines[4:-1] if line.strip()}
    assert table["pairs"] == "3"
    assert table["new pairs wanted"] == "12"
    assert table["by swap: order swap of the two sentences"] == "3"
    assert int(table["new pairs"]) == 3 + int(table["by rd: random deletion of words"]) == len(read(out)) - 3


def test_the_default_is_eda_and_the_same_seed_makes_the_same_file(tmp_path, capsys):
    first, second, other = (tmp_path / f"{name}.jsonl" for name in "abc")
    for out, seed in ((first, 1), (second, 1), (other, 2)):
        assert call("--data", "sample-test", "--new-per-pair", 1, "--output", out, "--seed", seed, "--only-new") == 0
    assert "by sr, ri, rs, rd;" in capsys.readouterr().out
    assert first.read_bytes() == second.read_bytes() != other.read_bytes()
    kinds = {row["guid"].rpartition("-")[2][:2] for row in read(first)}
    assert kinds == {"sr", "ri", "rs", "rd"}
    assert 80 < len(read(first)) <= 100


def test_json_prints_the_counts_and_nothing_else_on_standard_output(pairs_file, tmp_path, capsys):
    out = tmp_path / "out.csv"
    assert call("--data", pairs_file, "--output", out, "--methods", "swap", "--json") == 0
    printed = capsys.readouterr()
    counts = json.loads(printed.out)
    assert counts["mix"] == {"swap": 1.0}
    assert counts["methods"] == {"swap": 3}
    assert (counts["pairs"], counts["wanted"], counts["new"], counts["unchanged"]) == (3, 12, 3, 9)
    assert counts["settings"]["new_per_pair"] == 4
    assert counts["output"] == str(out)
    assert printed.err.startswith("augmenting ")


def test_held_out_sentences_do_not_occur_in_the_output(pairs_file, tmp_path, capsys):
    held_out, out = tmp_path / "test.tsv", tmp_path / "out.csv"
    held_out.write_text(f"sentence1\tsentence2\n{ROWS[0][3]}\t다른 문장\n", encoding="utf-8")
    assert call("--data", pairs_file, "--output", out, "--held-out", held_out) == 0
    assert all(ROWS[0][3] not in (row["sentence1"], row["sentence2"]) for row in read(out))
    assert [row["guid"] for row in read(out)][:2] == ["", "r3"]
    assert "pairs left out for a held-out sentence 1" in " ".join(capsys.readouterr().out.split())


def test_a_held_out_row_that_can_not_be_read_stops_all(pairs_file, tmp_path, capsys):
    held_out = tmp_path / "test.tsv"
    held_out.write_text("sentence1\tsentence2\n혼자\n", encoding="utf-8")
    assert call("--data", pairs_file, "--output", tmp_path / "out.csv", "--held-out", held_out) == 2
    assert "--held-out" in (error := capsys.readouterr().err)
    assert "test.tsv, line 2: the row has 1 fields" in error
    assert not (tmp_path / "out.csv").exists()


def test_bad_rows_stop_or_are_skipped_and_listed(pairs_file, tmp_path, capsys):
    with pairs_file.open("a", encoding="utf-8") as stream:
        stream.write("r4,,가,나,9,\n")
    words = ["--data", pairs_file, "--output", tmp_path / "out.csv", "--methods", "swap"]
    assert call(*words) == 2
    assert "line 5: field 'label' is 9" in capsys.readouterr().err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["pairs.csv"]
    assert call(*words, "--on-bad-row", "skip") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].startswith(f"  skipped {pairs_file}, line 5")
    assert lines[2] == f"data: {pairs_file}: 3 pairs, 1 bad rows skipped"
    assert len(read(tmp_path / "out.csv")) == 6


def test_a_file_without_a_pair_is_an_error(tmp_path, capsys):
    source = tmp_path / "a.csv"
    source.write_text("sentence1,sentence2,label\n", encoding="utf-8")
    assert call("--data", source, "--output", tmp_path / "out.csv") == 2
    assert "a.csv: no usable pair among 0 rows" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--output", "out.xls"], "--output out.xls: allowed are files that end in .tsv, .csv, .jsonl, .xlsx"),
        (["--output", "pairs.csv"], "--output pairs.csv: is an input file; name another"),
        (["--output", "pairs.csv", "--overwrite"], "--output pairs.csv: is an input file; name another"),
        (["--output", "there.csv"], "--output there.csv: the file exists; name another one, or add --overwrite"),
        (["--output", "folder.csv", "--overwrite"], "--output folder.csv: is a folder; name a file"),
        (["--output", "a.csv", "--seed", "-1"], "--seed is -1, allowed is 0 or more"),
        (["--output", "a.csv", "--workers", "0"], "--workers is 0, allowed is 1 to 1024"),
        (["--output", "a.csv", "--methods", "magic"], "method 'magic' is not known"),
        (["--output", "a.csv", "--methods", "swap", "--alpha", "0.2"], "--alpha goes with the methods sr, ri"),
        (["--output", "a.csv", "--label-with", "nowhere"], "nowhere"),
        (["--output", "a.csv", "--held-out", "nowhere.csv"], "nowhere.csv: no such file"),
        (["--output", "a.csv", "--thesaurus", "nowhere.csv"], "nowhere.csv: neither kiwi nor wordnet, and no such"),
    ],
)
def test_wrong_calls_say_what_to_do_and_leave_nothing(pairs_file, monkeypatch, tmp_path, words, message, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "there.csv").write_text("mine", encoding="utf-8")
    (tmp_path / "folder.csv").mkdir()
    before = sorted(tmp_path.iterdir())
    assert call("--data", "pairs.csv", *words) == 2
    error = capsys.readouterr().err
    assert message in error
    assert "Traceback" not in error
    assert sorted(tmp_path.iterdir()) == before
    assert (tmp_path / "there.csv").read_text(encoding="utf-8") == "mine"


def test_an_existing_file_is_replaced_when_asked(pairs_file, tmp_path):
    out = tmp_path / "out.csv"
    out.write_text("old", encoding="utf-8")
    assert call("--data", pairs_file, "--output", out, "--methods", "swap", "--overwrite") == 0
    assert len(read(out)) == 6


def test_ctrl_c_leaves_the_old_file_and_no_half_of_a_new_one(pairs_file, tmp_path, monkeypatch, capsys):
    class Stopped:
        name = "rd"

        def vary(self, sentences, generators):
            raise KeyboardInterrupt

    monkeypatch.setattr("sts.augment.run.make_methods", lambda mix, settings: {"rd": Stopped()})
    out = tmp_path / "out.csv"
    out.write_text("old", encoding="utf-8")
    assert call("--data", pairs_file, "--output", out, "--methods", "rd", "--overwrite") == 130
    assert "stopped" in capsys.readouterr().err
    assert out.read_text(encoding="utf-8") == "old"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.csv", "pairs.csv"]


def test_sigterm_leaves_no_half_of_a_file(tmp_path):
    words = ["--data", "sample", "--output", str(tmp_path / "out.csv"), "--new-per-pair", "1000"]
    with subprocess.Popen(
        [sys.executable, "-m", "sts.augment", *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        deadline = time.monotonic() + 60
        while not any(path.stat().st_size for path in tmp_path.glob(".out.csv.*.partial")):
            assert process.poll() is None, process.stderr.read()
            assert time.monotonic() < deadline
            time.sleep(0.02)
        process.terminate()
        _, error = process.communicate(timeout=60)
    assert process.returncode == 130
    assert error.endswith("python -m sts.augment: stopped\n")
    assert "Traceback" not in error
    assert list(tmp_path.iterdir()) == []


def test_labels_are_checked_by_a_scorer(pairs_file, tmp_path, monkeypatch, capsys):
    import numpy as np

    from sts.models import Scored

    class Favours:
        """Gives 4 points to pairs that begin with the second sentence of the first row, else 2."""

        def score(self, sentence1, sentence2, *, batch_size=64, progress=False):
            scores = np.array([4.0 if text == ROWS[0][3] else 2.0 for text in sentence1], dtype=np.float32)
            none = np.zeros(len(scores), bool)
            return Scored(scores, none, none, none.astype(np.float32), none)

    asked = []
    monkeypatch.setattr("sts.models.load_scorer", lambda folder: asked.append(folder) or Favours())
    words = ["--data", pairs_file, "--methods", "swap", "--only-new", "--label-with", tmp_path / "model", "--json"]
    assert call(*words, "--output", tmp_path / "a.csv") == 0
    assert [(row["label"], row["binary_label"]) for row in read(tmp_path / "a.csv")] == [
        ("5.0", ""),
        ("0.5", ""),
        ("3.0", "1"),
    ]
    assert json.loads(capsys.readouterr().out)["relabelled"] == 1
    assert call(*words, "--output", tmp_path / "b.csv", "--label-action", "drop", "--label-bound", 1) == 0
    assert [row["guid"] for row in read(tmp_path / "b.csv")] == ["2-swap1", "r3-swap1"]
    assert json.loads(capsys.readouterr().out)["label_dropped"] == 1
    assert call(*words, "--output", tmp_path / "c.csv", "--label-bound", 2) == 0
    assert [row["label"] for row in read(tmp_path / "c.csv")] == ["4.25", "0.5", "3.0"]
    assert asked == [tmp_path / "model"] * 3


def test_memory_does_not_grow_with_the_file(tmp_path):
    peaks = []
    for rows in (10, 1_000, 4_000):  # the first one imports what the others find imported
        source = tmp_path / f"{rows}.csv"
        lines = [f"첫 문장 {row} 번입니다,둘째 문장입니다,2" for row in range(rows)]
        source.write_text("\n".join(["sentence1,sentence2,label", *lines]) + "\n", encoding="utf-8")
        tracemalloc.start()
        words = ["--output", tmp_path / f"{rows}.out.csv", "--methods", "swap", "--new-per-pair", 1]
        assert call("--data", source, *words) == 0
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert len(read(tmp_path / f"{rows}.out.csv")) == 2 * rows
    assert peaks[2] < 1.3 * peaks[1]


def test_the_sample_can_be_augmented_by_its_name(tmp_path):
    out = tmp_path / "out.csv"
    assert call("--data", "sample", "--output", out, "--methods", "swap", "--held-out", "sample-test") == 0
    assert [row.guid for row in list(read_pairs(out))[:2]] == [
        row.guid for row in list(read_pairs(bundled_file("sample", "train.csv")))[:2]
    ]
    assert len(read(out)) == 720
