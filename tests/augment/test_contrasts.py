"""Contrasts: what each method changes, what it leaves alone, and what its command writes."""

import csv
import json
import re

import numpy as np
import pytest

from sts.augment.command import augment
from sts.augment.contrasts import Denial, Direction, Opposite, OtherNumber, Roles, SameNumber, Sibling, Typing
from sts.augment.sentence import analyse
from sts.cli import run


def versions(method, text, seeds=40):
    """All that a method makes of a sentence with several seeds."""
    sentence = next(iter(analyse([text], workers=1)))
    return {method().vary([sentence], [np.random.default_rng(seed)])[0] for seed in range(seeds)}


@pytest.mark.parametrize(
    ("method", "text", "version"),
    [
        (Opposite, "물이 깊었어요.", "물이 얕았어요."),
        (Opposite, "값이 비싸요.", "값이 싸요."),
        (Sibling, "월요일에 만나요.", "화요일에 만나요."),
        (Denial, "방이 넓었어요.", "방이 넓지 않았어요."),
        (Denial, "음식이 맛있다.", "음식이 맛있지 않다."),
        (Denial, "방이 깨끗하지 않아요.", "방이 깨끗해요."),
        (SameNumber, "사과 3개 주세요.", "사과 세 개 주세요."),
        (SameNumber, "사과 두 개 주세요.", "사과 2개 주세요."),
        (Roles, "고양이가 개를 쫓았다.", "개가 고양이를 쫓았다."),
        (Roles, "형이 동생에게 전화했다.", "동생이 형에게 전화했다."),
        (Direction, "서울에서 부산까지 갔다.", "부산에서 서울까지 갔다."),
        (Direction, "달러를 원화로 바꿨다.", "원화를 달러로 바꿨다."),
    ],
)
def test_a_method_makes_this_version(method, text, version):
    assert version in versions(method, text)


@pytest.mark.parametrize(
    ("method", "text"),
    [
        (Denial, "몇 시에 시작하나요?"),  # asks much the same when it is denied
        (Denial, "문을 닫으세요."),
        (Denial, "불 좀 꺼 줘."),
        (Denial, "비가 안 왔다."),
        (OtherNumber, "숫자가 없다."),
        (OtherNumber, f"번호는 {'9' * 25}번이다."),
        (OtherNumber, "전화번호는 010번이다."),
        (Denial, "몇 시에 시작하나요"),
        (Denial, "문을 열까요？"),
        (Denial, "여기 앉으십시오."),
        (SameNumber, "2번 출구로 나오세요."),  # a name, no count
        (Roles, "비가 온다."),
        (Direction, "서울에 산다."),
    ],
)
def test_where_there_is_nothing_to_change_nothing_comes(method, text):
    assert versions(method, text) == {None}


def test_another_number_is_another_by_a_quarter_and_keeps_to_the_calendar():
    found = versions(OtherNumber, "12월 8일에 40명이 왔다.") - {None}
    assert len(found) > 5
    for version in found:
        month, day, people = (int(number) for number in re.findall(r"\d+", version))
        assert (month, day, people) != (12, 8, 40)
        assert 1 <= month <= 12
        assert 1 <= day <= 31
        assert people == 40 or abs(people - 40) >= 10


def test_a_price_is_no_year_and_a_hundred_days_fit_no_month():
    for text, least in (("커피는 2000원이다.", 500), ("백일은 100일이다.", 25)):
        found = versions(OtherNumber, text) - {None}
        value = int(re.findall(r"\d+", text)[0])
        assert len(found) > 5
        assert all(abs(int(re.findall(r"\d+", version)[0]) - value) >= least for version in found)


def test_an_error_in_typing_that_makes_another_word_is_refused(tmp_path):
    path = tmp_path / "pairs.csv"
    path.write_text("sentence1,sentence2,label\n내가 간다,네가 온다,1\n", encoding="utf-8")
    output = tmp_path / "out.csv"
    assert run(augment, "augment", ["--data", str(path), "--methods", "spelling", "--output", str(output)]) == 2
    assert not output.exists()


def test_typing_changes_a_space_or_a_vowel():
    text = "내일 어제 산 책을 새로 읽어요."
    for version in versions(Typing, text):
        assert version != text
        spaces, letters = text.count(" ") - version.count(" "), version.replace(" ", "") != text.replace(" ", "")
        assert (spaces, letters) in {(1, False), (0, True)}


@pytest.fixture
def pairs(tmp_path):
    path = tmp_path / "pairs.csv"
    rows = ["고양이가 개를 쫓았다.,사과 3개 주세요.,1", "고양이가 개를 쫓았다.,방이 넓었어요.,2"]
    path.write_text("\n".join(["sentence1,sentence2,label", *rows]) + "\n", encoding="utf-8")
    return path


def test_the_command_writes_ranges_of_each_sentence_once(pairs, tmp_path, capsys):
    output = tmp_path / "contrasts.csv"
    words = ["--data", str(pairs), "--methods", "roles", "numbers", "contrast", "--output", str(output)]
    assert run(augment, "augment", words) == 0
    rows = list(csv.DictReader(output.read_text(encoding="utf-8-sig").splitlines()))
    found = {(row["source"], row["sentence2"]): (float(row["label_min"]), float(row["label_max"])) for row in rows}
    assert found["roles", "개가 고양이를 쫓았다."] == (Roles.low, Roles.high)
    assert found["same_number", "사과 세 개 주세요."] == (SameNumber.low, SameNumber.high)
    assert found["denial", "방이 넓지 않았어요."] == (Denial.low, Denial.high)
    assert len({(row["sentence1"], row["sentence2"]) for row in rows}) == len(rows)
    assert f"{len(rows)} pairs of 3 sentences" in capsys.readouterr().out


def test_one_seed_makes_one_result_and_a_held_out_sentence_is_left_out(pairs, tmp_path, capsys):
    held = tmp_path / "held.csv"
    held.write_text("sentence1,sentence2\n개가 고양이를 쫓았다.,방이 넓었어요.\n", encoding="utf-8")
    results = []
    for name, more in (("a", []), ("b", ["--workers", "2"]), ("c", ["--held-out", str(held)])):
        output = tmp_path / f"{name}.jsonl"
        words = ["--data", str(pairs), "--methods", "roles", "contrast", "--output", str(output), "--json", *more]
        assert run(augment, "augment", words) == 0
        assert json.loads(capsys.readouterr().out)["seed"] == 42
        results.append(output.read_text(encoding="utf-8"))
    assert results[0] == results[1]
    assert "개가 고양이를" in results[0]
    assert "개가 고양이를" not in results[2]
    assert "방이 넓" not in results[2]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--methods", "roles", "sr"], "give them in runs apart"),
        (["--methods", "roles", "roles"], "give each once"),
        (["--methods", "roles", "--only-new"], "--only-new"),
        (["--methods", "roles", "--alpha", "0.2"], "--alpha"),
    ],
)
def test_what_does_not_go_together_is_refused(pairs, tmp_path, capsys, words, message):
    assert run(augment, "augment", ["--data", str(pairs), "--output", str(tmp_path / "out.csv"), *words]) == 2
    assert message in capsys.readouterr().err
