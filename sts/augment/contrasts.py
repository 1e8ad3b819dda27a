"""Versions of a sentence of which it is known how similar they are to it: contrasts, and what changes nothing.

Augmentation copies a label, and so may not change what a sentence says. These methods change it on purpose, or write it
otherwise on purpose, and each says between which scores (0 to 5) the sentence and its version lie.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Sequence
from typing import TYPE_CHECKING

from sts.augment.eda import REPLACEABLE
from sts.augment.sentence import NEGATION, Analysed, Word, base_tag
from sts.augment.thesauri.base import excluded_by, opposites_of, synonym_of

if TYPE_CHECKING:
    import kiwipiepy
    import numpy as np

# what a predicate may be followed by where it is denied
PREDICATES = frozenset({"VV", "VA", "VX", "XSV", "XSA"})
NOUNS = frozenset({"NNG", "NNP", "NP", "NNB", "SL", "XSN", "XPN", "XR", "NR", "SN"})
# endings of commands and proposals, which are denied otherwise
COMMANDS = frozenset("라 자 세요 으세요 어라 십시오 ᆸ시오 읍시다 ᆸ시다".split())
# what asks, and how a question ends where no mark says so
QUESTION_WORDS = frozenset("언제 어디 어떻게 왜 뭐 무엇 누구 누가 얼마나 어째서 어찌 몇 무슨 어느 어떤".split())
QUESTION_ENDS = ("까", "니", "냐", "나", "나요", "가", "가요", "는지", "은지", "지", "죠")
# counters that go with native numerals
COUNTERS = frozenset("개 명 시 마리 살 잔 권 대 병 시간 사람 가지 그릇 장 판 채 벌 켤레 송이 달".split())
NATIVE = ("", "한", "두", "세", "네", "다섯", "여섯", "일곱", "여덟", "아홉", "열", "열한", "열두")
# what months, hours, minutes and days go up to
LARGEST = {"월": 12, "시": 24, "분": 59, "일": 31}
YEARS = range(1900, 2101)
MOST_DIGITS = 9
# of a syllable's code: initials, medials and finals of Unicode's Hangul
FIRST, MEDIALS, FINALS = 0xAC00, 21, 28


class Contrast(ABC):
    """What all of them share.

    Attributes:
        name: how `--methods` calls it, and what a pair's source says.
        low, high: between which scores a sentence and its version lie.
    """

    name: str
    low: float
    high: float

    def vary(self, sentences: Sequence[Analysed], generators: "Sequence[np.random.Generator]") -> list[str | None]:
        """A version of each sentence; None where this method finds nothing to change."""
        return [self._change(sentence, generator) for sentence, generator in zip(sentences, generators, strict=True)]

    @abstractmethod
    def _change(self, sentence: Analysed, generator: "np.random.Generator") -> str | None: ...


class Opposite(Contrast):
    """Puts a word's opposite in its place: 켜다 for 끄다, 비싸다 for 싸다."""

    name, low, high = "opposite", 0.0, 2.0

    def _change(self, sentence: Analysed, generator: "np.random.Generator") -> str | None:
        return _replaced(sentence, generator, lambda token: opposites_of(token.form), REPLACEABLE)


class Sibling(Contrast):
    """Puts a word in another's place that excludes it: 화요일 for 월요일, 부산 for 서울."""

    name, low, high = "sibling", 0.5, 2.8

    def _change(self, sentence: Analysed, generator: "np.random.Generator") -> str | None:
        def others(token: "kiwipiepy.Token") -> frozenset[str]:
            # "목" of "월 화 수 목" is another word where "월요일" stood
            alike = {word for word in excluded_by(token.form) if (len(word) > 1) == (len(token.form) > 1)}
            return frozenset(alike) - opposites_of(token.form)

        return _replaced(sentence, generator, others, frozenset({"NNG", "NNP"}))


class Denial(Contrast):
    """Denies the last predicate (-지 않다), or asserts it where it is denied."""

    name, low, high = "denial", 0.0, 2.0

    def _change(self, sentence: Analysed, generator: "np.random.Generator") -> str | None:
        from sts.text.analysers.kiwi import shared_kiwi

        if not sentence.words or _asks(sentence):  # a question that is denied asks much the same
            return None
        word, before = sentence.words[-1], sentence.words[:-1]
        tokens = [(token.form, token.tag) for token in word.tokens]
        if (
            tokens
            and tokens[0][0] in ("않", "못하")
            and before
            and before[-1].tokens
            and before[-1].tokens[-1].form == "지"
        ):
            # "깨끗하지 않아요" becomes "깨끗해요"
            stem = [(token.form, token.tag) for token in before[-1].tokens[:-1]]
            return " ".join([*(each.text for each in before[:-1]), shared_kiwi().join(stem + tokens[1:])])
        if sentence.negations:
            return None
        stems = [place for place, (_, tag) in enumerate(tokens) if base_tag(tag) in PREDICATES]
        if not stems or shared_kiwi().join(tokens) != word.text:
            return None
        place = stems[-1] + 1
        if place >= len(tokens) or base_tag(tokens[place][1]) not in ("EP", "EF"):
            return None
        if tokens[stems[-1]] == ("주", "VX") or any(form in COMMANDS for form, _ in tokens[place:]):
            return None
        changed = [*tokens[:place], ("지", "EC"), ("않", "VX"), *tokens[place:]]
        return " ".join([*(each.text for each in before), shared_kiwi().join(changed)])


class OtherNumber(Contrast):
    """Writes another number in a number's place: 19시 for 9시, 30% for 3%."""

    name, low, high = "other_number", 0.5, 2.8

    def _change(self, sentence: Analysed, generator: "np.random.Generator") -> str | None:
        places = [token for token in sentence.tokens if token.tag == "SN" and _is_plain(token.form)]
        if not places:
            return None
        token = places[int(generator.integers(len(places)))]
        value, end = int(token.form), token.start + token.len
        unit = sentence.text[end : end + 1]
        low, high, least = max(1, value // 3), value * 3 + 2, value / 4
        if value <= LARGEST.get(unit, 0):
            high = min(high, LARGEST[unit])
        if value in YEARS and unit == "년":
            low, high, least = value - 30, value + 30, 1
        drawn = [int(each) for each in generator.integers(low, high + 1, size=8)]
        other = next((each for each in drawn if abs(each - value) >= least), None)
        return None if other is None else f"{sentence.text[: token.start]}{other}{sentence.text[end:]}"


class SameNumber(Contrast):
    """Writes a count in the other way: 세 개 for 3개, 3개 for 세 개."""

    name, low, high = "same_number", 4.2, 5.0

    def _change(self, sentence: Analysed, generator: "np.random.Generator") -> str | None:
        for number, counter in zip(sentence.tokens, sentence.tokens[1:], strict=False):
            if counter.form not in COUNTERS or not base_tag(counter.tag).startswith("NN"):
                continue
            end = counter.start + counter.len
            if number.tag == "SN" and _is_plain(number.form) and int(number.form) < len(NATIVE):
                return f"{sentence.text[: number.start]}{NATIVE[int(number.form)]} {counter.form}{sentence.text[end:]}"
            if number.form in NATIVE[1:] and number.tag in ("MM", "NR"):
                return f"{sentence.text[: number.start]}{NATIVE.index(number.form)}{counter.form}{sentence.text[end:]}"
        return None


class Exchange(Contrast):
    """What two of them share that let the nouns before two particles trade places."""

    particles: tuple[tuple[frozenset[str], frozenset[str]], ...]

    def _change(self, sentence: Analysed, generator: "np.random.Generator") -> str | None:
        from sts.text.analysers.kiwi import shared_kiwi

        nouns = [_noun_and_particle(word) for word in sentence.words]
        found = [
            (a, b)
            for first, second in self.particles
            for a, one in enumerate(nouns)
            for b, other in enumerate(nouns)
            if a != b and one and other and one[1] in first and other[1] in second and one[0] != other[0]
        ]
        if not found:
            return None
        a, b = found[int(generator.integers(len(found)))]
        words = [word.text for word in sentence.words]
        for place, source in ((a, b), (b, a)):
            into, noun = sentence.words[place], sentence.words[source]
            cut = next(number for number, token in enumerate(into.tokens) if token.tag[0] == "J")
            stem = next(number for number, token in enumerate(noun.tokens) if token.tag[0] == "J")
            tokens = [*noun.tokens[:stem], *into.tokens[cut:]]
            words[place] = shared_kiwi().join([(token.form, token.tag) for token in tokens])
        return " ".join(words)


class Roles(Exchange):
    """Lets who does something and to whom it is done trade places: 고양이가 개를, 개가 고양이를."""

    name, low, high = "roles", 0.5, 2.5
    particles = (
        (frozenset({"이", "가", "은", "는", "께서"}), frozenset({"을", "를", "에게", "한테", "보다", "에게서"})),
    )


class Direction(Exchange):
    """Lets where something comes from and where it goes trade places: 서울에서 부산까지, 부산에서 서울까지."""

    name, low, high = "direction", 0.5, 2.5
    particles = (
        (frozenset({"에서", "부터"}), frozenset({"까지", "로", "으로", "에"})),
        (frozenset({"을", "를"}), frozenset({"로", "으로"})),
    )


class Typing(Contrast):
    """Leaves out a space, or writes ㅐ for ㅔ or ㅔ for ㅐ, as people type."""

    name, low, high = "typing", 4.3, 5.0

    def _change(self, sentence: Analysed, generator: "np.random.Generator") -> str | None:
        words = sentence.text.split()
        if len(words) > 2 and generator.random() < 0.6:
            at = int(generator.integers(len(words) - 1))
            return " ".join([*words[:at], words[at] + words[at + 1], *words[at + 2 :]])
        # ㅐ and ㅔ sound alike: 1 and 5 of Unicode's medials
        places = [place for place, letter in enumerate(sentence.text) if _medial(letter) in (1, 5)]
        if not places:
            return None
        at = places[int(generator.integers(len(places)))]
        code = ord(sentence.text[at]) + (4 if _medial(sentence.text[at]) == 1 else -4) * FINALS
        return sentence.text[:at] + chr(code) + sentence.text[at + 1 :]


METHODS = (Opposite, Sibling, Denial, OtherNumber, SameNumber, Roles, Direction, Typing)


def _replaced(
    sentence: Analysed,
    generator: "np.random.Generator",
    others: "Callable[[kiwipiepy.Token], Collection[str]]",
    tags: frozenset[str],
) -> str | None:
    """The sentence with one word replaced by another that `others` names for it; None where there is none."""
    from sts.text.analysers.kiwi import shared_kiwi

    found: list[tuple[int, int, str]] = [
        (number, place, other)
        for number, word in enumerate(sentence.words)
        for place, token in enumerate(word.tokens)
        if base_tag(token.tag) in tags and (token.form, base_tag(token.tag)) not in NEGATION
        for other in sorted(others(token))
    ]
    for at in generator.permutation(len(found)).tolist():
        number, place, other = found[at]
        word = sentence.words[number]
        tag = word.tokens[place].tag
        synonym = synonym_of(other, tag)
        if base_tag(synonym.tag) != base_tag(tag) and not (base_tag(tag) == "NNP" and synonym.tag.startswith("NN")):
            continue
        tokens = [(token.form, token.tag) for token in word.tokens]
        if shared_kiwi().join(tokens) != word.text:
            continue
        tokens[place] = (synonym.form, synonym.tag)
        words = [each.text for each in sentence.words]
        words[number] = shared_kiwi().join(tokens)
        return " ".join(words)
    return None


def _noun_and_particle(word: Word) -> tuple[str, str] | None:
    """The noun and the particle that a word is; None where it is anything else."""
    cut = next((number for number, token in enumerate(word.tokens) if token.tag[0] == "J"), None)
    if not cut or any(base_tag(token.tag) not in NOUNS for token in word.tokens[:cut]):
        return None
    return word.text[: word.tokens[cut].start - word.start], word.tokens[cut].form


def _is_plain(digits: str) -> bool:
    """Whether digits are a number of a usual size, above 0; a telephone number's parts begin with 0."""
    return digits.isascii() and digits.isdecimal() and digits[0] != "0" and len(digits) <= MOST_DIGITS


def _asks(sentence: Analysed) -> bool:
    """Whether a sentence is a question, with or without a mark."""
    return (
        not {"?", "？"}.isdisjoint(sentence.text)
        or any(token.form in QUESTION_WORDS for token in sentence.tokens)
        or any(token.tag == "EF" and token.form in QUESTION_ENDS for token in sentence.tokens[-3:])
    )


def _medial(letter: str) -> int | None:
    code = ord(letter) - FIRST
    return code // FINALS % MEDIALS if 0 <= code < 11172 else None
