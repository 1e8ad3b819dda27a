"""Which pieces of a vocabulary a purpose needs: those of Korean text, or those of given texts."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, combinations, islice
from pathlib import Path
from typing import Any

from sts.errors import DataError, EncoderError, EncodingError
from sts.files.columns import Columns
from sts.files.encoding import open_text
from sts.files.options import AS_FOUND
from sts.files.table import read_table
from sts.text.form import composed

KINDS = ("Unigram", "WordPiece")
LINES = (".txt", ".text", ".md")
COLUMNS = ("sentence", "sentence1", "sentence2")
# English words in Korean text stay whole mostly: of a multilingual vocabulary these are the commonest pieces
LATIN_PIECES = 3000
TEXTS_AT_ONCE = 1000


def _characters(ranges: str) -> frozenset[str]:
    """The characters of ranges like `41-5a b5`, in hexadecimal."""
    ends = [entry.partition("-") for entry in ranges.split()]
    return frozenset(chr(code) for first, _, last in ends for code in range(int(first, 16), int(last or first, 16) + 1))


# syllables; letters, free-standing, joining, half-width; letters and syllables in circles and brackets
HANGUL = _characters("ac00-d7a3 1100-11ff a960-a97f d7b0-d7ff 3130-318f ffa0-ffdc 3200-321e 3260-327f")
# digits, punctuation and signs: ASCII, Latin-1, general, won and euro, arrows, mathematics, shapes, CJK, full-width
SIGNS = _characters(
    "20-40 5b-60 7b-7e a0-a9 ab-b4 b6-b9 bb-bf d7 f7 2000-206f 20a9 20ac 2190-22ff 25a0-26ff 3000-303f "
    "ff01-ff20 ff3b-ff40 ff5b-ff65 ffe6"
)
LATIN = _characters("41-5a 61-7a")
LATIN_1 = _characters("aa b5 ba c0-d6 d8-f6 f8-ff")
KANA = _characters("3040-30ff")
# the 4,888 of Korea's own standard, KS X 1001, which EUC-KR encodes; the rest of Unicode's are other languages'
HANJA = frozenset(sign for sign in _characters("4e00-9fff f900-faff") if sign.encode("euc_kr", "ignore"))


@dataclass(frozen=True)
class Vocabulary:
    """The pieces of a tokenizer's model.

    Attributes:
        kind: `Unigram` or `WordPiece`.
        ids: each piece's id.
        scores: log-probabilities by id for `Unigram`, else empty.
        mark: what a piece at the beginning of a word (`Unigram`), or inside one (`WordPiece`), begins with.
        longest: a word of more characters is unknown whatever its pieces; for `WordPiece`.
    """

    kind: str
    ids: dict[str, int]
    scores: tuple[float, ...]
    mark: str
    longest: int

    @classmethod
    def of(cls, model: dict[str, Any], path: Path) -> "Vocabulary":
        """The vocabulary of the field `model` of the tokenizer.json at `path`.

        Raises:
            EncoderError: it is of a kind that can't be trimmed.
        """
        kind = model.get("type")
        if kind not in KINDS:
            raise EncoderError(
                f"{path}: its vocabulary is of the kind {kind}; only {' and '.join(KINDS)} can be trimmed"
            )
        if kind == "Unigram":
            ids = {piece: number for number, (piece, _) in enumerate(model["vocab"])}
            return cls(kind, ids, tuple(score for _, score in model["vocab"]), "▁", 0)
        return cls(kind, model["vocab"], (), model["continuing_subword_prefix"], int(model["max_input_chars_per_word"]))

    def made_of(self, characters: frozenset[str]) -> Iterator[tuple[str, int]]:
        """Pieces, without their mark, and ids of those that have no other characters; the mark alone is one."""
        for piece, number in self.ids.items():
            if characters.issuperset(bare := piece.removeprefix(self.mark)):
                yield bare, number


def spelling_pieces(vocabulary: Vocabulary) -> set[int]:
    """Ids of the pieces that keep any text encodable: single characters, in both forms, and single bytes.

    The least likely piece is among them: the cost of an unknown character is counted from its score.
    """
    single = HANGUL | SIGNS | LATIN | LATIN_1 | KANA | HANJA
    kept = {number for bare, number in vocabulary.made_of(single) if len(bare) <= 1}
    kept.update(vocabulary.ids[byte] for byte in (f"<0x{n:02X}>" for n in range(256)) if byte in vocabulary.ids)
    if vocabulary.scores:
        kept.add(min(range(len(vocabulary.scores)), key=vocabulary.scores.__getitem__))
    return kept


def korean_pieces(vocabulary: Vocabulary, tokenizer: Any) -> set[int]:
    """Ids of the pieces that Korean text needs.

    All pieces made only of Hangul, digits, punctuation and signs, so that text of these alone has the same
    choice of pieces as before and is segmented the same; and the `LATIN_PIECES` likeliest of Latin letters.

    Args:
        vocabulary: the pieces.
        tokenizer: of the tokenizers library; pieces are matched with what its normalizer makes of text.
    """
    alphabet = HANGUL | SIGNS | {"▁"}
    if tokenizer.normalizer is not None:
        alphabet |= frozenset("".join(map(tokenizer.normalizer.normalize_str, sorted(alphabet))))
    kept = {number for _, number in vocabulary.made_of(alphabet)}
    latin = sorted(number for bare, number in vocabulary.made_of(LATIN) if bare)
    if vocabulary.scores:
        latin.sort(key=vocabulary.scores.__getitem__, reverse=True)
    return kept.union(latin[:LATIN_PIECES])


def seen_pieces(vocabulary: Vocabulary, tokenizer: Any, texts: Iterable[str]) -> set[int]:
    """Ids of the pieces that texts consist of, so that the same texts are segmented the same without the others.

    Args:
        vocabulary: the pieces.
        tokenizer: of the tokenizers library, without truncation.
        texts: read once, in batches.
    """
    kept: set[int] = set()
    unknown = {tokenizer.token_to_id(tokenizer.model.unk_token)} if vocabulary.kind == "WordPiece" else set()
    remaining = iter(texts)
    while batch := list(islice(remaining, TEXTS_AT_ONCE)):
        for text, encoding in zip(batch, tokenizer.encode_batch(batch, add_special_tokens=False), strict=True):
            found = set(encoding.ids)
            kept |= found
            if found & unknown:
                kept |= _in_unknown_words(vocabulary, tokenizer, text)
    return kept


def _in_unknown_words(vocabulary: Vocabulary, tokenizer: Any, text: str) -> set[int]:
    """Ids of the pieces that occur in a text's unknown words.

    WordPiece takes the longest piece first. Without the one that led it to a dead end it might take a
    shorter one and come through, and the word would no longer be unknown.
    """
    kept = set()
    if tokenizer.normalizer is not None:
        text = tokenizer.normalizer.normalize_str(text)
    words = (
        [text] if tokenizer.pre_tokenizer is None else [w for w, _ in tokenizer.pre_tokenizer.pre_tokenize_str(text)]
    )
    for word in words:
        if len(word) > vocabulary.longest or tokenizer.model.tokenize(word)[0].value != tokenizer.model.unk_token:
            continue
        for first, last in combinations(range(len(word) + 1), 2):
            number = vocabulary.ids.get((vocabulary.mark if first else "") + word[first:last])
            if number is not None:
                kept.add(number)
    return kept


def read_texts(path: Path) -> Iterator[str]:
    """Read the texts of a file one after the other, in constant memory but for `.json`.

    Args:
        path: a file of sentence pairs or of sentences, see `sts.files.table`; or of a text
            a line (.txt, .text, .md).

    Raises:
        DataError: the file is missing, can't be read, holds no text, is not of a known format, not UTF-8, or has a
            row that can't be used.
    """
    if not path.is_file():
        raise DataError(f"--trim-vocabulary {path}: no such file; name files of texts, or ko for Korean text")
    try:
        texts = _lines(path) if path.suffix.lower() in LINES and not _has_pairs(path) else _fields(path)
        first = next(texts, None)
        if first is None:
            raise DataError(f"--trim-vocabulary {path}: holds no text; name a file that does, or ko for Korean text")
        yield from chain([first], texts)
    except EncodingError as error:
        raise DataError(error.without_option()) from error
    except OSError as error:
        raise DataError(f"--trim-vocabulary {path}: can't be read ({error.strerror})") from error


def _has_pairs(path: Path) -> bool:
    """Whether a text file is a table of pairs: KorSTS has TSV in files named .txt."""
    with open_text(path, AS_FOUND) as stream:
        return path.suffix.lower() == ".txt" and "sentence1" in stream.readline().rstrip("\r\n").split("\t")


def _lines(path: Path) -> Iterator[str]:
    with open_text(path, AS_FOUND) as stream:
        for line in stream:
            if line.strip():
                yield composed(line.rstrip("\r\n"))


def _fields(path: Path) -> Iterator[str]:
    """The sentences of a table's rows."""
    from sts.pairs.rows import ALIASES, check_sentence  # pairs ask the hub through this package

    for row in read_table(path, Columns((), COLUMNS, ALIASES, any_of=True)):
        if isinstance(row.fields, str):
            raise DataError(f"{path}, {row.place}: {row.fields}")
        found = [name for name in COLUMNS if name in row.fields]
        problem = None if found else f"has no field named {', '.join(COLUMNS[:-1])} or {COLUMNS[-1]}"
        for name in found:
            problem = problem or check_sentence(name, row.fields[name])
        if problem:
            raise DataError(f"{path}, {row.place}: {problem}")
        yield from (composed(row.fields[name]) for name in found)
