"""EDA (Wei and Zou 2019, https://aclanthology.org/D19-1670), on morphemes, so that the result is Korean.

Each method makes n = max(1, round(alpha * words)) changes, or as many as the sentence has room for. A word
that is written anew takes the particle or ending that fits it; every other word stays letter for letter.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from sts.augment.clause import deletable, movable
from sts.augment.sentence import LIGHT, POLAR, Analysed, Word, base_tag, is_protected
from sts.augment.thesauri import Synonym, Thesaurus

if TYPE_CHECKING:
    import kiwipiepy
    import numpy as np

REPLACEABLE = frozenset({"NNG", "VV", "VA", "MAG"})
# what joins two adjectives ("환하고 밝은")
AND = ("고", "EC")


class Eda(ABC):
    """What the four methods share.

    Args:
        alpha: share of a sentence's words that change, above 0 and up to 1.
    """

    name: str

    def __init__(self, alpha: float = 0.1) -> None:
        self.alpha = alpha

    def vary(self, sentences: Sequence[Analysed], generators: "Sequence[np.random.Generator]") -> list[str | None]:
        """A new version of each sentence; None where this method finds nothing to change."""
        return [
            self._change(sentence, max(1, round(self.alpha * len(sentence.words))), generator)
            for sentence, generator in zip(sentences, generators, strict=True)
        ]

    @abstractmethod
    def _change(self, sentence: Analysed, count: int, generator: "np.random.Generator") -> str | None: ...


class SynonymReplacement(Eda):
    """Puts a synonym in the place of nouns, verbs, adjectives and adverbs.

    Args:
        thesaurus: where synonyms come from.
        alpha: as for all four.
    """

    name = "sr"

    def __init__(self, thesaurus: Thesaurus, alpha: float = 0.1) -> None:
        super().__init__(alpha)
        self.thesaurus = thesaurus

    def _change(self, sentence: Analysed, count: int, generator: "np.random.Generator") -> str | None:
        return _write_words(sentence, count, generator, self._write)

    def _write(self, word: Word, generator: "np.random.Generator") -> str | None:
        for place in _replaceable(word):
            synonym = _draw(self.thesaurus, word.tokens[place], generator)
            written = synonym and _rewritten(word, place, synonym)
            if written:
                return written
        return None


class RandomInsertion(Eda):
    """Puts a synonym beside its word, in a way that Korean allows.

    A noun's synonym goes right before it, as a noun that modifies a noun ("음식점 식당에"), an adverb's before the
    adverb ("아주 매우"), an adjective's before the adjective and joined by 고 ("환하고 밝은").

    Args:
        thesaurus: where synonyms come from.
        alpha: as for all four.
    """

    name = "ri"

    def __init__(self, thesaurus: Thesaurus, alpha: float = 0.1) -> None:
        super().__init__(alpha)
        self.thesaurus = thesaurus

    def _change(self, sentence: Analysed, count: int, generator: "np.random.Generator") -> str | None:
        return _write_words(sentence, count, generator, self._write)

    def _write(self, word: Word, generator: "np.random.Generator") -> str | None:
        from sts.text.analysers.kiwi import shared_kiwi

        place = next(iter(_replaceable(word)), None)
        if place is None or word.tokens[place].start != word.start:
            return None
        tag = base_tag(word.tokens[place].tag)
        synonym = _draw(self.thesaurus, word.tokens[place], generator) if tag != "VV" else None
        if synonym is None:
            return None
        inserted = shared_kiwi().join([(synonym.form, synonym.tag), AND]) if tag == "VA" else synonym.form
        return f"{inserted} {word.text}"


class RandomSwap(Eda):
    """Lets two constituents of one clause trade places; their particles say what they are, wherever they stand."""

    name = "rs"

    def _change(self, sentence: Analysed, count: int, generator: "np.random.Generator") -> str | None:
        clauses = movable(sentence)
        if not clauses:
            return None
        order = list(range(len(sentence.words)))
        for clause_number in generator.permutation(len(clauses)).tolist()[:count]:
            clause = clauses[clause_number]
            left, right = sorted(generator.choice(len(clause), size=2, replace=False).tolist())
            a, b = clause[left], clause[right]
            between = order[a.last + 1 : b.first]
            order[a.first : b.last + 1] = [
                *order[b.first : b.last + 1],
                *between,
                *order[a.first : a.last + 1],
            ]
        return " ".join(sentence.words[number].text for number in order)


class RandomDeletion(Eda):
    """Leaves out words that a sentence can do without."""

    name = "rd"

    def _change(self, sentence: Analysed, count: int, generator: "np.random.Generator") -> str | None:
        optional = deletable(sentence)
        if not optional:
            return None
        gone = set(generator.permutation(optional).tolist()[:count])
        return " ".join(word.text for number, word in enumerate(sentence.words) if number not in gone)


def _write_words(
    sentence: Analysed,
    count: int,
    generator: "np.random.Generator",
    write: "Callable[[Word, np.random.Generator], str | None]",
) -> str | None:
    """The sentence with as many words written otherwise as `count` says or can be; None if none can."""
    changes: dict[int, str] = {}
    for number in generator.permutation(len(sentence.words)).tolist():
        if len(changes) == count:
            break
        written = write(sentence.words[number], generator)
        if written:
            changes[number] = written
    return _spliced(sentence, changes) if changes else None


def _replaceable(word: Word) -> list[int]:
    """Which of a word's morphemes may be replaced.

    Not a protected one, nor a part of a compound, a bound or light one, or one that Kiwi does not know.
    """
    if word.is_protected:
        return []
    nouns = [
        number for number, token in enumerate(word.tokens) if token.tag[0] == "N" or token.tag in ("XR", "XPN", "XSN")
    ]
    return [
        number
        for number, token in enumerate(word.tokens)
        if base_tag(token.tag) in REPLACEABLE
        and not token.oov
        and not is_protected(token)
        and token.form not in POLAR
        and token.form not in LIGHT
        and (base_tag(token.tag) != "NNG" or (nouns == [number] and "XSA" not in word.tags))
    ]


def _draw(thesaurus: Thesaurus, token: "kiwipiepy.Token", generator: "np.random.Generator") -> Synonym | None:
    """A synonym of a morpheme, closer ones more likely."""
    import numpy as np

    found = thesaurus.synonyms(token.form, token.tag)
    if not found:
        return None
    weight = np.array([synonym.score for synonym in found])
    return found[int(generator.choice(len(found), p=weight / weight.sum()))]


def _rewritten(word: Word, place: int, synonym: Synonym) -> str | None:
    """A word with one morpheme replaced; None where Kiwi can't write the word as it stands."""
    from sts.text.analysers.kiwi import shared_kiwi

    kiwi = shared_kiwi()
    tokens = [(token.form, token.tag) for token in word.tokens]
    if kiwi.join(tokens) != word.text:
        return None
    tokens[place] = (synonym.form, synonym.tag)
    return kiwi.join(tokens)


def _spliced(sentence: Analysed, changes: dict[int, str]) -> str:
    """The sentence with some words written otherwise."""
    return " ".join(changes.get(number, word.text) for number, word in enumerate(sentence.words))
