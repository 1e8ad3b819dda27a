"""Tiny scorers to export."""

import pytest
import torch
from transformers import (
    AlbertConfig,
    AlbertModel,
    ElectraConfig,
    ElectraModel,
    MPNetConfig,
    MPNetModel,
    RobertaConfig,
    RobertaModel,
)

from sts.encoders.albert_kor import write_wordpiece_tokenizer
from sts.export import export_scorer
from sts.models import BiScorer, CrossScorer, ScorerInfo
from sts.models.network import new_bi_network, new_cross_network
from sts.models.torch_runtime import TorchRuntime

FIRST = ["숙소는 역에서 가까워요.", "불 꺼 줘.", "오늘 날씨는 어때요?", "네", "가나다라마바사 " * 20]
SECOND = ["역까지 걸어서 오 분이면 됩니다.", "조명을 꺼 줄래?", "메일을 지워 줘.", "아니요", "짧은 문장"]
SMALL = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}
ARCHITECTURES = {
    "klue-roberta": (RobertaConfig, RobertaModel, {"type_vocab_size": 1, "max_position_embeddings": 130}, 1),
    "electra": (ElectraConfig, ElectraModel, {"embedding_size": 16, "max_position_embeddings": 128}, 0),
    "mpnet": (MPNetConfig, MPNetModel, {"max_position_embeddings": 130}, 1),
    "albert": (AlbertConfig, AlbertModel, {"embedding_size": 16, "max_position_embeddings": 128}, 0),
}


@pytest.fixture(scope="module")
def make(tiny_encoder, vocabulary, tmp_path_factory):
    """Makes a folder of a tiny scorer: `cross`, `bilstm`, `bi`, `cls` of BERT, or a cross-encoder of another kind."""

    def scorer(kind):
        torch.manual_seed(0)
        folder = tmp_path_factory.mktemp("scorer") / kind
        encoder = tiny_encoder
        if kind in ARCHITECTURES:
            encoder = tmp_path_factory.mktemp("encoder")
            config, model, options, padding = ARCHITECTURES[kind]
            size = len(vocabulary.read_text(encoding="utf-8").splitlines())
            values = {**SMALL, **options, "vocab_size": size, "pad_token_id": padding, "initializer_range": 0.3}
            model(config(**values)).save_pretrained(encoder)
            write_wordpiece_tokenizer(vocabulary, encoder)
        folder.mkdir()
        if kind in ("bi", "cls"):
            pooling, prompt = ("mean", "query: ") if kind == "bi" else ("cls", "")
            curve = {"32": {"rise": 2.0, "fall": 0.5, "shift": 0.5}, "8": {"rise": 4.0, "fall": 1.0, "shift": -1.0}}
            info = ScorerInfo(
                "bi", "tiny", "a test", None, 32, orders=None, pooling=pooling, prompt=prompt, calibration=curve
            )
            network = new_bi_network(encoder, pooling=pooling, prompt=prompt, max_length=32)
            BiScorer(TorchRuntime(network, "fp32"), info).save(folder)
        else:
            head = "bilstm" if kind == "bilstm" else "linear"
            network = new_cross_network(encoder, head=head, max_length=32)
            info = ScorerInfo("cross", "tiny", "a test", head, 32, orders="both")
            CrossScorer(TorchRuntime(network, "fp32"), info).save(folder)
        return folder

    return scorer


def exported(source, target, precision="fp32", **options):
    target.mkdir()
    return export_scorer(source, target, precision=precision, say=lambda line: None, **options)
