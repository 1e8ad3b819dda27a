import base64
import json
import unicodedata

import pytest

from sts.files.delimited import STRAY

ROWS = "방이 넓어요,객실이 넓습니다\n불 꺼 줘,조명 꺼 줘\n"
HEADED = "sentence1,sentence2\n" + ROWS
PAIRS = [("방이 넓어요", "객실이 넓습니다"), ("불 꺼 줘", "조명 꺼 줘")]


def nfd(text):
    return unicodedata.normalize("NFD", text)


def post(client, name, data, **options):
    data = data.encode() if isinstance(data, str) else data
    content = base64.b64encode(data).decode()
    return client.post("/v1/pairs/read", json={"name": name, "content": content, **options})


def read(client, name, data, **options):
    answer = post(client, name, data, **options)
    assert answer.status_code == 200
    return answer.json


def pairs(answer):
    assert answer["error"] is None
    return [(pair["sentence1"], pair["sentence2"]) for pair in answer["pairs"]]


@pytest.mark.parametrize(
    ("name", "data", "options"),
    [
        ("a.csv", HEADED, {}),
        ("A.CSV", HEADED, {}),
        ("a.csv", "\ufeff" + HEADED.replace("\n", "\r\n"), {}),
        ("a.csv", HEADED.replace(",", ";"), {}),
        ("a.tsv", HEADED.replace(",", "\t"), {}),
        ("a.txt", HEADED.replace(",", "\t").encode("utf-16"), {}),
        ("a.csv", HEADED.encode("cp949"), {"encoding": "cp949"}),
        ("a.csv", HEADED.encode("utf-16-le"), {"encoding": "utf-16"}),
        ("a.csv", nfd("문장1,문장2\n") + ROWS, {}),
        (
            "a.csv",
            "id,Sentence 1,memo,SENTENCE_2\n1,방이 넓어요,x,객실이 넓습니다\n2,불 꺼 줘,y,조명 꺼 줘\n",
            {},
        ),
        ("a.csv", ROWS, {}),
        ("a.csv", ROWS, {"no_header": True}),
        ("a.csv", "".join(f"{row},3\n" for row in ROWS.splitlines()), {}),
        ("a.jsonl", "".join(json.dumps({"sentence1": a, "sentence2": b}) + "\n" for a, b in PAIRS), {}),
        ("a.json", json.dumps({"data": [{"sentence1": a, "sentence2": b} for a, b in PAIRS]}), {}),
        ("a.json", json.dumps({"sentence1": [a for a, _ in PAIRS], "sentence2": [b for _, b in PAIRS]}), {}),
    ],
)  # fmt: skip
def test_files_are_read_as_the_command_reads_them(client, name, data, options):
    answer = read(client, name, data, **options)
    assert pairs(answer) == PAIRS
    assert (answer["bad"], answer["left_out"]) == ([], 0)


def test_sentences_come_back_as_they_were_written(client):
    answer = read(client, "a.csv", "sentence1,sentence2\n" + nfd("방이 넓어요") + ",ＡＢＣ \n")
    assert pairs(answer) == [(nfd("방이 넓어요"), "ＡＢＣ ")]


def test_what_was_assumed_is_told(client):
    answer = read(client, "질문.csv", "Sentence1;문장2\n가;나\n")
    assert answer["notes"] == [
        "질문.csv: columns are parted by ';'",
        "질문.csv: reading 'Sentence1' as sentence1, '문장2' as sentence2",
    ]
    answer = read(client, "a.csv", ROWS)
    assert answer["notes"] == ["a.csv: reading column 1 as sentence1, column 2 as sentence2"]


def test_each_bad_row_has_its_place_and_kind(client):
    text = 'sentence1,sentence2\n가,나\n,다\n라\n"마,바\n' + "사" * 10_001 + ",아\n자,차\n"
    answer = read(client, "a.csv", text)
    assert [(pair["row"], pair["sentence1"]) for pair in answer["pairs"]] == [(2, "가"), (7, "자")]
    assert answer["left_out"] == 4
    assert [(bad["row"], bad["kind"]) for bad in answer["bad"]] == [
        (3, "empty"),
        (4, "fields"),
        (5, "quotation"),
        (6, "long"),
    ]
    assert answer["bad"][2]["problem"] == STRAY
    assert answer["bad"][3]["problem"] == "a sentence has 10,001 characters; at most 10,000 are allowed"


def test_a_stray_mark_costs_one_row_of_a_thousand(client):
    lines = [f'"문장 {n},말 {n}' if n == 500 else f"문장 {n},말 {n}" for n in range(1000)]
    answer = read(client, "a.csv", "sentence1,sentence2\n" + "\n".join(lines))
    assert len(answer["pairs"]) == 999
    assert answer["left_out"] == 1


def test_bad_rows_are_counted_beyond_those_that_are_listed(client):
    answer = read(client, "a.csv", "sentence1,sentence2\n가,나\n" + "다\n" * 1001)
    assert (len(answer["bad"]), answer["left_out"], len(answer["pairs"])) == (1000, 1001, 1)


@pytest.mark.parametrize(
    ("name", "data", "kind", "detail"),
    [
        (
            "질문.csv",
            HEADED.encode("cp949"),
            "encoding",
            "질문.csv, line 2: byte 20 is not UTF-8 (0xb9); it looks like cp949: add --encoding cp949, or save the "
            "file as UTF-8",
        ),
        ("a.json", '[{"sentence1": "가나다", "sentence2": "나"}]'.encode("cp949"), "encoding", "cp949"),
        ("a.txt", "hello\tworld\n".encode("utf-16-le"), "encoding", "it looks like utf-16-le"),
        ("a.csv", b"\x1f\x8b\x08\0\0\0\0\0\0\xff", "encoding", "is not UTF-8"),
        ("a.csv", "", "other", "a.csv: the file is empty; its first line must name the columns"),
        ("a.json", "{}", "other", "a.json: holds "),
        ("a.csv", "가\n나\n", "other", "a.csv, line 1: has 1 column and no header"),
        ("a.csv", "가,나,3,x\n", "other", "a.csv, line 1: has 4 columns and no header"),
        ("a.csv", "sentence1,memo\n가,나\n", "other", "a.csv, line 1: column 'sentence2' is missing; found"),
        ("a.csv", "sentence1,sentence2,memo,memo\n가,나,x,y\n", "other", "columns 3 and 4 are both called 'memo'"),
        ("a.csv", "가,나\n" * 20_001, "too-many", "the file has more than 20,000 pairs; split it"),
    ],
)  # fmt: skip
def test_a_file_that_can_not_be_read_is_told_and_nothing_of_it_is_given(client, name, data, kind, detail):
    answer = read(client, name, data)
    assert answer["error"]["kind"] == kind
    assert detail in answer["error"]["detail"]
    assert (answer["pairs"], answer["bad"], answer["left_out"]) == ([], [], 0)
    assert "/tmp" not in json.dumps(answer)


@pytest.mark.parametrize(
    "line",
    [
        '{"sentence1": "\\ud800", "sentence2": "나"}',
        '{"sentence1": "가", "sentence2": "나", "guid": "\\udc00"}',
        '{"\\ud800": 1}',
        '{"sentence1": NaN, "sentence2": Infinity}',
        '{"sentence1": null, "sentence2": 1e999}',
        '{"sentence1": 1' + "0" * 5000 + "}",
        "[" * 5000,
    ],
)
def test_lines_that_are_hard_to_tell_are_told_all_the_same(client, line):
    answer = read(client, "a.jsonl", line + '\n{"sentence1": "가", "sentence2": "나"}\n')
    assert pairs(answer) == [("가", "나")]
    assert [bad["row"] for bad in answer["bad"]] == [1]


@pytest.mark.parametrize(
    ("body", "pointer", "rule"),
    [
        ({"name": "a.xlsx", "content": ""}, "/name", ".csv"),
        ({"name": "a", "content": ""}, "/name", ".csv"),
        ({"name": "a.csv", "content": "가"}, "/content", "base64"),
        ({"name": "a.csv", "content": "YQ="}, "/content", "base64"),
    ],
)
def test_a_request_that_can_not_be_one_is_told_by_the_rule_it_breaks(client, body, pointer, rule):
    answer = client.post("/v1/pairs/read", json=body)
    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json["errors"]] == [pointer]
    assert rule in answer.json["errors"][0]["rule"]


@pytest.mark.parametrize(
    "body",
    [
        {"name": "a.csv"},
        {"content": ""},
        {"name": "a.csv", "content": "", "encoding": "latin-1"},
        {"name": "a.csv", "content": "", "columns": ["sentence1=a"]},
    ],
)
def test_fields_that_are_missing_or_not_known_are_refused(client, body):
    assert client.post("/v1/pairs/read", json=body).status_code == 422


def test_a_name_is_a_name_and_no_path(client, tmp_path):
    there = tmp_path / "a.csv"
    there.write_text("sentence1,sentence2\n비밀,비밀\n", encoding="utf-8")
    assert pairs(read(client, str(there), HEADED)) == PAIRS
    assert pairs(read(client, "../../a.csv", HEADED)) == PAIRS


def test_a_file_that_is_called_by_its_format_alone_is_read(client):
    assert pairs(read(client, ".csv", HEADED)) == PAIRS


def test_what_is_read_can_be_scored_as_it_is(client):
    found = read(client, "a.csv", HEADED)["pairs"]
    wanted = [{name: pair[name] for name in ("sentence1", "sentence2")} for pair in found]
    assert len(client.post("/v1/similarity/batch", json={"pairs": wanted}).json["results"]) == 2
