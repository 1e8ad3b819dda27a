"""Adverbs that leave standing what a sentence says, and where they may go.

An adverb that strengthens, stresses or says how well can be added to most predicates, and the sentence is still
about the same. Adverbs that count, time, repeat, compare, limit, ask, join or deny are in none of the lists:
많이, 이미, 다시, 더, 조금, 왜, 또는, 안.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sts.augment.sentence import LIGHT, NEGATION, Analysed, Word, base_tag

if TYPE_CHECKING:
    import kiwipiepy

# with adjectives: 매우 친절하다
DEGREE = frozenset("매우 아주 정말 정말로 진짜 굉장히 상당히 무척 대단히 참 참으로 꽤 엄청 워낙 몹시 되게".split())
# with verbs: 제대로 점검하다
MANNER = frozenset(
    "제대로 직접 바로 정확히 자세히 상세히 꼼꼼히 철저히 충분히 완벽히 완전히 온전히 마음껏 그대로 "
    "고스란히 깊이 정말 실제로 확실히 분명히".split()
)
# with verbs of which one is asked: 좀 꺼 주세요
REQUEST = MANNER | frozenset("좀 꼭 빨리 얼른".split())
PARTICLES = frozenset({"JKS", "JKO", "JKB", "JX", "JC"})
# endings that lean on the next word: 먹어 보다, 하게 되다, 하지 마라, 하기 쉽다
CLOSE_ENDINGS = frozenset("어 아 여 게 지 기".split())
# what says how much where Kiwi takes it for a noun, too
HEDGES = frozenset("조금 약간 다소".split())
# how many words from a predicate on its negation may stand: 추천할 수 없다
NEGATION_REACH = 3


@dataclass(frozen=True)
class Place:
    """Where an adverb may stand.

    Attributes:
        start: the character of the sentence before which it goes.
        adverbs: those that go with the predicate there.
    """

    start: int
    adverbs: frozenset[str]


def adverb_places(sentence: Analysed) -> list[Place]:
    """Where an adverb may stand: before predicates that follow a particle or a clause and are not denied."""
    words = sentence.words
    found = []
    for number in range(1, len(words)):
        if _opens(words[number - 1]) and not _is_denied(words[number : number + NEGATION_REACH]):
            adverbs = _fitting(words[number], is_asked=number + 2 >= len(words) and _asks(words[-1]))
            if adverbs:
                found.append(Place(words[number].start, adverbs))
    return found


def _opens(word: Word) -> bool:
    """Whether a word ends in a particle, or in a clause's ending that does not lean on the next word; not 조금은."""
    if not word.morphemes or "MAG" in word.tags or word.morphemes[0].form in HEDGES:
        return False
    form, tag = _key(word.morphemes[-1])
    return tag in PARTICLES or (tag == "EC" and form not in CLOSE_ENDINGS)


def _fitting(word: Word, *, is_asked: bool) -> frozenset[str]:
    """The adverbs that go with a predicate, or none.

    Not with passives (개선되다), for most adverbs say how somebody does something; nor with verbs that mean little by
    themselves; nor where a quotation or bracket begins.
    """
    if not word.morphemes or word.tokens[0] is not word.morphemes[0] or word.is_protected:
        return frozenset()
    stem = [_key(token) for token in word.morphemes[:2]]
    if stem[0][1] in ("NNG", "XR"):
        stem = [("", {"XSA": "VA", "XSV": "VV"}.get(tag, "")) for form, tag in stem[1:] if form == "하"]
    elif stem[0][0] in LIGHT:
        return frozenset()
    tag = stem[0][1] if stem else ""
    return {"VA": DEGREE, "VV": REQUEST if is_asked else MANNER}.get(tag, frozenset())


def _asks(word: Word) -> bool:
    """Whether a sentence that ends so asks for something: 꺼 줘, 알려주세요, 보내 줄래; not 보내 줬다, 차려 줍니다."""
    keys = [_key(token) for token in word.morphemes]
    stated = any(key in (("었", "EP"), ("았", "EP")) or (key[1] == "EF" and key[0].endswith("다")) for key in keys)
    return ("주", "VX") in keys and not stated


def _is_denied(words: Sequence[Word]) -> bool:
    return any(_key(token) in NEGATION for word in words for token in word.tokens)


def _key(token: "kiwipiepy.Token") -> tuple[str, str]:
    return token.form, base_tag(token.tag)
