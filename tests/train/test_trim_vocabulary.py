"""Trainings whose base model's vocabulary is trimmed first."""

import json

import pytest
import torch
from transformers import BertConfig, BertModel

from sts.cli import run
from sts.encoders.albert_kor import write_wordpiece_tokenizer
from sts.models import load_scorer
from sts.pairs import load_pairs
from sts.train.command import train

# pieces that no Korean text needs
OTHERS = [f"{start}{end}" for start in "бвгджзклмн" for end in "абвгдежзик"]
WORDS = "--data sample --max-steps 6 --batch-size 8 --max-length 48 --precision fp32 --seed 3".split()


@pytest.fixture(scope="module")
def multilingual(vocabulary, tmp_path_factory):
    """A tiny encoder that knows pieces of another script too; those come first, so that all ids change."""
    folder = tmp_path_factory.mktemp("multilingual")
    pieces = vocabulary.read_text(encoding="utf-8").split()
    path = folder / "vocab.txt"
    path.write_text("\n".join([*pieces[:5], *OTHERS, *pieces[5:]]) + "\n", encoding="utf-8")
    torch.manual_seed(0)
    size = len(pieces) + len(OTHERS)
    sizes = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}
    BertModel(BertConfig(vocab_size=size, max_position_embeddings=64, initializer_range=0.3, **sizes)).save_pretrained(
        folder / "encoder"
    )
    write_wordpiece_tokenizer(path, folder / "encoder")
    return folder / "encoder"


def test_a_trimmed_training_is_the_same_training_of_a_smaller_model(multilingual, tmp_path, capsys):
    words = ["--base-model", str(multilingual), *WORDS]
    assert run(train, "train", [*words, "--output", str(tmp_path / "whole")]) == 0
    capsys.readouterr()
    assert run(train, "train", [*words, "--trim-vocabulary", "ko", "--output", str(tmp_path / "trimmed")]) == 0
    said = capsys.readouterr().out
    pieces = {
        name: json.loads((tmp_path / name / "config.json").read_text())["vocab_size"] for name in ("whole", "trimmed")
    }
    assert pieces["trimmed"] == pieces["whole"] - len(OTHERS)
    assert f"vocabulary: {pieces['trimmed']:,} of {pieces['whole']:,} pieces kept" in said
    assert json.loads((tmp_path / "trimmed" / "sts.json").read_text())["settings"]["trim_vocabulary"] == ["ko"]
    pairs = load_pairs(["sample-test"], announce=lambda line: None).pairs
    texts = pairs["sentence1"][:20], pairs["sentence2"][:20]
    whole, trimmed = (load_scorer(tmp_path / name, precision="fp32").score(*texts).scores for name in pieces)
    assert trimmed == pytest.approx(whole, abs=1e-3)


def test_a_file_that_names_no_texts_is_refused_before_anything_begins(multilingual, tmp_path, capsys):
    words = ["--base-model", str(multilingual), *WORDS, "--trim-vocabulary", "none.txt"]
    assert run(train, "train", [*words, "--output", str(tmp_path / "a")]) == 2
    assert "--trim-vocabulary none.txt: no such file; name files of texts, or ko" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
