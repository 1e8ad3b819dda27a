"""A sentence with its morphemes, and what in it must not change."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from sts.text.numbers import numbers

if TYPE_CHECKING:
    import kiwipiepy

# what turns a sentence's meaning round, as Kiwi tags it
NEGATION = frozenset(
    {
        ("안", "MAG"), ("못", "MAG"), ("않", "VX"), ("않", "VV"), ("못하", "VX"), ("못하", "VV"), ("못하", "VA"),
        ("없", "VA"), ("없이", "MAG"), ("아니", "VCN"), ("아니", "IC"), ("아니하", "VX"), ("말", "VX"), ("말", "VV"),
        ("모르", "VV"), ("못되", "VX"), ("싫", "VA"),
    }
)  # fmt: skip
# words that go with a negation, bound how far a statement holds, or ask
POLAR = frozenset(
    "전혀 별로 그다지 결코 절대 절대로 도저히 아무리 거의 덜 더 가장 제일 아직 모두 다 만 늘 항상 매일 "
    "언제 어디 어떻게 왜 뭐 무엇 누구 누가 얼마나 어째서 어찌 혹시".split()
)
# verbs and adjectives that mean little by themselves, or live in set phrases
LIGHT = frozenset(
    "하 되 있 없 보 가 오 주 나 들 받 같 그렇 이렇 저렇 어떻 두 놓 대하 위하 따르 통하 관하 의하 인하 가지 갖".split()
)
# determiners that count or choose
COUNTING = frozenset(
    "한 두 세 네 다섯 여섯 일곱 여덟 아홉 열 몇 여러 모든 온갖 각 매 첫 어느 어떤 무슨 아무 반".split()
)
NUMERALS = frozenset({"SN", "NR", "W_SERIAL"})


@dataclass(frozen=True)
class Word:
    """What stands between two spaces, and its morphemes."""

    text: str
    start: int
    tokens: "tuple[kiwipiepy.Token, ...]"

    @cached_property
    def morphemes(self) -> "list[kiwipiepy.Token]":
        """Its morphemes without punctuation."""
        return [token for token in self.tokens if token.tag[0] != "S" or token.tag in ("SN", "SL", "SH")]

    @cached_property
    def tags(self) -> list[str]:
        """Its morphemes' tags, without marks for irregular verbs."""
        return [base_tag(token.tag) for token in self.morphemes]

    @cached_property
    def is_protected(self) -> bool:
        """Whether it holds a number, a name or a negation."""
        return any(is_protected(token) for token in self.tokens)

    @property
    def ends_in_mark(self) -> bool:
        """Whether punctuation follows its last letter."""
        return not self.text[-1].isalnum()


@dataclass(frozen=True)
class Analysed:
    """A sentence with Kiwi's analysis of it.

    Attributes:
        text: the sentence.
        tokens: its morphemes, in its order.
    """

    text: str
    tokens: "tuple[kiwipiepy.Token, ...]"

    @cached_property
    def words(self) -> list[Word]:
        """Its words, as spaces part them."""
        words, at = [], 0
        for match in re.finditer(r"\S+", self.text):
            start = at
            while at < len(self.tokens) and self.tokens[at].start < match.end():
                at += 1
            words.append(Word(match[0], match.start(), self.tokens[start:at]))
        return words

    @cached_property
    def numbers(self) -> list[str]:
        """Its numbers in figures, then those in words, each sorted."""
        counted = [token.form for token in self.tokens if token.tag == "NR" or _counts(token)]
        return sorted(numbers(self.text)) + sorted(counted)

    @cached_property
    def negations(self) -> list[str]:
        """Its negations, sorted."""
        return sorted(token.form for token in self.tokens if (token.form, base_tag(token.tag)) in NEGATION)

    @cached_property
    def names(self) -> set[str]:
        """Its proper nouns and Latin words."""
        return {token.form for token in self.tokens if token.tag in ("NNP", "SL") and not token.oov}

    @cached_property
    def unknown(self) -> int:
        """How many of its words have a morpheme that Kiwi does not know."""
        return sum(any(token.oov for token in word.tokens) for word in self.words)


def analyse(sentences: Iterable[str], *, workers: int | None = None) -> Iterator[Analysed]:
    """Analyse sentences with Kiwi, streamed, on all cores or on `workers` of them."""
    from sts.text.analysers.kiwi import shared_kiwi

    for tokens, text in shared_kiwi(workers).tokenize(iter(sentences), echo=True):
        yield Analysed(text, tuple(tokens))


def base_tag(tag: str) -> str:
    """A tag without Kiwi's mark for (ir)regular verbs: `VV-I` is `VV`."""
    return tag.partition("-")[0]


def is_protected(token: "kiwipiepy.Token") -> bool:
    """Whether a morpheme is a number, a name or a negation, and so must stay where and what it is."""
    tag = base_tag(token.tag)
    return tag in NUMERALS or tag in ("NNP", "SL", "SH") or (token.form, tag) in NEGATION or _counts(token)


def _counts(token: "kiwipiepy.Token") -> bool:
    return token.tag == "MM" and token.form in COUNTING
