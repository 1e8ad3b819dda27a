from pathlib import Path

import pytest
from tokenizers import Tokenizer, normalizers
from tokenizers.models import Unigram, WordPiece

from sts.encoders import KOREAN, trim_checkpoint
from sts.encoders.pieces import Vocabulary, korean_pieces, read_texts, seen_pieces, spelling_pieces
from sts.errors import DataError


def unigram(scored, keep=None, unk_id=0):
    """A tokenizer, and the vocabulary of it; with `keep`, of these ids alone."""
    kept = [entry for number, entry in enumerate(scored) if keep is None or number in keep]
    tokenizer = Tokenizer(Unigram(kept, unk_id=unk_id))
    return tokenizer, Vocabulary.of({"type": "Unigram", "vocab": kept}, Path("x"))


def wordpiece(pieces):
    tokenizer = Tokenizer(WordPiece({piece: number for number, piece in enumerate(pieces)}, unk_token="[UNK]"))
    model = {"continuing_subword_prefix": "##", "max_input_chars_per_word": 100, "type": "WordPiece"}
    return tokenizer, Vocabulary.of(model | {"vocab": {piece: n for n, piece in enumerate(pieces)}}, Path("x"))


def names(vocabulary, ids):
    return {piece for piece, number in vocabulary.ids.items() if number in ids}


@pytest.mark.parametrize(("count", "left"), [(0, ""), (1, "▁the"), (2, "▁the llo"), (3, "▁the llo he")])
def test_the_likeliest_latin_pieces_are_kept(monkeypatch, count, left):
    monkeypatch.setattr("sts.encoders.pieces.LATIN_PIECES", count)
    tokenizer, vocabulary = unigram([("<unk>", 0.0), ("he", -8.0), ("llo", -7.0), ("▁the", -5.0), ("né", -1.0)])
    assert names(vocabulary, korean_pieces(vocabulary, tokenizer)) == set(left.split())


def test_the_first_latin_pieces_are_kept_where_there_are_no_scores(monkeypatch):
    monkeypatch.setattr("sts.encoders.pieces.LATIN_PIECES", 2)
    tokenizer, vocabulary = wordpiece(["[UNK]", "zoo", "##s", "a", "가나", "##다!", "a가"])
    assert names(vocabulary, korean_pieces(vocabulary, tokenizer)) == {"zoo", "##s", "가나", "##다!"}


def test_pieces_of_what_the_normalizer_makes_of_korean_text_are_kept():
    """Decomposed signs: the bar over 이‾ becomes a blank and a combining line."""
    tokenizer, vocabulary = unigram([("<unk>", 0.0), ("이\u0305", -1.0), ("이\u0306", -1.0)])
    assert names(vocabulary, korean_pieces(vocabulary, tokenizer)) == set()
    tokenizer.normalizer = normalizers.NFKC()
    assert names(vocabulary, korean_pieces(vocabulary, tokenizer)) == {"이\u0305"}


def test_single_characters_and_bytes_spell_any_text():
    spelling = ["가", "▁가", "ᄀ", "ㅋ", "A", "é", "▁é", "·", "→", "漢", "▁か", "▁", "1", "<0x00>", "<0xFF>"]
    others = ["가나", "ع", "д", "ก", "😀", "<0x0>", "<unk>"]
    _, vocabulary = unigram([(piece, -1.0) for piece in ["<unk>", *others[:-1], *spelling]])
    assert names(vocabulary, spelling_pieces(vocabulary) - {0}) == set(spelling)


def test_unknown_characters_cost_what_they_did():
    """They cost 10 more than the least likely piece; without it, ☃ + 가나 (-27) would win over ☃가 + 나 (-28)."""
    scored = [("<unk>", 0.0), ("ع", -20.0), ("☃가", -13.0), ("나", -15.0), ("가나", -2.0), ("д", -1.0)]
    whole, vocabulary = unigram(scored)
    kept = {0} | spelling_pieces(vocabulary) | korean_pieces(vocabulary, whole)
    assert names(vocabulary, kept) == {"<unk>", "ع", "☃가", "나", "가나"}
    assert whole.encode("☃가나").tokens == unigram(scored, kept)[0].encode("☃가나").tokens == ["☃가", "나"]
    assert unigram(scored, kept - {1})[0].encode("☃가나").tokens == ["☃", "가나"]


def test_a_word_that_was_unknown_stays_unknown():
    """The longest piece, 가나, leads to a dead end; without it 가 and ##나다 would be found."""
    tokenizer, vocabulary = wordpiece(["[UNK]", "가", "가나", "##나다", "##라", "나"])
    assert tokenizer.encode("가나다").tokens == ["[UNK]"]
    assert names(vocabulary, seen_pieces(vocabulary, tokenizer, ["가나다"])) == {"[UNK]", "가", "가나", "##나다"}
    assert names(vocabulary, seen_pieces(vocabulary, tokenizer, ["가라"])) == {"가", "##라"}
    # unknown for its length, whatever it holds
    assert names(vocabulary, seen_pieces(vocabulary, tokenizer, ["가" * 101])) == {"[UNK]"}


def test_more_texts_than_fit_a_batch(monkeypatch):
    monkeypatch.setattr("sts.encoders.pieces.TEXTS_AT_ONCE", 2)
    tokenizer, vocabulary = wordpiece(["[UNK]", *"가나다라마"])
    assert names(vocabulary, seen_pieces(vocabulary, tokenizer, iter("가나다라라"))) == set("가나다라")


FILES = {
    "a.csv": "sentence1,sentence2\n가,나\n",
    "b.tsv": "sentence1\tsentence2\tscore\n가\t나\t1\n",
    "c.txt": "sentence1\tsentence2\n가\t나\n",
    "d.txt": "가\n\n나\n",
    "e.md": "\ufeff가\r\n나",
    "f.jsonl": '{"sentence": "가"}\n{"sentence": "나", "id": 3}\n',
    "g.json": '[{"sentence1": "가", "sentence2": "나", "labels": {"label": 1}}]',
    "h.csv": "id,sentence\n1,가\n2,나\n",
    "i.TEXT": "가\n나\n",
}


@pytest.mark.parametrize("name", FILES)
def test_texts_of_every_kind_of_file(tmp_path, name):
    (tmp_path / name).write_bytes(FILES[name].encode())
    assert list(read_texts(tmp_path / name)) == ["가", "나"]


BAD_FILES = [
    ("a.txt", b"", r"a\.txt: holds no text; name a file that does, or ko"),
    ("a.csv", b"sentence1,sentence2\n", r"a\.csv: holds no text"),
    ("a.csv", b"x,y\n1,2\n", r"line 1: found the columns x, y; one of sentence, sentence1, sentence2 is needed"),
    ("a.csv", b"sentence,x\n ,2\n", r"a\.csv, line 2: field 'sentence' is empty"),
    ("a.csv", b"sentence,x\n1\n", r"a\.csv, line 2: the row has 1 fields, the header 2"),
    ("a.jsonl", b'{"x": 1}\n', r"line 1: has no field named sentence, sentence1 or sentence2"),
    ("a.md", b"\xff\xfe", r"a\.md: holds no text"),  # a mark of UTF-16 alone
    ("a.md", b"\xffabc", r"a\.md, line 1: byte 0 is not UTF-8 \(0xff\); .* save the file as UTF-8$"),
    ("a.csv", b"sentence\n\xff", r"a\.csv, line 2: byte 9 is not UTF-8 \(0xff\)"),
    ("a.pdf", b"x", r"files of type '\.pdf' are not known; allowed are \.csv"),
]


@pytest.mark.parametrize(("name", "content", "problem"), BAD_FILES)
def test_files_that_hold_no_texts(tmp_path, name, content, problem):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=problem):
        trim_checkpoint(tmp_path / "none", tmp_path, [KOREAN, str(tmp_path / name)])


def test_a_file_that_is_missing_or_forbidden(tmp_path, monkeypatch):
    with pytest.raises(DataError, match=r"--trim-vocabulary korean: no such file; name files of texts, or ko"):
        trim_checkpoint(tmp_path, tmp_path, ["korean"])
    (tmp_path / "a.txt").write_text("가")

    def forbidden(path, *args, **options):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", forbidden)
    with pytest.raises(DataError, match=r"a\.txt: can't be read \(Permission denied\)"):
        trim_checkpoint(tmp_path, tmp_path, [str(tmp_path / "a.txt")])
