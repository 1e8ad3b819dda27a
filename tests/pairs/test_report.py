import json
import re

import numpy as np
import pytest

from sts import plots
from sts.cli import run
from sts.pairs import load_pairs
from sts.pairs.report_command import report
from sts.pairs.statistics import describe


def write(tmp_path, name, rows):
    path = tmp_path / name
    path.write_text("sentence1,sentence2,label,source\n" + "".join(f"{row}\n" for row in rows), encoding="utf-8")
    return str(path)


ROWS = [
    "불을 켜 줘,불을 꺼 줘,0.4,거실",  # alike in letters, opposite in meaning
    "오늘 날씨 어때,비가 오나요,4.6,거실",  # the reverse
    "숙소는 깨끗해요,숙소가 깨끗합니다,4.8,숙소",
    "방이 넓어요,메일을 지워 줘,0.0,숙소",
    "방이 넓어요,방이 넓어요,5.0,숙소",
    "방이 넓어요,메일을 지워 줘,0.2,",
    "숙소는 깨끗해요,숙소가 깨끗합니다,4.8,숙소",  # a duplicate
    "빈 쌍,,3,숙소",
    "라벨 오류,라벨 오류,7,숙소",
]


@pytest.fixture
def described(tmp_path):
    loaded = load_pairs([write(tmp_path, "pairs.csv", ROWS)], announce=lambda line: None, on_bad_row="skip")
    return describe(loaded, lambda sentences, total: sentences)


def test_what_is_counted(described):
    assert described.rows == 6
    assert described.duplicates == 1
    assert described.conflicts == 1
    assert described.identical == 1
    assert len(described.sentences) == 8
    assert described.repeated == 2  # 방이 넓어요, 메일을 지워 줘
    assert sum(described.bad_rows.values()) == 2
    assert described.similar == 0.5
    assert described.sources == {
        "거실": (2, 2.5),
        "숙소": (3, pytest.approx(9.8 / 3)),
        "(none)": (1, pytest.approx(0.2)),
    }


def test_lengths_are_of_distinct_sentences(described):
    assert sorted(described.characters.tolist()) == [6, 6, 6, 6, 8, 8, 8, 9]
    assert described.morphemes.sum() > described.characters.sum() / 3
    assert described.frequent["숙소/NNG"] == 2 / 8


def test_overlap_and_its_correlation(described):
    # 불을켜줘 and 불을꺼줘 share one of five bigrams
    assert described.overlap[0] == pytest.approx(1 / 5)
    assert described.overlap.tolist()[3:5] == [0.0, 1.0]
    assert described.pearson == pytest.approx(np.corrcoef(described.overlap, described.label)[0, 1])


def test_the_most_surprising_pairs_come_first(described):
    assert described.much_overlap[0].sentence2 == "불을 꺼 줘"
    assert described.little_overlap[0].sentence1 == "오늘 날씨 어때"
    assert len(described.much_overlap) == 3


def test_labels_that_do_not_vary_have_no_correlation(tmp_path):
    path = write(tmp_path, "same.csv", ["가나,다라,3,x", "가나다,가나,3,x"])
    found = describe(load_pairs([path], announce=lambda line: None), lambda sentences, total: sentences)
    assert found.pearson is None


def test_the_page_is_whole_and_safe(tmp_path, capsys):
    rows = [*ROWS, '"<script>alert(1)</script> | *별*",가나다,1,숙소']
    output = tmp_path / "report"
    assert run(report, "report", ["--data", write(tmp_path, "pairs.csv", rows), "--output", str(output)]) == 0
    shown = capsys.readouterr().out
    assert "2 bad rows skipped" in shown
    page = (output / "report.html").read_text(encoding="utf-8")
    assert "<script" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert not re.search(r"(src|href)=\"(?!data:|#)", page)
    assert page.count("data:image/png;base64,") == 5
    assert all(f'alt="{text}"' in page for text in ("histogram of labels", "most frequent morphemes"))
    text = (output / "report.md").read_text(encoding="utf-8")
    assert r"\<script\>alert(1)\</script\> \| \*별\*" in text
    assert len(re.findall(r"!\[[^]]+\]\(plots/\w+\.png\)", text)) == len(list((output / "plots").glob("*.png"))) == 5
    found = json.loads((output / "statistics.json").read_text(encoding="utf-8"))["sets"][0]
    assert found["pairs"] == 7
    assert sum(found["labels"]["pairs"]) == 7


def test_two_sets_stand_in_the_same_plots_and_leaks_are_counted(tmp_path, capsys):
    output = tmp_path / "report"
    words = ["--data", write(tmp_path, "train.csv", ROWS[:6]), "--against", write(tmp_path, "dev.csv", ROWS[:2])]
    assert run(report, "report", [*words, "--output", str(output), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [each["pairs"] for each in found["sets"]] == [6, 2]
    assert found["shared"] == 4
    text = (output / "report.md").read_text(encoding="utf-8")
    assert "train.csv against" in text
    assert "| sentences that both sets have |  | 4 |" in text
    assert "Sentences in both sets make a model look better than it is" in text
    assert "Little overlap, high label:" in text
    assert len(list((output / "plots").glob("*.png"))) == 5


def test_only_a_data_report_is_overwritten(tmp_path, capsys):
    folder = tmp_path / "data"
    folder.mkdir()
    words = ["--data", write(folder, "pairs.csv", ROWS), "--overwrite", "--output"]
    output = tmp_path / "report"
    assert run(report, "report", [*words, str(output)]) == 0
    assert run(report, "report", [*words, str(output)]) == 0
    (output / "statistics.json").rename(output / "sts.json")
    assert run(report, "report", [*words, str(output)]) == 2
    assert "holds no statistics.json, so it is no earlier result of this command" in capsys.readouterr().err
    (folder / "report.md").touch()
    (folder / "statistics.json").touch()
    assert run(report, "report", [*words, str(folder)]) == 2
    assert "pairs.csv, an input; name another folder" in capsys.readouterr().err
    against = ["--data", "sample", "--against", str(folder / "pairs.csv"), "--overwrite", "--output", str(folder)]
    assert run(report, "report", against) == 2
    assert (folder / "pairs.csv").is_file()


def test_an_emoji_in_a_plot_is_no_failure(tmp_path):
    figure, _ = plots.figure("😀 漢", "x", "y")
    plots.save(figure, tmp_path / "x.png")
    assert (tmp_path / "x.png").stat().st_size > 1000


@pytest.mark.parametrize(
    ("rows", "words", "message"),
    [
        ([], [], "no usable pair"),
        (ROWS, ["--on-bad-row", "error"], "line 9: field 'sentence2' is empty"),
    ],
)
def test_mistakes(tmp_path, capsys, rows, words, message):
    path = write(tmp_path, "pairs.csv", rows)
    assert run(report, "report", ["--data", path, "--output", str(tmp_path / "x"), *words]) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "x").exists()
