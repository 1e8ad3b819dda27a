"""The commands, with a real bi-encoder and cross-encoder of tiny, untrained networks."""

import csv
import json

import pytest
import torch

from sts.cli import run
from sts.models import BiScorer, CrossScorer, ScorerInfo
from sts.models.network import new_bi_network, new_cross_network
from sts.models.torch_runtime import TorchRuntime
from sts.pairs import load_pairs
from sts.search.command import add, build, delete, info, query
from sts.search.duplicates_command import duplicates


@pytest.fixture(scope="module")
def models(tiny_encoder, tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    torch.manual_seed(0)
    curves = {size: {"rise": 8.0, "fall": 0.5, "shift": 1.0} for size in ("32", "16")}
    for name in ("bi", "other"):
        described = ScorerInfo(
            "bi", "tiny", "a test", None, 48, orders=None, pooling="mean", prompt="" if name == "bi" else "질문: ",
            calibration=curves,
        )  # fmt: skip
        network = new_bi_network(tiny_encoder, pooling="mean", prompt=described.prompt, max_length=48)
        (folder / name).mkdir()
        BiScorer(TorchRuntime(network, "fp32"), described).save(folder / name)
    (folder / "cross").mkdir()
    network = new_cross_network(tiny_encoder, head="linear", max_length=48)
    described = ScorerInfo("cross", "tiny", "a test", "linear", 48)
    CrossScorer(TorchRuntime(network, "fp32"), described).save(folder / "cross")
    return folder


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    """The distinct sentences of the bundled sample, with their numbers and the first letter as metadata."""
    pairs = load_pairs(["sample"], announce=lambda line: None).pairs
    found = dict.fromkeys([*pairs["sentence1"], *pairs["sentence2"]])
    path = tmp_path_factory.mktemp("sample") / "sentences.csv"
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["id", "sentence", "parity"])
        writer.writerows([f"s{number}", text, ["even", "odd"][number % 2]] for number, text in enumerate(found))
    return path


@pytest.fixture(scope="module")
def index(models, sample, tmp_path_factory):
    folder = tmp_path_factory.mktemp("index") / "index"
    words = ["--model", models / "bi", "--sentences", sample, "--index", folder, "--precision", "fp32"]
    assert run(build, "search build", list(map(str, words))) == 0
    return folder


def call(command, *words):
    return run(command, "search", list(map(str, words)))


def rows(sample):
    with sample.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def test_a_query_finds_its_own_sentence(index, sample, capsys):
    row = rows(sample)[11]
    assert call(query, row["sentence"], "--index", index, "--top-k", 3, "--precision", "fp32", "--json") == 0
    hits = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert len(hits) == 3
    assert hits[0]["id"] == row["id"]
    assert hits[0]["metadata"] == {"parity": "odd"}
    assert hits[0]["cosine"] == pytest.approx(1, abs=1e-4)
    assert hits[0]["score"] > 4.9


def test_the_table_has_all_that_was_asked_for(index, sample, capsys):
    words = ["--index", index, "--top-k", 2, "--where", "parity=even", "--precision", "fp32"]
    assert call(query, rows(sample)[4]["sentence"], *words) == 0
    said = capsys.readouterr().out
    assert "s4" in said
    assert "parity=even" in said
    assert "parity=odd" not in said
    assert call(query, "가", "--index", index, "--where", "parity=both") == 0
    assert "no sentence has such metadata" in capsys.readouterr().err


def test_the_reranker_orders_and_scores(index, models, sample, capsys):
    text = rows(sample)[0]["sentence"]
    words = ["--index", index, "--precision", "fp32", "--json"]
    assert call(query, text, *words, "--top-k", 5, "--rerank", models / "cross", "--candidates", 20) == 0
    hits = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [hit["score"] for hit in hits] == sorted((hit["score"] for hit in hits), reverse=True)
    from sts.models import load_scorer

    cross = load_scorer(models / "cross", precision="fp32")
    assert hits[0]["score"] == pytest.approx(cross.score([text], [hits[0]["sentence"]]).scores[0], abs=1e-4)


def test_sentences_come_and_go(index, models, tmp_path, capsys):
    import shutil

    folder = tmp_path / "index"
    shutil.copytree(index, folder)
    more = tmp_path / "more.jsonl"
    more.write_text(json.dumps({"id": "new", "sentence": "아주 새로운 문장이다."}) + "\n", encoding="utf-8")
    assert call(add, "--index", folder, "--sentences", more, "--precision", "fp32") == 0
    assert "1 sentences added, 0 in another one's place" in capsys.readouterr().out
    assert call(add, "--index", folder, "--sentences", more, "--model", models / "other") == 2
    assert "was built with another model" in capsys.readouterr().err
    assert call(query, "아주 새로운 문장이다.", "--index", folder, "--top-k", 1, "--json") == 0
    assert json.loads(capsys.readouterr().out)["id"] == "new"
    assert call(delete, "--index", folder, "--ids", "new", "nobody") == 0
    said = capsys.readouterr()
    assert "1 sentences deleted" in said.out
    assert "not there: nobody" in said.err
    assert call(query, "아주 새로운 문장이다.", "--index", folder, "--top-k", 1, "--json") == 0
    assert json.loads(capsys.readouterr().out)["id"] != "new"


def test_info_tells_and_checks(index, sample, tmp_path, capsys):
    assert call(info, "--index", index, "--json") == 0
    values = json.loads(capsys.readouterr().out)
    assert values["sentences"] == len(rows(sample))
    assert (values["kind"], values["recall@10"], values["dimension"]) == ("flat", 1.0, 32)
    assert "fewer than 50,000" in values["why"]
    assert call(info, "--index", index) == 0
    assert "files, all whole" in capsys.readouterr().out
    import shutil

    shutil.copytree(index, tmp_path / "index")
    data = bytearray((tmp_path / "index" / "vectors.f32").read_bytes())
    data[100] ^= 1
    (tmp_path / "index" / "vectors.f32").write_bytes(data)
    assert call(info, "--index", tmp_path / "index") == 2
    assert "vectors.f32: the file is damaged" in capsys.readouterr().err


def test_duplicates_are_listed_and_written(index, tmp_path, capsys):
    output = tmp_path / "pairs.csv"
    assert call(duplicates, "--index", index, "--threshold", 4.5, "--top", 2, "--output", output) == 0
    said = capsys.readouterr().out
    with output.open(encoding="utf-8-sig", newline="") as stream:
        written = list(csv.DictReader(stream))
    assert f"{len(written):,} pairs, of which the first 2 are shown" in said
    scores = [float(row["score"]) for row in written]
    assert scores == sorted(scores, reverse=True)
    assert all(score >= 4.5 - 1e-4 for score in scores)
    assert call(duplicates, "--index", index, "--threshold", 4.5, "--json", "--output", tmp_path / "again.csv") == 0
    assert (tmp_path / "again.csv").read_text(encoding="utf-8") == output.read_text(encoding="utf-8")
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(line["id1"], line["id2"]) for line in lines] == [(row["id1"], row["id2"]) for row in written]


def test_fewer_dimensions(models, sample, tmp_path, capsys):
    words = ["--model", models / "bi", "--sentences", sample, "--index", tmp_path / "index", "--dimension", 16]
    assert call(build, *words) == 0
    size = (tmp_path / "index" / "vectors.f32").stat().st_size
    assert size == len(rows(sample)) * 16 * 4
    assert call(query, rows(sample)[3]["sentence"], "--index", tmp_path / "index", "--json", "--top-k", 1) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["id"] == "s3"


@pytest.mark.parametrize(
    ("command", "words", "message"),
    [
        (build, ["--model", "BI", "--sentences", "nowhere.txt", "--index", "NEW"], "nowhere.txt: no such file"),
        (build, ["--model", "CROSS", "--sentences", "SAMPLE", "--index", "NEW"], "is a cross-encoder, which makes no"),
        (build, ["--model", "BI", "--sentences", "SAMPLE", "--index", "INDEX"], "is there already"),
        (build, ["--model", "BI", "--sentences", "SAMPLE", "--index", "NEW", "--dimension", "7"], "--dimension is 7"),
        (query, ["--index", "INDEX"], "a sentence is needed"),
        (query, [" ", "--index", "INDEX"], "field 'sentence' is empty"),
        (query, ["가", "--index", "NEW"], "holds no sentences.sqlite3, so it is no index"),
        (query, ["가", "--index", "INDEX", "--candidates", "20"], "--candidates goes with --rerank"),
        (query, ["가", "--index", "INDEX", "--top-k", "0"], "--top-k is 0; allowed is 1 to 1,000"),
        (query, ["가", "--index", "INDEX", "--where", "parity"], "must be name=value"),
        (query, ["가", "--index", "INDEX", "--rerank", "BI"], "is a bi-encoder; a reranker must be a cross-encoder"),
        (query, ["가", "--index", "INDEX", "--model", "OTHER"], "was built with another model"),
        (duplicates, ["--index", "INDEX", "--threshold", "5"], "--threshold is 5.0; allowed is above 0 and below 5"),
        (duplicates, ["--index", "INDEX", "--top", "0"], "--top is 0"),
        (delete, ["--index", "NEW", "--ids", "1"], "so it is no index"),
        (info, ["--index", "NEW"], "so it is no index"),
    ],
)
def test_mistakes_are_explained(index, models, sample, tmp_path, capsys, command, words, message):
    places = {
        "BI": models / "bi", "OTHER": models / "other", "CROSS": models / "cross", "INDEX": index, "SAMPLE": sample,
        "NEW": tmp_path / "new",
    }  # fmt: skip
    assert call(command, *(places.get(word, word) for word in words)) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "new").exists()
