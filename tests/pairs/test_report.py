import base64
import html
import json
import re
import subprocess
import sys
from html.parser import HTMLParser

import pytest

from sts import plots
from sts.cli import run
from sts.pairs.report_command import report

ROWS = [
    "불을 켜 줘,불을 꺼 줘,0.4,거실",  # alike in letters, opposite in meaning
    "오늘 날씨 어때,비가 오나요,4.6,거실",  # the reverse
    "숙소는 깨끗해요,숙소가 깨끗합니다,4.8,숙소",
    "방이 넓어요,메일을 지워 줘,0.0,숙소",
    "방이 넓어요,방이 넓어요,5.0,숙소",
    "방이 넓어요,메일을 지워 줘,0.2,",
    "숙소는 깨끗해요,숙소가 깨끗합니다,4.8,숙소",  # a duplicate
]
BAD_ROWS = ["빈 쌍,,3,숙소", "라벨 오류,라벨 오류,7,숙소", "또 빈 쌍,,1,숙소"]
PLOTS = {"labels", "overlap_1", "characters", "morphemes", "words"}


@pytest.fixture
def written(tmp_path):
    """Writes rows to a file of that name."""

    def written(name, rows, header="sentence1,sentence2,label,source"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
        return str(path)

    return written


@pytest.fixture
def reported(tmp_path):
    """Runs the command and returns its folder."""

    def reported(*words):
        output = tmp_path / "report"
        assert run(report, "report", [*words, "--output", str(output)]) == 0
        return output

    return reported


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    """The report of ROWS."""
    path = tmp_path_factory.mktemp("plain") / "pairs.csv"
    path.write_text("\n".join(["sentence1,sentence2,label,source", *ROWS]) + "\n", encoding="utf-8")
    report(data=[str(path)], output=path.parent / "report")
    return path.parent / "report"


class Page(HTMLParser):
    """The tags of a page with their attributes, and the cells of its tables."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.cells, self._open = [], [], None
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        self._open = tag

    def handle_data(self, data):
        if self._open in ("td", "th") and data.strip():
            self.cells.append((data, self.tags[-1][1].get("lang")))

    def all(self, tag):
        return [attributes for name, attributes in self.tags if name == tag]


def page_of(output):
    return Page((output / "report.html").read_text(encoding="utf-8"))


def test_the_page_needs_nothing_beside_it(plain):
    page = page_of(plain)
    assert page.all("script") == page.all("link") == []
    targets = [
        attributes[name] for _, attributes in page.tags for name in ("src", "srcset", "href") if name in attributes
    ]
    assert all(target.startswith(("data:image/svg+xml;base64,", "#")) for target in targets)
    assert {target[1:] for target in targets if target.startswith("#")} <= {entry.get("id") for entry in page.all("h2")}
    text = (plain / "report.html").read_text(encoding="utf-8")
    assert "url(" not in text
    assert "@import" not in text


def test_plots_are_drawn_for_light_and_for_dark_screens(plain):
    page = page_of(plain)
    assert len(page.all("img")) == len(page.all("source")) == len(PLOTS)
    assert all(entry["media"] == "(prefers-color-scheme: dark)" for entry in page.all("source"))
    light, dark = (
        base64.b64decode(entry.partition("base64,")[2]).decode()
        for entry in (page.all("img")[0]["src"], page.all("source")[0]["srcset"])
    )
    assert light.count(plots.INK) == dark.count(plots.DARK[plots.INK]) > 0
    assert plots.PAPER not in dark
    assert plots.darkened(light) == dark


def test_who_cannot_see_the_page_can_read_it(plain):
    page = page_of(plain)
    assert page.all("html") == [{"lang": "en"}]
    alternatives = [entry["alt"] for entry in page.all("img")]
    assert "pairs.csv has most, 50%, from 0 to 0.5" in alternatives[0]
    assert any(text.startswith("Scatter of 6 pairs of pairs.csv by overlap") for text in alternatives)
    assert len(page.all("caption")) == len(page.all("table")) > 5
    assert {entry.get("scope") for entry in page.all("th")} == {"col", "row"}
    spoken = dict(page.cells)
    assert (spoken["오늘 날씨 어때"], spoken["label"]) == ("ko", None)


def test_whatever_sentences_and_names_hold_is_shown_as_it_is(written, reported):
    nasty = '"<script>alert(1)</script> | *별*",가나다,0.5,<b>숙소</b>'
    output = reported("--data", written("a|<i>.csv", [*ROWS, nasty]))
    text = (output / "report.html").read_text(encoding="utf-8")
    page = page_of(output)
    assert page.all("script") == page.all("b") == page.all("i") == []
    assert html.escape("<script>alert(1)</script>") in text
    text = (output / "report.md").read_text(encoding="utf-8")
    assert r"\<script\>alert(1)\</script\> \| \*별\*" in text
    assert r"|  | a\|\<i\>.csv |" in text


def test_markdown_shows_the_same_plots(plain):
    text = (plain / "report.md").read_text(encoding="utf-8")
    named = re.findall(r"!\[[^\n]+\]\(plots/(\w+)\.png\)", text)
    assert set(named) == {path.stem for path in (plain / "plots").iterdir()} == PLOTS
    assert "| 0 to 0.5 | 3 | 50.0% |" in text
    assert "| pairs with contradicting labels | 1 |" in text
    assert "| 0, 0.2 | 방이 넓어요 | 메일을 지워 줘 |" in text
    assert "| 3 | 방이 넓어요 |" not in text  # it stands in four places
    assert "| 4 | 방이 넓어요 |" in text


def test_rows_that_cannot_be_used_are_listed_with_their_lines(written, reported, capsys):
    path = written("pairs.csv", [*ROWS, *BAD_ROWS])
    output = reported("--data", path)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"describing pairs.csv; the report goes to {output}"
    assert f"data: {path}: 6 pairs, 1 exact duplicate removed, 3 bad rows skipped" in lines
    assert lines[-1] == f"read {output / 'report.html'}"
    cells = [text for text, _ in page_of(output).cells]
    start = cells.index("field 'sentence2' is empty; it must hold a sentence")
    assert cells[start + 1 : start + 3] == ["2", "line 9, line 11"]
    assert cells[start + 4 : start + 7] == ["field 'label' is 7; it must lie in 0 to 5", "1", "line 10"]
    stored = json.loads((output / "statistics.json").read_text(encoding="utf-8"))["sets"][0]["bad_rows"]
    assert stored[0] == {
        "path": path,
        "place": "line 9",
        "problem": "field 'sentence2' is empty; it must hold a sentence",
    }


def test_long_lists_are_cut_on_the_page_and_whole_in_the_json(written, reported):
    rows = [
        f"{'긴 ' * 200}문장 {number},가나 {number % 2},{number % 2 * 5 / 2},출처{number % 30}" for number in range(60)
    ]
    output = reported("--data", written("pairs.csv", [*rows, *["가,,1,"] * 15]))
    text = (output / "report.md").read_text(encoding="utf-8")
    assert "line 71 and 5 more" in text
    assert "20 of 30 sources; statistics.json has all." in text
    assert max(len(line) for line in text.splitlines()) < 700
    stored = json.loads((output / "statistics.json").read_text(encoding="utf-8"))["sets"][0]
    assert (len(stored["bad_rows"]), len(stored["sources"])) == (15, 30)


def test_two_sets_stand_in_the_same_plots_and_tables(written, reported, capsys):
    train, dev = (
        written("train.csv", ROWS),
        written("dev.csv", ["방이 넓어요,비가 와요,1,앱", "차가 온다,차가 간다,3,앱"]),
    )
    output = reported("--data", train, "--against", dev, "--json")
    found = json.loads(capsys.readouterr().out)
    assert found == json.loads((output / "statistics.json").read_text(encoding="utf-8"))
    assert [(each["name"], each["pairs"]) for each in found["sets"]] == [("train.csv", 6), ("dev.csv", 2)]
    assert found["comparison"]["shared"] == ["방이 넓어요"]
    text = (output / "report.md").read_text(encoding="utf-8")
    assert "1 of the 4 sentences of dev.csv are in train.csv too, in 1 of its 2 pairs" in text
    assert "| label | pairs, train.csv | share, train.csv | pairs, dev.csv | share, dev.csv |" in text
    assert "| 앱 | 0 |  |  |  | 2 | 100.0% | 2.00 | 50.0% |" in text
    assert "## Much overlap, low label: train.csv" in text
    assert {path.stem for path in (output / "plots").iterdir()} >= PLOTS | {"overlap_2"}


def test_the_bundled_samples_have_no_sentence_in_common_and_the_report_says_so(reported, capsys):
    output = reported("--data", "sample", "--against", "sample-test")
    assert "No sentence of sample-test is in sample." in (output / "report.md").read_text(encoding="utf-8")
    assert re.search(r"pairs +360 +100", capsys.readouterr().out)


def test_files_of_the_same_name_are_told_apart_by_their_folders(written, tmp_path, capsys):
    first, second = written("old/pairs.csv", ROWS), written("new/pairs.csv", [])
    words = ["--data", first, "--against", second, "--output", str(tmp_path / "x")]
    assert run(report, "report", words) == 2
    shown = capsys.readouterr()
    assert shown.out.startswith(f"describing {first} against {second};")
    assert f"{second}: no usable pair" in shown.err


def test_many_pairs_are_drawn_as_density(written, reported):
    rows = [f"가나 {number},가나 {number * 7 % 2100},{number % 6}," for number in range(2100)]
    output = reported("--data", written("pairs.csv", rows))
    assert any(entry["alt"].startswith("Density of 2,100 pairs") for entry in page_of(output).all("img"))


@pytest.mark.parametrize(
    "rows",
    [["가나다,가나,1"], ["가나다,가나,3", "마바사,마바,3", "차카타,차파,3"], ["...,!!!,1", "??,ㅋㅋ,2"]],
    ids=["one pair", "one label", "no words"],
)
def test_sets_of_next_to_nothing_have_a_report(written, reported, rows):
    output = reported("--data", written("pairs.csv", rows, header="sentence1,sentence2,label"))
    text = (output / "report.md").read_text(encoding="utf-8")
    assert "| overlap and label, Pearson's r | undefined |" in text
    assert "pairs.csv has too few pairs for a correlation, or its overlap or label does not vary." in text
    assert "## Sources" not in text


@pytest.mark.parametrize(
    ("rows", "words", "message"),
    [
        ([], [], "no usable pair"),
        ([*ROWS, *BAD_ROWS], ["--on-bad-row", "error"], "line 9: field 'sentence2' is empty"),
        (["가,나,,"], [], "field 'label' is ''; it must be a number from 0 to 5"),
    ],
    ids=["empty", "bad row", "unlabelled"],
)
def test_files_that_cannot_be_used_are_named_and_nothing_is_written(written, tmp_path, capsys, rows, words, message):
    path = written("pairs.csv", rows)
    assert run(report, "report", ["--data", path, "--output", str(tmp_path / "x"), *words]) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "x").exists()


def test_the_report_never_replaces_what_it_reads(written, tmp_path, capsys):
    path = written("data/pairs.csv", ROWS)
    (tmp_path / "data" / "report.md").write_text("an earlier report", encoding="utf-8")
    assert run(report, "report", ["--data", path, "--output", str(tmp_path / "data"), "--overwrite"]) == 2
    assert f"would lose {path}, an input; name another folder" in capsys.readouterr().err
    assert (tmp_path / "data" / "pairs.csv").is_file()


def test_only_a_data_report_is_overwritten(written, tmp_path, capsys):
    output = tmp_path / "report"
    words = ["--data", written("pairs.csv", ROWS), "--overwrite", "--output", str(output)]
    assert run(report, "report", words) == 0
    assert run(report, "report", words) == 0
    (output / "statistics.json").rename(output / "sts.json")
    assert run(report, "report", words) == 2
    assert "holds no statistics.json, so it is no earlier result of this command" in capsys.readouterr().err


def test_a_set_is_not_held_against_itself(written, tmp_path, capsys):
    path = written("pairs.csv", ROWS)
    words = ["--data", path, "--against", path, "--output", str(tmp_path / "x")]
    assert run(report, "report", words) == 2
    assert "the same as --data; name another set" in capsys.readouterr().err


def test_importing_pairs_stays_light():
    code = (
        "import sys, sts.pairs, sts.pairs.report_command\n"
        "heavy = {'numpy', 'matplotlib', 'datasets', 'kiwipiepy', 'jinja2', 'torch'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_names_that_mean_something_to_matplotlib_are_drawn_as_they_are(written, reported):
    first, second = written(r"_train$\frac$.csv", ROWS), written(f"{'long_' * 30}.csv", ROWS[:2])
    output = reported("--data", first, "--against", second)
    (light, *_) = (entry["src"] for entry in page_of(output).all("img"))
    drawing = base64.b64decode(light.partition("base64,")[2]).decode()
    # what is drawn stands in the SVG's comments
    assert r"_train$\frac$.csv" in drawing
    assert f"…{('long_' * 30 + '.csv')[-40:]}" in drawing
