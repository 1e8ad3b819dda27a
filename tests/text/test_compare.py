import json
import time

import pytest

from sts.cli import run
from sts.text import compare as module
from sts.text.compare import Analysed, compare, recommend
from sts.text.compare_command import choose, compare_analysers


def timed(name, seconds, *, sejong=True, problem=None):
    return Analysed(name, sejong=sejong, seconds={1: 0.01, 100: seconds}, problem=problem)


def test_each_analyser_is_measured_in_its_own_process():
    texts = [f"숙소 {number}개는 깨끗해요." for number in range(12)]
    kiwi, missing, okt = compare(["kiwi", "khaiii", "okt"], texts, [1, 10], ["영화를 안 봤다"], limit=120)
    assert set(kiwi.seconds) == set(okt.seconds) == {1, 10}
    assert kiwi.outputs[0][:3] == [("영화", "NNG"), ("를", "JKO"), ("안", "MAG")]
    assert kiwi.filtered(0) == ["영화", "안", "보"]
    assert okt.filtered(0) is None
    assert okt.outputs[0][0] == ("영화", "Noun")
    assert kiwi.megabytes > 50
    assert kiwi.load_seconds > 0
    assert "kiwipiepy" in kiwi.versions
    if missing.problem:
        assert "not on PyPI" in missing.problem
        assert missing.seconds == {}


def test_an_analyser_that_takes_too_long_is_stopped(monkeypatch):
    start = time.monotonic()
    (found,) = compare(["kiwi"], ["가"], [1], [], limit=0.05)
    assert time.monotonic() - start < 10
    assert (
        found.problem == "stopped after 0.05 seconds, having measured nothing, not even loaded; --limit gives it more"
    )


@pytest.mark.parametrize(
    ("found", "said"),
    [
        ([timed("kiwi", 1), timed("mecab", 0.6)], "Recommended: kiwi, in every installation; mecab is only 1.7 times"),
        ([timed("kiwi", 1), timed("mecab", 0.1)], r"Recommended where time matters: mecab, 10.0 times kiwi's speed"),
        ([timed("kiwi", 1), timed("kkma", 9)], "Recommended: kiwi, the fastest of them, and in every installation"),
        ([timed("kiwi", 1), timed("okt", 0.01, sejong=False)], "measured every size: kiwi 100"),
        ([timed("kiwi", 1), timed("mecab", 0.1, problem="slow")], "Recommended: kiwi, the fastest of them"),
        ([timed("okt", 1, sejong=False)], "No analyser with Sejong tags measured every size"),
    ],
)
def test_the_recommendation_follows_from_the_figures(found, said):
    assert said in recommend(found)


def test_sentences_with_traps_are_chosen():
    texts = [
        "짧다",
        "방은 정말 넓고 좋았다",
        "별점이 3.5점이라 아쉽다",
        "방이 깨끗하지 않아요",
        "WIFI가 잘 터져서 좋아요",
    ]
    assert choose(texts) == texts[2:]
    assert choose(["가", "나"]) == ["가", "나"]


def test_the_report_shows_times_sentences_and_advice(tmp_path, capsys, monkeypatch):
    def measured(names, sentences, sizes, chosen, *, limit):
        for number, name in enumerate(names):
            yield Analysed(
                name, True, {"x": "1"}, 0.5, {size: size * 0.001 * (number + 1) for size in sizes}, 100.0,
                [[("방", "NNG"), ("은", "JX")] for _ in chosen],
            )  # fmt: skip

    monkeypatch.setattr("sts.text.compare_command.compare", measured)
    output = tmp_path / "compared"
    words = ["--data", "sample", "--output", str(output), "--analysers", "kiwi", "mecab"]
    assert run(compare_analysers, "compare", [*words, "--sentences", "방은 <b>넓다</b>"]) == 0
    shown = capsys.readouterr().out
    assert "up to 100 at once" in shown
    assert "Recommended: kiwi, the fastest of them" in shown
    report = (output / "report.md").read_text(encoding="utf-8")
    assert "1,000, 10,000 left out: the data has 720." in report
    assert r"| kiwi | 방/NNG 은/JX | 방 |" in report
    assert r"\<b\>" in report
    assert (output / "plots" / "time.png").stat().st_size > 5000
    assert json.loads((output / "compare.json").read_text())["analysers"][1]["name"] == "mecab"
    assert run(compare_analysers, "compare", words) == 2
    assert "add --overwrite" in capsys.readouterr().err
    assert run(compare_analysers, "compare", [*words, "--overwrite"]) == 0


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--analysers", "chacha"], "--analysers: 'chacha' is not known; allowed are kiwi, khaiii"),
        (["--sizes", "0", "5"], "--sizes: 0 sentences can't be timed"),
        (["--limit", "0"], "--limit is 0; it must be above 0 seconds"),
    ],
)
def test_mistakes(tmp_path, capsys, words, message):
    assert run(compare_analysers, "compare", ["--data", "sample", "--output", str(tmp_path / "x"), *words]) == 2
    assert message in capsys.readouterr().err


def test_the_worker_needs_nothing_of_the_parent():
    assert module._measure.__module__ == "sts.text.compare"  # it is spawned, so it must be importable
