import json
import shutil

import numpy as np
import pytest
import sentencepiece
import torch
from tokenizers import Tokenizer, models, pre_tokenizers, trainers
from transformers import (
    M2M100Config,
    M2M100ForConditionalGeneration,
    M2M100Tokenizer,
    MarianConfig,
    MarianMTModel,
    MarianTokenizer,
    NllbTokenizer,
)

from sts.augment.back_translation import BackTranslation
from sts.augment.sentence import Analysed
from sts.augment.translation_cache import TranslationCache
from sts.augment.translator import Translator
from sts.errors import EncoderError, MissingDependency, UsageError

KOREAN = ["불을 꺼 줘.", "숙소가 아주 깨끗해요.", "내일 비가 와요?", "역에서 가까워요."]
ENGLISH = ["Turn off the light.", "The room is very clean.", "Will it rain tomorrow?", "It is near."]
# what the toys make of the English; the last one comes back as it was
RETURNED = ["조명을 꺼 주세요.", "방이 참 깨끗해요.", "내일 비가 올까요?", "역에서 가까워요."]
THERE, BACK = list(zip(KOREAN, ENGLISH, strict=True)), list(zip(ENGLISH, RETURNED, strict=True))
SMALL = {
    "d_model": 32,
    "encoder_layers": 1,
    "decoder_layers": 1,
    "encoder_attention_heads": 2,
    "decoder_attention_heads": 2,
    "encoder_ffn_dim": 32,
    "decoder_ffn_dim": 32,
    "max_position_embeddings": 128,
    "dropout": 0.0,
    "attention_dropout": 0.0,
}


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("STS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    return TranslationCache()


@pytest.fixture(scope="session")
def words(tmp_path_factory):
    """A sentencepiece model of whole words, and its pieces."""
    prefix = tmp_path_factory.mktemp("words") / "words"
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter([*KOREAN, *ENGLISH, *RETURNED]),
        model_prefix=str(prefix),
        model_type="word",
        vocab_size=100,
        hard_vocab_limit=False,
        minloglevel=2,
    )
    path = prefix.with_suffix(".model")
    processor = sentencepiece.SentencePieceProcessor(model_file=str(path))
    return path, [processor.id_to_piece(number) for number in range(3, processor.get_piece_size())]


def learn(model, tokenizer, directions):
    """Let a model learn some pairs by heart; each direction is source and target language, and pairs."""
    rows = []
    for source, target, pairs in directions:
        tokenizer.src_lang, tokenizer.tgt_lang = source, target
        rows += [tokenizer(text, text_target=translation) for text, translation in pairs]
    batch = tokenizer.pad([{"input_ids": row["input_ids"]} for row in rows], return_tensors="pt")
    labels = torch.nn.utils.rnn.pad_sequence([torch.tensor(row["labels"]) for row in rows], True, -100)
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
    for _ in range(300):
        loss = model(**batch, labels=labels).loss
        if loss < 0.02:
            return model
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    raise AssertionError(f"did not learn: {loss}")


@pytest.fixture(scope="session")
def marian(words, tmp_path_factory):
    """Makes a Marian checkpoint that knows some pairs by heart."""
    path, pieces = words

    def make(pairs, extra=()):
        folder = tmp_path_factory.mktemp("marian")
        names = ["</s>", "<unk>", *pieces, *extra, "<pad>"]
        (folder / "vocab.json").write_text(json.dumps({name: number for number, name in enumerate(names)}))
        files = {name: str(shutil.copy(path, folder / f"{name}.spm")) for name in ("source", "target")}
        tokenizer = MarianTokenizer(files["source"], files["target"], str(folder / "vocab.json"))
        tokenizer.save_pretrained(folder)
        torch.manual_seed(0)
        pad = len(names) - 1
        special = {"pad_token_id": pad, "decoder_start_token_id": pad, "eos_token_id": 0}
        config = MarianConfig(vocab_size=len(names), **special, **SMALL)
        model = MarianMTModel(config)
        if pairs:
            learn(model, tokenizer, [(None, None, pairs)])
        model.save_pretrained(folder)
        return folder

    return make


@pytest.fixture(scope="session")
def pair(marian):
    """A Marian checkpoint for each direction."""
    return str(marian(THERE)), str(marian(BACK))


def multilingual(folder, tokenizer, size, korean, english):
    """One M2M100 model that knows both directions by heart."""
    tokenizer.save_pretrained(folder)
    torch.manual_seed(0)
    model = M2M100ForConditionalGeneration(
        M2M100Config(vocab_size=size, encoder_layerdrop=0.0, decoder_layerdrop=0.0, **SMALL)
    )
    learn(model, tokenizer, [(korean, english, THERE), (english, korean, BACK)])
    model.save_pretrained(folder)
    return str(folder)


@pytest.fixture(scope="session")
def m2m(words, tmp_path_factory):
    path, pieces = words
    folder = tmp_path_factory.mktemp("m2m")
    names = ["<s>", "<pad>", "</s>", "<unk>", *pieces]
    (folder / "vocab.json").write_text(json.dumps({name: number for number, name in enumerate(names)}))
    shutil.copy(path, folder / "sentencepiece.bpe.model")
    tokenizer = M2M100Tokenizer(str(folder / "vocab.json"), str(folder / "sentencepiece.bpe.model"))
    return multilingual(folder, tokenizer, len(names) + 108, "ko", "en")


def nllb_tokenizer(codes):
    learned = Tokenizer(models.BPE(unk_token="<unk>"))
    learned.pre_tokenizer = pre_tokenizers.Metaspace()
    special = ["<s>", "<pad>", "</s>", "<unk>"]
    trainer = trainers.BpeTrainer(vocab_size=400, special_tokens=special, show_progress=False)
    learned.train_from_iterator([*KOREAN, *ENGLISH, *RETURNED], trainer)
    state = json.loads(learned.to_str())["model"]
    merges = [tuple(merge) for merge in state["merges"]]
    return NllbTokenizer(vocab=state["vocab"], merges=merges, src_lang=codes[0], extra_special_tokens=codes)


@pytest.fixture(scope="session")
def nllb(tmp_path_factory):
    tokenizer = nllb_tokenizer(["eng_Latn", "fra_Latn", "kor_Hang"])
    return multilingual(tmp_path_factory.mktemp("nllb"), tokenizer, len(tokenizer), "kor_Hang", "eng_Latn")


def vary(method, texts=KOREAN, seed=0):
    generators = [np.random.default_rng([seed, number]) for number in range(len(texts))]
    return method.vary([Analysed(text, ()) for text in texts], generators)


def translate(folder, texts, source="ko", target="en", **options):
    settings = {"num_beams": 1, "best": 1, "max_length": 16} | options
    return Translator(str(folder), "--ko-en", print).translate(texts, source, target, **settings)


@pytest.fixture
def batches(monkeypatch):
    """The batches that are translated from here on; and texts whose batch is to be interrupted."""
    translate, seen, fail_at = Translator.translate, [], set()

    def spy(self, texts, *args, **settings):
        if fail_at & set(texts):
            raise KeyboardInterrupt
        seen.append(list(texts))
        return translate(self, texts, *args, **settings)

    monkeypatch.setattr(Translator, "translate", spy)
    return seen, fail_at


def test_sentences_go_to_english_and_back(pair, capsys):
    method = BackTranslation(*pair, num_beams=1)
    assert vary(method) == [*RETURNED[:3], None]
    assert f"translating ko→en with {pair[0]}, en→ko with {pair[1]}\n" in capsys.readouterr().err


@pytest.mark.parametrize(("name", "codes"), [("m2m", ("__ko__", "__en__")), ("nllb", ("kor_Hang", "eng_Latn"))])
def test_one_checkpoint_for_both_directions_is_told_the_languages(name, codes, request, monkeypatch):
    folder = request.getfixturevalue(name)
    generate, calls = M2M100ForConditionalGeneration.generate, []

    def spy(self, **options):
        calls.append((options["input_ids"][:, 0].tolist(), options["forced_bos_token_id"]))
        return generate(self, **options)

    monkeypatch.setattr(M2M100ForConditionalGeneration, "generate", spy)
    method = BackTranslation(folder, folder, num_beams=1)
    assert vary(method) == [*RETURNED[:3], None]
    tokenizer, _ = method._ko_en._loaded
    ko, en = tokenizer.convert_tokens_to_ids(list(codes))
    assert len({ko, en, tokenizer.unk_token_id}) == 3
    assert calls == [([ko] * 4, en), ([en] * 4, ko)]


def test_a_marian_checkpoint_for_several_languages_is_told_the_target_by_a_label(marian, monkeypatch):
    folder = marian((), extra=(">>fra<<", ">>kor<<"))
    seen = []

    def generate(self, **options):
        seen.append(options)
        return torch.zeros(1, 2, dtype=torch.long)

    monkeypatch.setattr(MarianMTModel, "generate", generate)
    assert translate(folder, ["It is near."], "en", "ko") == [[]]
    tokenizer, _ = Translator(str(folder), "--en-ko", print)._loaded
    assert tokenizer.convert_ids_to_tokens(seen[0]["input_ids"][0]) == [">>kor<<", "▁It", "▁is", "▁near.", "</s>"]
    with pytest.raises(EncoderError, match=r"has none of >>eng<<, >>en<<; give a checkpoint for Korean and English"):
        translate(folder, KOREAN)


def test_a_sentence_has_as_many_versions_as_there_are_beams_and_its_generator_draws(pair, batches):
    seen, _ = batches
    method = BackTranslation(*pair, num_beams=3)
    drawn = vary(method, KOREAN[:1] * 200)
    assert seen == [KOREAN[:1], ENGLISH[:1]]
    best, *others = sorted(set(drawn), key=drawn.count, reverse=True)
    assert best == RETURNED[0]
    assert len(others) == 2
    # 1 of 11/6, with three standard deviations
    assert 0.44 < drawn.count(best) / 200 < 0.65
    assert drawn == vary(method, KOREAN[:1] * 200)
    assert drawn != vary(method, KOREAN[:1] * 200, seed=1)


def test_what_a_sentence_becomes_does_not_depend_on_its_company(pair, cache):
    method = BackTranslation(*pair, num_beams=3)
    together = vary(method)
    cache.path.unlink()
    small = BackTranslation(*pair, num_beams=3, batch_size=1)
    backwards = small.vary(
        [Analysed(text, ()) for text in KOREAN[::-1]], [np.random.default_rng([0, number]) for number in (3, 2, 1, 0)]
    )
    assert backwards[::-1] == together


def test_a_run_that_was_interrupted_goes_on_where_it_was(pair, batches):
    seen, fail_at = batches
    fail_at.add(KOREAN[1])  # the longest, so it comes last
    with pytest.raises(KeyboardInterrupt):
        vary(BackTranslation(*pair, num_beams=1, batch_size=2))
    assert seen == [[KOREAN[0], KOREAN[2]]]
    fail_at.clear()
    seen.clear()
    assert vary(BackTranslation(*pair, num_beams=1, batch_size=2)) == [*RETURNED[:3], None]
    assert seen == [[KOREAN[3], KOREAN[1]], [ENGLISH[3], ENGLISH[0]], [ENGLISH[2], ENGLISH[1]]]


def test_a_second_run_computes_nothing_and_loads_no_model(pair, batches, monkeypatch):
    seen, _ = batches
    first = vary(BackTranslation(*pair))
    seen.clear()
    monkeypatch.setattr("transformers.AutoModelForSeq2SeqLM.from_pretrained", None)
    assert vary(BackTranslation(*pair)) == first
    assert seen == []


def test_other_settings_or_other_weights_do_not_share_translations(pair, marian, batches):
    seen, _ = batches
    there, back = pair
    vary(BackTranslation(there, back, num_beams=1), KOREAN[:1])
    for method in (
        BackTranslation(there, back, num_beams=2),
        BackTranslation(there, back, num_beams=1, max_length=20),
        BackTranslation(str(marian(THERE[:1])), back, num_beams=1),
    ):
        seen.clear()
        assert vary(method, KOREAN[:1]) != [None]
        assert seen[0] == KOREAN[:1]


def test_what_is_too_long_is_left_alone(pair):
    # 불을 꺼 줘. and an end are 4 tokens, Turn off the light. and an end are 5, as are those of the other three
    assert translate(pair[0], KOREAN[:1], max_length=6) == [ENGLISH[:1]]
    assert translate(pair[0], KOREAN[:1], max_length=5) == [[]]  # the end is forced there
    assert translate(pair[0], KOREAN[:1], max_length=3) == [[]]
    method = BackTranslation(*pair, num_beams=1, max_length=16)
    assert vary(method, ["아주 " * 20 + "깨끗해요.", KOREAN[0]]) == [None, RETURNED[0]]
    with pytest.raises(UsageError, match=r"max_length is 129; .* has positions for 128 tokens at most"):
        translate(pair[0], KOREAN, max_length=129)


def test_no_sentences(pair):
    assert BackTranslation(*pair).vary([], []) == []


def test_checkpoints_that_cannot_be_used(tmp_path, tiny_encoder, pair):
    def refused(name, message):
        with pytest.raises(EncoderError, match=message):
            BackTranslation(pair[0], str(name))

    refused(tiny_encoder, r"--en-ko .*: model_type is 'bert', which does not translate; give a sequence-to-sequence")
    refused("owner/name", r"--en-ko owner/name: is not in the cache and HF_HUB_OFFLINE is set; go online, check the")
    refused("no such folder", r"--en-ko no such folder: is no folder and no hub id; give the folder of a checkpoint")
    folder = tmp_path / "pickled"
    shutil.copytree(pair[1], folder, ignore=shutil.ignore_patterns("*.safetensors"))
    refused(folder, r"holds no model\.safetensors")
    (folder / "pytorch_model.bin").touch()
    refused(folder, r"its weights are a pickle \(\.bin\), which can run code when it is read; only safetensors")


@pytest.mark.parametrize("file", ["model.safetensors", "source.spm", "vocab.json", "tokenizer_config.json"])
def test_a_damaged_checkpoint_says_so(pair, tmp_path, file):
    folder = tmp_path / "damaged"
    shutil.copytree(pair[0], folder)
    (folder / file).write_bytes(b"{damaged")
    with pytest.raises(EncoderError, match=r"--ko-en .*damaged: can't be loaded \(.*\); copy or fetch it again"):
        translate(folder, KOREAN)


def test_a_checkpoint_for_other_languages_is_refused(tmp_path):
    tokenizer = nllb_tokenizer(["eng_Latn", "fra_Latn"])
    tokenizer.save_pretrained(tmp_path)
    M2M100ForConditionalGeneration(M2M100Config(vocab_size=len(tokenizer), **SMALL)).save_pretrained(tmp_path)
    with pytest.raises(EncoderError, match=r"its tokenizer has none of kor_Hang, __ko__, ko_KR; give a checkpoint"):
        translate(tmp_path, KOREAN)


def test_a_missing_sentencepiece_names_the_extra(pair, monkeypatch):
    def missing(*args, **options):
        raise ImportError("MarianTokenizer requires the SentencePiece library")

    monkeypatch.setattr("transformers.AutoTokenizer.from_pretrained", missing)
    with pytest.raises(
        MissingDependency, match=r"the tokenizer of .* needs the package sentencepiece.*\[translation\]"
    ):
        translate(pair[0], KOREAN)


def test_a_known_model_without_safetensors_is_converted_and_shared_weights_are_written_once(m2m, tmp_path, capsys):
    name = "facebook/m2m100_418M"
    snapshot = tmp_path / "hub" / "models--facebook--m2m100_418M" / "snapshots" / "abc"
    shutil.copytree(m2m, snapshot, ignore=shutil.ignore_patterns("*.safetensors"))
    (snapshot.parents[1] / "refs").mkdir()
    (snapshot.parents[1] / "refs" / "main").write_text("abc")
    weights = M2M100ForConditionalGeneration.from_pretrained(m2m).state_dict()
    shared = [key for key, tensor in weights.items() if tensor.data_ptr() == weights["model.shared.weight"].data_ptr()]
    assert len(shared) == 4
    torch.save(weights, snapshot / "pytorch_model.bin")
    method = BackTranslation(name, name, num_beams=1)
    converted = tmp_path / "cache" / "encoders" / "facebook--m2m100_418M-abc-3"
    assert f"converting facebook--m2m100_418M once into {converted}" in capsys.readouterr().err
    assert vary(method) == [*RETURNED[:3], None]
    once = sum(tensor.nbytes for key, tensor in weights.items() if key not in shared[1:])
    assert once < (converted / "model.safetensors").stat().st_size < once + weights[shared[0]].nbytes
