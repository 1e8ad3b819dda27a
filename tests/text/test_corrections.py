import json
import sys
import types

import pytest

from sts.cli import run
from sts.text.corrections import count_changes
from sts.text.corrections_command import report_corrections


@pytest.fixture
def pairs(tmp_path):
    path = tmp_path / "pairs.csv"
    path.write_text(
        "sentence1,sentence2,label\n안되요 내일 봐요,왠만하면 걸어가자,1\n숙소는 깨끗해요,숙소는 깨끗해요,5\n",
        encoding="utf-8",
    )
    return path


@pytest.mark.parametrize(
    ("before", "after", "changes"),
    [
        ("가 나 다", "가 나 다", 0),
        ("가  나", "가 나", 0),
        ("가나 다", "가 나 다", 1),
        ("가나다", "가 나 다", 2),
        ("가 나 다", "가나다", 2),
        ("가 되요 다 되요", "가 돼요 다 돼요", 2),
        ("안되요 네", "안 돼요 네", 1),
    ],
)
def test_a_change_is_a_run_of_words_or_a_space(before, after, changes):
    assert count_changes(before, after) == changes


def test_each_distinct_sentence_is_counted_once(pairs, capsys, tmp_path):
    output = tmp_path / "report"
    words = ["--data", str(pairs), "--json", "--output", str(output)]
    assert run(report_corrections, "corrections", words) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["sentences"], found["changed"], found["changed_in_letters"], found["failed"]) == (3, 2, 2, 0)
    assert found["corrections_per_sentence"] == pytest.approx(2 / 3, abs=1e-4)
    assert found["examples"][0] == {"before": "안되요 내일 봐요", "after": "안 돼요 내일 봐요", "changes": 1}
    report = (output / "report.md").read_text(encoding="utf-8")
    assert "2 of 3 sentences change (66.7%; 2 in letters, 0 in spaces alone), 0 could not" in report
    assert "| 왠만하면 걸어가자 | 웬만하면 걸어가자 | 1 |" in report
    assert len(json.loads((output / "corrections.json").read_text())["corrections"]) == 2
    assert run(report_corrections, "corrections", [*words, "--overwrite"]) == 0
    moved = pairs.rename(output / pairs.name)
    assert run(report_corrections, "corrections", ["--data", str(moved), *words[3:], "--overwrite"]) == 2
    assert moved.is_file()


def test_the_screen_shows_examples(pairs, capsys):
    assert run(report_corrections, "corrections", ["--data", str(pairs), "--kind", "both", "--examples", "1"]) == 0
    shown = capsys.readouterr().out
    assert "correcting the spelling (kiwi) and spacing (kiwi) of 3 sentences" in shown
    assert "안 돼요 내일 봐요" in shown
    assert "웬만하면" not in shown


def test_examples_are_taken_from_all_over_the_data(tmp_path, capsys):
    path = tmp_path / "pairs.csv"
    rows = "".join(f"{count}명이 날씨가좋다고 했다,그렇다,1\n" for count in range(7))
    path.write_text("sentence1,sentence2,label\n" + rows, encoding="utf-8")
    words = ["--data", str(path), "--kind", "spacing", "--examples", "3", "--json"]
    assert run(report_corrections, "corrections", words) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["sentences"], found["changed"], found["changed_in_letters"]) == (8, 7, 0)
    assert [example["before"][0] for example in found["examples"]] == ["0", "2", "4"]


def test_a_service_that_fails_is_counted(pairs, capsys, monkeypatch):
    package, module = types.ModuleType("hanspell"), types.ModuleType("hanspell.spell_checker")
    module.check = lambda sentence: None
    package.spell_checker = module
    monkeypatch.setitem(sys.modules, "hanspell", package)
    words = ["--data", str(pairs), "--spelling", "hanspell"]
    assert run(report_corrections, "corrections", words) == 2
    assert "py-hanspell's service can't be used" in capsys.readouterr().err
    assert run(report_corrections, "corrections", [*words, "--on-error", "keep"]) == 0
    shown = capsys.readouterr().out
    assert "0 of 3 sentences change (0.0%" in shown
    assert "3 could not be treated" in shown


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--examples", "-1"], "--examples is -1; it must be 0 or more"),
        (["--overwrite"], "--overwrite goes with --output"),
        (["--spelling", "hanspell"], "py-hanspell is not installed"),
    ],
)
def test_mistakes(pairs, capsys, words, message):
    assert run(report_corrections, "corrections", ["--data", str(pairs), *words]) == 2
    assert message in capsys.readouterr().err
