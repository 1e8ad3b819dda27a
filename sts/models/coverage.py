"""How much of a text a model's vocabulary knows; of what it does not know, nothing is claimed.

A tokenizer puts one and the same piece in the place of whatever it has no pieces for, so that texts which differ there
look alike to the network. What was not read is measured here, and three rules follow from it:

- a text of which nothing was read scores 0 with any other text, and 5 with itself;
- two texts are called similar only if more than half of each was read, or what was not read is the same in both;
- and not if both hold something that was not read, and they differ in nothing else.
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

from sts.models.calibration import MAX_SCORE

if TYPE_CHECKING:
    import numpy as np

    from sts.models.batches import Tokens
    from sts.models.runtime import Offsets

# nearly every text has one of these, of which the vocabularies here have pieces
PLAIN = re.compile("[가-힣0-9A-Za-z]")
# marks, spaces, and what is not seen; a text is not read by its full stop
UNIMPORTANT = re.compile(r"[\W_]")
EMOJI = re.compile("[\u2190-\u2bff\U0001f000-\U0001faff]")
FILLERS = "\u115f\u1160\u3164\uffa0"
# of a text; from here on more was missed than read
TOO_MUCH = 0.5


class Reader(Protocol):
    """What tells which pieces a text consists of; `sts.models.runtime.Runtime` does."""

    unknown_id: int | None

    def offsets(self, sentences: list[str], limit: int | None) -> "tuple[Tokens, list[Offsets]]":
        """Token ids of n sentences, and where each token stands in its sentence."""
        ...


@dataclass(frozen=True)
class Coverage:
    """What was read of a text, and what was not.

    Attributes:
        read: its characters that pieces of the vocabulary stand for, in their order.
        missed: its other characters, but for white space.
    """

    read: str
    missed: str

    @cached_property
    def unknown(self) -> float:
        """The share of the text that was not read, 0 to 1; marks and white space do not count beside anything else."""
        if not self.missed:
            return 0.0
        read, missed = _weight(self.read), _weight(self.missed)
        return missed / (read + missed) if missed else float(not read)

    @property
    def is_nothing(self) -> bool:
        """Whether nothing of the text was read that says anything."""
        return self.unknown == 1


WHOLE = Coverage("", "")


def coverages(reader: Reader, sentences: Sequence[str], suspects: Sequence[int]) -> dict[int, Coverage]:
    """What was not read of those of n sentences that may not have been read whole.

    Args:
        reader: a scorer's runtime.
        sentences: n texts in their one form.
        suspects: places of those that hold unknown pieces; texts without a common character are looked at too.

    Returns:
        By place, the sentences that were not read whole.
    """
    places = sorted({*suspects, *(n for n, text in enumerate(sentences) if not PLAIN.search(text))})
    if not places:
        return {}
    tokens, offsets = reader.offsets([sentences[place] for place in places], None)
    found = {}
    for place, ids, spans in zip(places, tokens["input_ids"], offsets, strict=True):
        known, unknown = set[int](), set[int]()
        for number, (start, end) in zip(ids, spans, strict=True):
            (unknown if number == reader.unknown_id else known).update(range(start, end))
        known -= unknown  # a piece for the beginning of a word says that it begins with its first letter
        text = sentences[place]
        read = "".join(letter for n, letter in enumerate(text) if n in known and is_seen(letter))
        missed = "".join(letter for n, letter in enumerate(text) if n not in known and is_seen(letter))
        if missed or not read:
            found[place] = Coverage(read, missed or text)
    return found


def unknown_shares(found: dict[int, Coverage], count: int) -> "np.ndarray":
    """Shares (count,), float32, 0 to 1, of texts that were not read."""
    import numpy as np

    shares = np.zeros(count, dtype=np.float32)
    for place, coverage in found.items():
        shares[place] = coverage.unknown
    return shares


@dataclass(frozen=True)
class Claims:
    """What may be said of n pairs of texts.

    Attributes:
        unknown: float32 (n,), 0 to 1: the share of the text that was not read, of the one of a pair that was read less.
        unread: bool (n,), true where too little was read, or too little of what differs, to call a pair similar.
        fixed: scores of the pairs of which nothing was read, by place.
    """

    unknown: "np.ndarray"
    unread: "np.ndarray"
    fixed: dict[int, float]

    def apply(self, scores: "np.ndarray") -> "np.ndarray":
        """Scores (n,) with those of the unread pairs in their places."""
        for place, score in self.fixed.items():
            scores[place] = score
        return scores


def claims(pairs: Sequence[tuple[str, str]], found1: dict[int, Coverage], found2: dict[int, Coverage]) -> Claims:
    """What may be said of n pairs.

    Args:
        pairs: texts in their one form.
        found1: of the first texts, those that were not read whole, by place; see `coverages`.
        found2: of the second ones.
    """
    import numpy as np

    unknown = np.zeros(len(pairs), dtype=np.float32)
    unread = np.zeros(len(pairs), dtype=bool)
    fixed = {}
    for place in found1.keys() | found2.keys():
        one, two = found1.get(place, WHOLE), found2.get(place, WHOLE)
        unknown[place] = max(one.unknown, two.unknown)
        alike = one.missed == two.missed and one.is_nothing == two.is_nothing
        differ_there_alone = one.read == two.read and one is not WHOLE and two is not WHOLE
        same = pairs[place][0] == pairs[place][1]
        unread[place] = not same and not alike and (unknown[place] > TOO_MUCH or differ_there_alone)
        if one.is_nothing or two.is_nothing:
            fixed[place] = MAX_SCORE if same or alike else 0.0
    return Claims(unknown, unread, fixed)


def is_seen(letter: str) -> bool:
    """Whether a character is one that a reader sees: no space, no mark that only directs, no filler of Hangul."""
    return not letter.isspace() and unicodedata.category(letter) not in ("Cc", "Cf") and letter not in FILLERS


def _weight(text: str) -> int:
    """How many characters of a text carry it."""
    return sum(1 for letter in text if not UNIMPORTANT.match(letter) or EMOJI.match(letter))


def split_long_words(tokenizer: object) -> None:
    """Let a tokenizer part words that are too long for WordPiece, which would make one unknown piece of each.

    Args:
        tokenizer: of the tokenizers library; it is changed, once, and another kind than WordPiece is not.
    """
    from tokenizers import Regex, models, pre_tokenizers

    model, before = tokenizer.model, tokenizer.pre_tokenizer  # type: ignore[attr-defined]
    if not isinstance(model, models.WordPiece):
        return
    pattern = rf"[\s\S]{{{model.max_input_chars_per_word}}}"
    parts = pre_tokenizers.Split(Regex(pattern), "isolated")
    if before is not None and parts.__getstate__() in before.__getstate__():
        return
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([before, parts] if before is not None else [parts])  # type: ignore[attr-defined]


def unknown_id(tokenizer: object) -> int | None:
    """The id of the piece that stands for whatever a vocabulary has no pieces for; None where it has pieces for all.

    Args:
        tokenizer: of the tokenizers library.
    """
    model = tokenizer.model  # type: ignore[attr-defined]
    if hasattr(model, "unk_token"):
        return None if model.unk_token is None else tokenizer.token_to_id(model.unk_token)  # type: ignore[attr-defined]
    # Unigram does not tell its own
    match = re.search(r'"unk_id":(\d+)', tokenizer.to_str())  # type: ignore[attr-defined]
    return int(match[1]) if match else None
