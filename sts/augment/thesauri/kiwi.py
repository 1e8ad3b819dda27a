"""Synonyms from the word vectors of Kiwi's language model (CoNg)."""

from collections.abc import Sequence
from functools import lru_cache

from sts.augment.sentence import base_tag
from sts.augment.thesauri.base import Synonym, admissible
from sts.text.analysers.kiwi import shared_kiwi

# below this similarity, neighbours are words of the same field more often than of the same meaning
FLOOR = 0.68
# a word is close to another one only if each is among so many nearest of the other: a rare word's vector has
# many near ones that mean nothing like it
NEIGHBOURS = 12
KEPT = 3


class KiwiThesaurus:
    """Nearest morphemes of the same part of speech, each among the nearest of the other.

    Vectors put words together that occur alike, so opposites and siblings are among the nearest; a
    score floor and the lists of opposites and exclusive sets keep many of them out, not all.
    """

    name = "kiwi"

    def synonyms(self, form: str, tag: str) -> Sequence[Synonym]:
        """At most three words for a word, best first."""
        return _synonyms(form, tag)


@lru_cache(maxsize=50_000)
def _synonyms(form: str, tag: str) -> tuple[Synonym, ...]:
    near = [each for each in _nearest(form, tag) if each.score >= FLOOR and not _is_derived(form, each.form, tag)]
    mutual = [
        each for each in admissible(form, tag, near) if form in {back.form for back in _nearest(each.form, each.tag)}
    ]
    return tuple(mutual[:KEPT])


@lru_cache(maxsize=50_000)
def _nearest(form: str, tag: str) -> tuple[Synonym, ...]:
    try:
        found = shared_kiwi().most_similar_morphemes((form, tag), top_n=NEIGHBOURS)
    except ValueError:  # a morpheme that the model does not have, or has in several senses
        return ()
    return tuple(Synonym(each.form, each.tag, float(each.score)) for each in found)


def _is_derived(form: str, other: str, tag: str) -> bool:
    """Whether two words are made of one another, so that they play other parts in a sentence.

    A verb and its passive or causative share their beginning (열 and 열리); a noun within a noun is
    another thing (피해 and 피해자).
    """
    if base_tag(tag) == "VV":
        return form[0] == other[0]
    return form in other or other in form
