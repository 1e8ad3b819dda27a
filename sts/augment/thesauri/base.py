"""What every thesaurus does, and what a synonym must be."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Protocol

from sts.augment.sentence import base_tag

OPPOSITES_FILE = "opposites.tsv"
EXCLUSIVE_FILE = "exclusive.tsv"


@dataclass(frozen=True, slots=True)
class Synonym:
    """A word that may stand for another one.

    Attributes:
        form: the word; a verb or adjective without its ending.
        tag: Kiwi's tag, with its mark for irregular verbs, so that endings conjugate right.
        score: 0 to 1, higher is closer; 1 where the source has no scores.
    """

    form: str
    tag: str
    score: float


class Thesaurus(Protocol):
    """Whatever knows synonyms.

    Attributes:
        name: how `--thesaurus` calls it.
    """

    name: str

    def synonyms(self, form: str, tag: str) -> Sequence[Synonym]:
        """Words of the same part of speech for a word, best first; none for a word it does not know.

        Args:
            form: the word; a verb or adjective without its ending.
            tag: Kiwi's tag of it.
        """
        ...


def admissible(form: str, tag: str, candidates: Iterable[Synonym]) -> tuple[Synonym, ...]:
    """The candidates that can stand for a word.

    Left out are the word itself, other parts of speech, single syllables for nouns (a syllable is seldom
    a whole word's synonym), known opposites, and other members of a set whose members exclude one another.
    """
    wanted = base_tag(tag)
    excluded = excluded_by(form)
    return tuple(
        candidate
        for candidate in candidates
        if candidate.form != form
        and base_tag(candidate.tag) == wanted
        and not (wanted == "NNG" and len(candidate.form) < 2)
        and candidate.form not in excluded
    )


def synonym_of(word: str, tag: str) -> Synonym:
    """A word of a table as a synonym, with the tag that Kiwi gives it; the tag is empty where it is no single word.

    Args:
        word: the word; a verb or adjective with or without 다.
        tag: the tag that is wanted.
    """
    from sts.text.analysers.kiwi import shared_kiwi

    wanted = base_tag(tag)
    inflected = wanted in ("VV", "VA")
    stem = word.removesuffix("다") if inflected and len(word) > 1 else word
    tokens = shared_kiwi().tokenize(f"{stem}다" if inflected else stem)
    forms = tokens[:-1] if inflected else tokens
    whole = len(forms) == 1 and forms[0].form == stem and not forms[0].oov
    return Synonym(stem, forms[0].tag if whole else "", 1.0)


def excluded_by(form: str) -> frozenset[str]:
    """Words that never stand for this one: its opposites, and what shares an exclusive set with it."""
    return _exclusions(OPPOSITES_FILE, EXCLUSIVE_FILE).get(form, frozenset())


def opposites_of(form: str) -> frozenset[str]:
    """Its opposites."""
    return _exclusions(OPPOSITES_FILE).get(form, frozenset())


@lru_cache(maxsize=2)
def _exclusions(*names: str) -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    for name in names:
        for line in files("sts.augment.thesauri").joinpath(name).read_text(encoding="utf-8").splitlines():
            if not line or line.startswith("#"):
                continue
            # an opposite's synonyms are opposites too, so each side of a line may hold several words
            sides = [side.split() for side in line.split("\t")]
            groups = sides if name == OPPOSITES_FILE else [[word] for side in sides for word in side]
            for side in groups:
                others = {word for other in groups if other is not side for word in other}
                for word in side:
                    found.setdefault(word, set()).update(others - {word})
    return {word: frozenset(others) for word, others in found.items()}
