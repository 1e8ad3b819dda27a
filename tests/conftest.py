"""What the whole suite shares: tiny encoders, and no network."""

import itertools
import os

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

import pytest

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]


@pytest.fixture(scope="session")
def vocabulary(tmp_path_factory):
    """A WordPiece vocabulary that spells any text of common Hangul, ASCII letters and digits."""
    syllables = [chr(code) for code in range(0xAC00, 0xD7A4, 4)] + list(
        "숙소는깨끗해요방이합니다불꺼줘조명을켜메일지워오늘날씨"
    )
    characters = [*dict.fromkeys(syllables), *"abcdefghijklmnopqrstuvwxyz0123456789.,?!%"]
    path = tmp_path_factory.mktemp("vocabulary") / "vocab.txt"
    path.write_text("\n".join([*SPECIAL, *characters, *(f"##{c}" for c in characters)]) + "\n", encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def tiny_encoder(vocabulary, tmp_path_factory):
    """A randomly initialised BERT of two layers, 32 wide, as a checkpoint folder."""
    import torch
    from transformers import BertConfig, BertModel

    from sts.encoders.albert_kor import write_wordpiece_tokenizer

    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("tiny") / "encoder"
    size = len(vocabulary.read_text(encoding="utf-8").splitlines())
    config = BertConfig(
        vocab_size=size,
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=128,
        initializer_range=0.3,  # so small a network gives everything one score at the usual 0.02
    )
    BertModel(config).save_pretrained(folder)
    write_wordpiece_tokenizer(vocabulary, folder)
    return folder


@pytest.fixture(scope="session")
def pairs():
    """500 pairs of sentences, in two lists: those of the sample, and 40 that are unrelated."""
    from sts.pairs import load_pairs

    rows = [pair for name in ("sample", "sample-test") for pair in load_pairs([name], announce=lambda line: None).pairs]
    found = [(row["sentence1"], row["sentence2"]) for row in rows]
    found += [(a, b) for (a, _), (_, b) in itertools.pairwise(found[:41])]
    assert len(found) == 500
    return tuple(list(column) for column in zip(*found, strict=True))
