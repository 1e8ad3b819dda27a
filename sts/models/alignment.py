"""Which words of two sentences go together, by a network's states of their tokens.

A word is what white space parts. Its vector is the mean of its tokens' states two thirds of the way up the encoder,
less the mean over many words, which all words share. Two words go together if each is the other's nearest (the
"argmax" of SimAlign, Jalili Sabet et al. 2020, https://arxiv.org/abs/2004.08728) and near enough.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sts.models.runtime import Runtime
from sts.text.form import composed

if TYPE_CHECKING:
    import numpy as np

# cosines of words that have nothing to do with each other stay below this, those of counterparts mostly above
NEAR_ENOUGH = 0.25
WORD = re.compile(r"\S+")
# whose words make the mean: everyday, formal, and commands, as in KLUE-STS
COMMON = (
    "어제 친구와 함께 영화를 보고 저녁을 먹었습니다.",
    "숙소는 역에서 가깝고 주변에 식당이 많아서 편리했어요.",
    "정부는 다음 달부터 새로운 지원 정책을 시행한다고 밝혔다.",
    "회의가 끝나면 자료를 정리해서 메일로 보내 주세요.",
    "이번 주말에 비가 오는지 알려 줘.",
    "그는 오랫동안 기다렸지만 아무도 오지 않았다.",
    "가격에 비해 방이 넓고 침대도 아주 편했다.",
    "스팸 메일은 읽지 말고 모두 지워.",
    "전문가들은 경기가 천천히 회복될 것으로 내다봤다.",
    "거실 온도를 조금 낮추고 커튼을 닫아 줄래?",
    "아이들이 놀 수 있는 공원이 근처에 하나 더 있으면 좋겠네요.",
    "지난해 수출은 3.5% 늘었고 수입은 2% 줄었다.",
)


@dataclass(frozen=True)
class Words:
    """A sentence's words and tokens.

    Attributes:
        spans: for each word, its first character and the one after its last.
        tokens: token ids and masks, as the network takes them.
        rows: for each word, which of the tokens are its own; none where the sentence was cut before it, or where the
            vocabulary does not know it.
    """

    spans: list[tuple[int, int]]
    tokens: dict[str, list[int]]
    rows: list[list[int]]


@dataclass(frozen=True)
class Link:
    """Two words that go together: their numbers, and their cosine, -1 to 1."""

    word1: int
    word2: int
    similarity: float


def split_words(runtime: Runtime, sentences: Sequence[str], limit: int) -> list[Words]:
    """The words of n sentences; text pipelines and prompts play no part.

    Args:
        runtime: a scorer's.
        sentences: n sentences.
        limit: tokens at most; the rest of a sentence has no vectors.
    """
    texts = [composed(sentence) for sentence in sentences]
    tokens, offsets = runtime.offsets(texts, limit)
    found = []
    for number, (sentence, text) in enumerate(zip(sentences, texts, strict=True)):
        # composing changes letters and no white space: the words of both are the same ones
        spans = [match.span() for match in WORD.finditer(sentence)]
        seen = [match.span() for match in WORD.finditer(text)]
        ids = tokens["input_ids"][number]
        pieces = [(row, start, end) for row, (start, end) in enumerate(offsets[number]) if end > start]
        unknown = {at for row, start, end in pieces if ids[row] == runtime.unknown_id for at in range(start, end)}
        places = [piece for piece in pieces if unknown.isdisjoint(range(*piece[1:]))]
        rows = [[row for row, a, b in places if a < end and b > start] for start, end in seen]
        found.append(Words(spans, {name: column[number] for name, column in tokens.items()}, rows))
    return found


def word_vectors(runtime: Runtime, words: Sequence[Words], *, alone: bool = True) -> list["np.ndarray"]:
    """Vectors (words, hidden) of each sentence's words, 0 where a word has no tokens.

    Args:
        runtime: a scorer's, of either mode.
        words: n sentences' words.
        alone: whether nothing else is computed meanwhile; see `Runtime.run`.
    """
    import numpy as np

    tokens = {name: [each.tokens[name] for each in words] for name in words[0].tokens}
    states = runtime.states(tokens, alone=alone)
    empty = np.zeros(states.shape[-1], dtype=np.float32)
    return [
        np.array([state[rows].mean(axis=0) if rows else empty for rows in each.rows], np.float32).reshape(
            -1, len(empty)
        )
        for state, each in zip(states, words, strict=True)
    ]


def center_of(vectors: Sequence["np.ndarray"]) -> "np.ndarray":
    """What the vectors (hidden,) of all words share, from those of the words of `COMMON`."""
    import numpy as np

    center: np.ndarray = np.concatenate(vectors).mean(axis=0)
    return center


def link_words(vectors1: "np.ndarray", vectors2: "np.ndarray", center: "np.ndarray") -> list[Link]:
    """Pairs of words that are each other's nearest, and near enough.

    Args:
        vectors1: (m, hidden), of the first sentence's words; 0 means that a word has none.
        vectors2: (n, hidden), of the second's.
        center: (hidden,), what all words share.
    """
    import numpy as np

    a, b = _centered(vectors1, center), _centered(vectors2, center)
    cosines = a @ b.T
    if not cosines.size:
        return []
    best1, best2 = cosines.argmax(axis=1), cosines.argmax(axis=0)
    return [
        Link(one, int(two), float(np.clip(cosines[one, two], -1, 1)))
        for one, two in enumerate(best1)
        if best2[two] == one and cosines[one, two] >= NEAR_ENOUGH
    ]


def _centered(vectors: "np.ndarray", center: "np.ndarray") -> "np.ndarray":
    import numpy as np

    there = np.abs(vectors).sum(axis=1, keepdims=True) > 0
    moved = (vectors - center) * there
    lengths = np.linalg.norm(moved, axis=1, keepdims=True)
    return moved / np.where(lengths > 0, lengths, 1)
