import csv
import json
import unicodedata

import pytest

from sts.cli import run
from sts.pairs import load_pairs
from sts.pairs.convert_command import convert

HEADER = "sentence1,sentence2,label\n"


def call(*words):
    return run(convert, "sts pairs convert", ["--data", *map(str, words)])


def write(path, text):
    path.write_text(text, encoding="utf-8")
    return path


def rows(path):
    with path.open(encoding="utf-8-sig", newline="") as stream:
        return [tuple(row.values()) for row in csv.DictReader(stream)]


@pytest.mark.parametrize(
    ("labels", "options", "expected"),
    [
        ((0, 2.5, 5), (), ("0.0", "2.5", "5.0")),
        ((0, 1, 1), ("--label-scale", "binary"), ("0.0", "5.0", "5.0")),
        (("True", "false", "yes"), ("--label-scale", "binary"), ("5.0", "0.0", "5.0")),
        ((0, 1, 1), ("--label-scale", "binary", "--invert-labels"), ("5.0", "0.0", "0.0")),
        ((0.2, 0.5, 1), ("--label-scale", "0-1"), ("1.0", "2.5", "5.0")),
        ((1, 3, 5), ("--label-scale", "1-5"), ("0.0", "2.5", "5.0")),
        ((0, 20, 100), ("--label-scale", "min-max"), ("0.0", "1.0", "5.0")),
        ((0, 2, 5), ("--invert-labels",), ("5.0", "3.0", "0.0")),
    ],
)
def test_labels_come_out_from_0_to_5(tmp_path, labels, options, expected):
    path = write(tmp_path / "a.csv", HEADER + "".join(f"문장 {n},말 {n},{label}\n" for n, label in enumerate(labels)))
    out = tmp_path / "b.csv"
    assert call(path, "--output", out, *options) == 0
    assert rows(out) == [(f"문장 {n}", f"말 {n}", label) for n, label in enumerate(expected)]


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".jsonl", ".xlsx"])
def test_what_comes_out_is_read_without_any_option(tmp_path, suffix, capsys):
    text = "질문 1;질문 2;중복\n'가' \"나\";=다, 라;0\n마;바;1\n"
    path = tmp_path / "a.csv"
    path.write_bytes(text.encode("cp949"))
    options = "--encoding cp949 --label-scale binary --invert-labels --columns".split()
    out = tmp_path / f"b{suffix}"
    assert call(path, "--output", out, *options, "sentence1=질문1", "sentence2=질문2", "label=중복") == 0
    assert f"2 pairs: {out}" in capsys.readouterr().out
    loaded = load_pairs([str(out)], announce=lambda line: None).pairs
    assert list(zip(*(loaded[name][:] for name in ("sentence1", "sentence2", "label")), strict=True)) == [
        ("'가' \"나\"", "=다, 라", 5.0),
        ("마", "바", 0.0),
    ]


def test_rows_that_are_the_same_in_one_form_come_once(tmp_path, capsys):
    line = "방이 넓어요,객실이 넓습니다,4\n"
    path = write(tmp_path / "a.csv", HEADER + line + unicodedata.normalize("NFD", line) + line.replace(",4", ",3"))
    assert call(path, "--output", tmp_path / "b.csv") == 0
    assert rows(tmp_path / "b.csv") == [
        ("방이 넓어요", "객실이 넓습니다", "4.0"),
        ("방이 넓어요", "객실이 넓습니다", "3.0"),
    ]
    assert "2 pairs, 1 exact duplicate removed" in capsys.readouterr().err


def test_what_else_is_known_of_a_pair_is_kept(tmp_path):
    labels = {"label": 1.0, "real-label": 1.25, "binary-label": 0}
    row = {"guid": "g1", "source": "s", "sentence1": "가", "sentence2": "나", "labels": labels}
    path = write(tmp_path / "a.json", json.dumps([row], ensure_ascii=False))
    assert call(path, "--output", tmp_path / "b.jsonl") == 0
    assert json.loads((tmp_path / "b.jsonl").read_text(encoding="utf-8")) == {
        "sentence1": "가", "sentence2": "나", "label": 1.25, "guid": "g1", "source": "s", "binary_label": 0
    }  # fmt: skip


def test_a_binary_label_is_turned_round_with_the_label(tmp_path):
    path = write(tmp_path / "a.csv", "sentence1,sentence2,label,binary_label\n가,나,0,0\n다,라,5,1\n")
    assert call(path, "--output", tmp_path / "b.csv", "--invert-labels") == 0
    assert rows(tmp_path / "b.csv") == [("가", "나", "5.0", "1"), ("다", "라", "0.0", "0")]


def test_bad_rows_stop_or_are_listed(tmp_path, capsys):
    path = write(tmp_path / "a.csv", HEADER + '가,나,3\n"다,라,4\n마,바,nan\n사,아,2\n')
    out = tmp_path / "b.csv"
    assert call(path, "--output", out) == 2
    assert f"{path}, line 3: broken CSV" in capsys.readouterr().err
    assert not out.exists()
    assert call(path, "--output", out, "--on-bad-row", "skip") == 0
    assert rows(out) == [("가", "나", "3.0"), ("사", "아", "2.0")]
    told = capsys.readouterr().err
    assert "2 pairs, 2 bad rows skipped" in told
    assert f"skipped {path}, line 4: field 'label' is 'nan'; it must be a number from 0 to 5" in told


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--output", "b.xls"], "--output b.xls: allowed are files that end in .tsv, .csv, .jsonl, .xlsx"),
        (["--output", "a.csv", "--overwrite"], "--output a.csv: is an input file; name another"),
        (["--output", "there.csv"], "--output there.csv: the file exists; name another one, or add --overwrite"),
        (["--output", "b.csv"], "a.csv: the labels (0, 1) look like binary and not like 0 to 5; add"),
        (["--output", "b.csv", "--label-scale", "1-5"], "a.csv, line 2: field 'label' is 0; it must lie in 1 to 5"),
        (["--output", "b.csv", "--columns", "label=x"], "a.csv, line 1: --columns names the column 'x', which"),
        (["--output", "b.csv", "--encoding", "utf-16"], "a.csv"),
    ],
)  # fmt: skip
def test_wrong_calls_write_nothing(tmp_path, monkeypatch, capsys, words, message):
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "a.csv", HEADER + "가,나,0\n다,라,1\n")
    write(tmp_path / "there.csv", "x")
    assert call("a.csv", *words) == 2
    error = capsys.readouterr().err
    assert message in error
    assert "Traceback" not in error
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["a.csv", "there.csv"]
    assert (tmp_path / "there.csv").read_text() == "x"
