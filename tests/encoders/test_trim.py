import json
import shutil
import unicodedata

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import (
    AutoModel,
    AutoModelForMaskedLM,
    AutoTokenizer,
    BertConfig,
    BertForMaskedLM,
    BertModel,
    PreTrainedTokenizerFast,
    RobertaConfig,
    RobertaModel,
)

from sts.encoders import KOREAN, Trimming, trim_checkpoint
from sts.encoders.albert_kor import write_wordpiece_tokenizer
from sts.errors import EncoderError, UsageError
from sts.models import BiScorer, CrossScorer, ScorerInfo, load_scorer
from sts.models.network import new_bi_network, new_cross_network
from sts.models.torch_runtime import TorchRuntime

WEIGHTS = "model.safetensors"
SMALL = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}
# pieces in the order of their ids, and scores; `ko` cuts those behind a ~
UNIGRAM = """
    <s> 0, <pad> 0, </s> 0, <unk> 0, ~é! -6, ▁ -2, ~سلام -4.5, ▁숙소 -4, 숙소 -5, ~س -6, ▁the -5.5, ▁깨끗 -6, 숙 -7,
    ~▁дом -5, 소 -7, 깨 -7, 끗 -7, 가 -7, ▁가 -8, he -8.1, ~llo -8.2, . -3, !! -9, h -9, e -9, l -9, o -9, ~漢字 -6,
    é -9, 漢 -9, か -9, … -9, 10 -9, ~2k -6, <0x0A> -9, ١١ -20
"""
# the special ones are not the first, so that their ids change
WORDPIECE = """
    ~[unused0] ~##дом ~дом [PAD] [UNK] [CLS] [SEP] [MASK] the ##lo 숙 ~hello 소 가 깨 ~##el 끗 . h 1 é ~ﷺ 漢
    ##소 ##가 ##e ##l ##o 숙소 숙소가 ##끗해 ~##2k 10
"""
KOREAN_TEXTS = ["숙소가 깨끗…!! 10.", "숙소", "깨끗가가 소숙", "가\u1109\u116e\u11a8소"]


@pytest.fixture(autouse=True)
def few_latin_pieces(monkeypatch):
    monkeypatch.setattr("sts.encoders.pieces.LATIN_PIECES", 2)


def kept_by_ko(kind):
    entries = (
        [entry.split()[0] for entry in UNIGRAM.split(",")] + ["<mask>"] if kind == "Unigram" else WORDPIECE.split()
    )
    return [piece for piece in entries if not piece.startswith("~")]


def unigram_tokenizer(folder):
    pieces = [
        (piece, float(score)) for piece, score in (entry.split() for entry in UNIGRAM.replace("~", "").split(","))
    ]
    tokenizer = Tokenizer(models.Unigram(pieces, unk_id=3))
    tokenizer.normalizer = normalizers.NFKC()
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", pair="<s> $A </s> $B </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    tokenizer.enable_padding(pad_id=1, pad_token="<pad>")
    named = {"bos": "<s>", "cls": "<s>", "eos": "</s>", "sep": "</s>", "pad": "<pad>", "unk": "<unk>", "mask": "<mask>"}
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, model_max_length=64, **{f"{name}_token": token for name, token in named.items()}
    ).save_pretrained(folder)
    return len(pieces) + 1  # the mask token is none of the model's own pieces


def wordpiece_tokenizer(folder):
    pieces = WORDPIECE.replace("~", "").split()
    (folder / "vocab.txt").write_text("\n".join(pieces) + "\n", encoding="utf-8")
    write_wordpiece_tokenizer(folder / "vocab.txt", folder, max_length=64)
    return len(pieces)


def checkpoint(folder, kind, model_class=BertModel, config_class=BertConfig, **options):
    """A tiny checkpoint whose table has five rows more than its tokenizer pieces, as e5-small's has 35."""
    folder.mkdir()
    count = (unigram_tokenizer if kind == "Unigram" else wordpiece_tokenizer)(folder)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    ids = {"pad_token_id": tokenizer.pad_token_id, "bos_token_id": tokenizer.cls_token_id}
    torch.manual_seed(0)
    config = config_class(vocab_size=count + 5, **SMALL, max_position_embeddings=80, **ids, **options)
    model_class(config).save_pretrained(folder)
    return folder


@pytest.fixture(params=["Unigram", "WordPiece"])
def source(request, tmp_path):
    return checkpoint(tmp_path / "source", request.param)


@pytest.fixture
def target(tmp_path):
    folder = tmp_path / "target"
    folder.mkdir()
    return folder


def pieces_of(folder):
    """Pieces in the order of their ids, which must have no holes."""
    vocabulary = Tokenizer.from_file(str(folder / "tokenizer.json")).get_vocab()
    assert sorted(vocabulary.values()) == list(range(len(vocabulary)))
    return sorted(vocabulary, key=vocabulary.__getitem__)


def tokens(folder, texts):
    tokenizer = AutoTokenizer.from_pretrained(folder)
    return [tokenizer.convert_ids_to_tokens(tokenizer(text)["input_ids"]) for text in texts]


def states(folder, texts):
    batch = AutoTokenizer.from_pretrained(folder)(texts, padding=True, return_tensors="pt")
    with torch.inference_mode():
        return AutoModel.from_pretrained(folder).eval()(**batch).last_hidden_state


def test_korean_text_is_segmented_as_before_and_has_the_same_states(source, target):
    trimming = trim_checkpoint(source, target, [KOREAN])
    assert trimming.of == json.loads((source / "config.json").read_text())["vocab_size"]
    assert trimming.pieces == json.loads((target / "config.json").read_text())["vocab_size"] < trimming.of
    assert tokens(target, KOREAN_TEXTS) == tokens(source, KOREAN_TEXTS)
    assert torch.equal(states(target, KOREAN_TEXTS), states(source, KOREAN_TEXTS))
    table = load_file(target / "model.safetensors")["embeddings.word_embeddings.weight"]
    assert table.shape == (trimming.pieces, 32)


@pytest.mark.parametrize("kind", ["Unigram", "WordPiece"])
def test_ko_keeps_these_pieces_in_their_order(tmp_path, target, kind):
    source = checkpoint(tmp_path / "source", kind)
    trimming = trim_checkpoint(source, target, [KOREAN])
    assert pieces_of(target) == kept_by_ko(kind)
    assert trimming == Trimming(len(kept_by_ko(kind)), len(pieces_of(source)) + 5)


def test_special_tokens_have_their_new_ids_everywhere(source, target):
    settings = json.loads((source / "tokenizer_config.json").read_text())
    before = AutoTokenizer.from_pretrained(source)
    decoder = {str(n): {"content": t, "special": True} for t, n in before.get_added_vocab().items()}
    (source / "tokenizer_config.json").write_text(json.dumps(settings | {"added_tokens_decoder": decoder}))
    (source / "generation_config.json").write_text(json.dumps({"eos_token_id": [before.sep_token_id], "x": 3}))
    trim_checkpoint(source, target, [KOREAN])
    pieces, after = pieces_of(target), AutoTokenizer.from_pretrained(target)
    for name in ("pad", "cls", "sep", "mask", "unk"):
        number = getattr(after, f"{name}_token_id")
        assert pieces[number] == getattr(before, f"{name}_token") == after.convert_ids_to_tokens(number)
    assert after("가", "소")["input_ids"][0] == after.cls_token_id
    assert after("가", "소")["input_ids"][-1] == after.sep_token_id
    config = json.loads((target / "config.json").read_text())
    assert (config["pad_token_id"], config["bos_token_id"]) == (after.pad_token_id, after.cls_token_id)
    generation = json.loads((target / "generation_config.json").read_text())
    assert generation == {"eos_token_id": [after.sep_token_id], "x": 3}
    decoder = json.loads((target / "tokenizer_config.json").read_text())["added_tokens_decoder"]
    assert {int(number): entry["content"] for number, entry in decoder.items()} == {
        number: token for token, number in after.get_added_vocab().items()
    }
    padding = json.loads((target / "tokenizer.json").read_text())["padding"]
    assert padding is None or padding["pad_id"] == after.pad_token_id


def test_text_of_pieces_that_were_cut_can_still_be_encoded(source, target):
    trim_checkpoint(source, target, [KOREAN])
    tokenizer = AutoTokenizer.from_pretrained(target)
    assert tokenizer.tokenize("سلام 숙소")[-1].endswith("숙소")
    assert tokenizer.unk_token_id in tokenizer("سلام 숙소")["input_ids"]
    assert tokenizer.tokenize("hello") in (["▁", "he", "l", "l", "o"], ["h", "##e", "##l", "##lo"])
    assert torch.isfinite(states(target, ["سلام дом hello 漢字"])).all()


CUT_BY_FILE = {
    "Unigram": {"숙소", "▁the", "▁дом", "!!", "10", "س"},
    "WordPiece": {"[unused0]", "##дом", "дом", "the", "##lo", "##el", "ﷺ", "숙소가"},
}


@pytest.mark.parametrize("kind", CUT_BY_FILE)
def test_texts_of_a_file_are_segmented_as_before(tmp_path, target, kind):
    source = checkpoint(tmp_path / "source", kind)
    texts = ["hello 숙소", "漢字 2k سلام", "깨끗해", "é!"] + (["10", "12k"] if kind == "WordPiece" else [])
    (tmp_path / "texts.txt").write_text("\n".join(texts), encoding="utf-8")
    trim_checkpoint(source, target, [str(tmp_path / "texts.txt")])
    assert tokens(target, texts) == tokens(source, texts)
    assert torch.equal(states(target, texts), states(source, texts))
    assert set(pieces_of(source)) - set(pieces_of(target)) == CUT_BY_FILE[kind]


def test_files_and_ko_together_keep_what_each_of_them_does(source, target, tmp_path):
    (tmp_path / "a.txt").write_text("дом 漢字", encoding="utf-8")
    trim_checkpoint(source, target, [KOREAN, str(tmp_path / "a.txt")])
    assert {"10", "숙소"} <= set(pieces_of(target))
    assert {"дом", "▁дом"} & set(pieces_of(target))
    texts = [*KOREAN_TEXTS, "дом 漢字"]
    assert tokens(target, texts) == tokens(source, texts)


def test_where_positions_begin_does_not_move(tmp_path, target):
    source = checkpoint(tmp_path / "source", "WordPiece", RobertaModel, RobertaConfig, type_vocab_size=1)
    before = AutoTokenizer.from_pretrained(source)
    assert pieces_of(source)[:3] == ["[unused0]", "##дом", "дом"]
    settings = json.loads((source / "tokenizer_config.json").read_text())
    settings["model_input_names"] = ["input_ids", "attention_mask"]
    (source / "tokenizer_config.json").write_text(json.dumps(settings))
    trim_checkpoint(source, target, [KOREAN])
    assert AutoTokenizer.from_pretrained(target).pad_token_id == before.pad_token_id == 3
    assert torch.equal(states(target, KOREAN_TEXTS), states(source, KOREAN_TEXTS))


def test_heads_are_cut_and_other_tensors_of_that_size_are_not(tmp_path, target):
    source = checkpoint(tmp_path / "source", "WordPiece", BertForMaskedLM)
    rows = json.loads((source / "config.json").read_text())["vocab_size"]
    tensors = {name: tensor.bfloat16() for name, tensor in load_file(source / "model.safetensors").items()}
    tensors["cls.predictions.decoder.bias"] = tensors["cls.predictions.bias"].clone()
    tensors["bert.encoder.other.weight"] = torch.arange(2.0 * rows).reshape(rows, 2)
    save_file(tensors, source / "model.safetensors", metadata={"format": "pt", "who": "test"})
    left = trim_checkpoint(source, target, [KOREAN]).pieces
    cut = load_file(target / "model.safetensors")
    changed = {name for name, tensor in cut.items() if tensor.shape != tensors[name].shape}
    heads = {"cls.predictions.bias", "cls.predictions.decoder.bias"}
    assert changed == {"bert.embeddings.word_embeddings.weight", *heads}
    assert all(cut[name].shape[0] == left for name in changed)
    assert all(torch.equal(tensor, tensors[name]) for name, tensor in cut.items() if name not in changed)
    assert cut["bert.embeddings.word_embeddings.weight"].dtype == torch.bfloat16
    old, new = pieces_of(source), pieces_of(target)
    rows_kept = [old.index(piece) for piece in new]
    for name in changed:
        assert torch.equal(cut[name], tensors[name][rows_kept])
    with safe_open(target / "model.safetensors", "pt") as file:
        assert file.metadata() == {"format": "pt", "who": "test"}
    assert AutoModelForMaskedLM.from_pretrained(target).cls.predictions.decoder.weight.shape == (left, 32)


def test_a_tokenizer_class_of_its_own_loads_from_what_is_left(tmp_path, target):
    source = checkpoint(tmp_path / "source", "WordPiece")
    settings = json.loads((source / "tokenizer_config.json").read_text())
    settings |= {"tokenizer_class": "BertTokenizer", "do_lower_case": True, "strip_accents": False}
    (source / "tokenizer_config.json").write_text(json.dumps(settings))
    trim_checkpoint(source, target, [KOREAN])
    assert type(AutoTokenizer.from_pretrained(target)).__name__ == "BertTokenizer"
    assert tokens(target, KOREAN_TEXTS) == tokens(source, KOREAN_TEXTS)
    assert not (target / "vocab.txt").exists()


def test_other_files_are_copied_but_for_other_forms_of_the_model(source, target):
    for name in ("notes.md", "1_Head/config.json", "1_Head/model.safetensors", "1_Head/vocab.txt", "onnx/model.onnx"):
        (source / name).parent.mkdir(exist_ok=True)
        (source / name).write_text("as it is")
    for name in ("pytorch_model.bin", "vocab.txt", "spiece.model"):
        (source / name).write_text("of the whole vocabulary")
    trim_checkpoint(source, target, [KOREAN])
    found = {str(path.relative_to(target)) for path in target.rglob("*") if path.is_file()}
    head = {f"1_Head/{name}" for name in ("config.json", "model.safetensors", "vocab.txt")}
    assert found == {"config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json", "notes.md", *head}
    assert (target / "1_Head/model.safetensors").read_text() == "as it is"


@pytest.mark.parametrize("kind", ["cross", "bi"])
def test_a_scorer_scores_as_before(source, target, tmp_path, kind):
    if kind == "bi":
        network = new_bi_network(source, pooling="mean", prompt="hello. ", max_length=32)
        curves = {"32": {"rise": 1.0, "fall": 1.0, "shift": 0.0}}
        info = ScorerInfo("bi", "tiny", "a test", None, 32, None, "mean", "hello. ", curves)
        scorer = BiScorer(TorchRuntime(network, "fp32"), info)
    else:
        network = new_cross_network(source, head="linear", max_length=32)
        scorer = CrossScorer(TorchRuntime(network, "fp32"), ScorerInfo("cross", "tiny", "a test", "linear", 32))
    (tmp_path / "scorer").mkdir()
    scorer.save(tmp_path / "scorer")
    trim_checkpoint(tmp_path / "scorer", target, [KOREAN])
    # the prompt stays whole, though Korean text does not need all of it
    prompted = ["hello. 숙소가"] if kind == "bi" else ["숙소가"]
    assert tokens(target, prompted) == tokens(tmp_path / "scorer", prompted)
    before, after = load_scorer(tmp_path / "scorer", precision="fp32"), load_scorer(target, precision="fp32")
    pairs = KOREAN_TEXTS, KOREAN_TEXTS[::-1]
    np.testing.assert_array_equal(after.score(*pairs).scores, before.score(*pairs).scores)


def test_a_scorer_keeps_what_its_text_pipeline_makes_of_a_file(source, target, tmp_path):
    steps = [{"step": "normalize"}]
    (source / "sts.json").write_text(json.dumps({"prompt": "", "text_pipeline": {"name": "n", "steps": steps}}))
    # the pipeline composes syllables, which WordPiece alone does not
    (tmp_path / "a.txt").write_text(unicodedata.normalize("NFD", "숙소가"), encoding="utf-8")
    trim_checkpoint(source, target, [str(tmp_path / "a.txt")])
    assert tokens(target, ["숙소가"]) == tokens(source, ["숙소가"])
    assert {"숙소가", "▁숙소"} & set(pieces_of(target))


def test_a_prompt_that_only_the_caller_knows_stays_whole(source, target, tmp_path):
    texts = tmp_path / "texts.txt"
    texts.write_text("숙소가", encoding="utf-8")
    trim_checkpoint(source, target, [str(texts)], prompt="hello. ")
    assert tokens(target, ["hello. 숙소가"]) == tokens(source, ["hello. 숙소가"])


def test_nothing_wanted(source, target):
    with pytest.raises(UsageError, match=r"--trim-vocabulary: names nothing to keep; name files of texts, or ko"):
        trim_checkpoint(source, target, [])


def changed(path, change):
    values = json.loads(path.read_text())
    change(values)
    path.write_text(json.dumps(values))


def test_checkpoints_that_cannot_be_trimmed(tmp_path, target):
    whole = checkpoint(tmp_path / "whole", "WordPiece")

    def refused(problem, damage):
        folder = shutil.copytree(whole, tmp_path / "source", dirs_exist_ok=True)
        damage(folder)
        with pytest.raises(EncoderError, match=problem):
            trim_checkpoint(folder, target, [KOREAN])
        shutil.rmtree(folder)

    def rename_table(folder):
        tensors = load_file(folder / "model.safetensors")
        save_file({name.replace("word_", "own_"): tensor for name, tensor in tensors.items()}, folder / WEIGHTS)

    def add_piece(values):
        values["model"]["vocab"]["가가가"] = 10_000

    refused(r"holds no config\.json, so it is no", lambda folder: (folder / "config.json").unlink())
    refused(r"holds no tokenizer\.json, which trimming needs", lambda folder: (folder / "tokenizer.json").unlink())
    refused(
        r"holds no model\.safetensors, which trimming needs.*into one file",
        lambda folder: (folder / WEIGHTS).rename(folder / "model-00001-of-00002.safetensors"),
    )
    for kind in ("BPE", "WordLevel"):
        refused(
            f"is of the kind {kind}; only Unigram and WordPiece can be trimmed",
            lambda folder, kind=kind: changed(folder / "tokenizer.json", lambda v: v["model"].update(type=kind)),
        )
    refused(r"tokenizer\.json: not JSON", lambda folder: (folder / "tokenizer.json").write_text("{"))
    refused(r"is not of the form that transformers", lambda folder: (folder / "tokenizer.json").write_text("{}"))
    refused(r"not a safetensors file", lambda folder: (folder / WEIGHTS).write_bytes(b"PK" * 50))
    refused(r"holds no table of \d+ pieces, the vocab_size in config\.json", rename_table)
    refused(
        r"holds no table of 7 pieces",
        lambda folder: changed(folder / "config.json", lambda values: values.update(vocab_size=7)),
    )
    refused(
        r"its tokenizer has a piece of id 10000, its weights \d+ rows of pieces",
        lambda folder: changed(folder / "tokenizer.json", add_piece),
    )
