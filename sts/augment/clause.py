"""The shape of a Korean sentence, as far as words may move in it or leave it."""

from dataclasses import dataclass

from sts.augment.sentence import LIGHT, POLAR, Analysed, Word

PREDICATES = frozenset({"VV", "VA", "VX", "VCP", "VCN", "XSV", "XSA"})
ARGUMENTS = frozenset({"JKS", "JKO", "JKB", "JX"})
NOUNS = frozenset({"NNG", "NNP", "NNB", "NP", "NR", "XSN", "SN", "SL", "SH", "ETN"})


@dataclass(frozen=True)
class Constituent:
    """Words that stay together: a head with a particle, and what modifies it.

    Attributes:
        first, last: numbers of its first and last word.
    """

    first: int
    last: int


def is_predicate(word: Word) -> bool:
    """Whether a word says something: it holds a verb, an adjective or a copula."""
    return any(tag in PREDICATES for tag in word.tags)


def ends_clause(word: Word) -> bool:
    """Whether nothing may move across the end of a word: after a predicate, or where a mark stands."""
    return is_predicate(word) or word.ends_in_mark


def modifies_next(word: Word) -> bool:
    """Whether a word belongs to what follows it: 의, 이/그, a bare noun, an adverb, 와/과."""
    last = word.tags[-1] if word.tags else ""
    return last in NOUNS | {"JKG", "JC", "MM", "MAG", "XPN", "XR"}


def movable(sentence: Analysed) -> list[list[Constituent]]:
    """The constituents that may trade places, clause by clause.

    Korean marks what a noun is to its verb by a particle, so such constituents may stand in any order
    within their clause. What follows a relative clause is left alone, since that clause belongs to it.
    """
    clauses: list[list[Constituent]] = []
    clause: list[Constituent] = []
    first, held = 0, False
    for number, word in enumerate(sentence.words):
        if ends_clause(word):
            ending = word.tags[-1] if word.tags else ""
            clauses.append(_settled(clause, sentence, ending))
            # what follows belongs to the relative clause (ETM), or goes on with a list
            clause, first, held = [], number + 1, ending == "ETM" or not is_predicate(word)
        elif not modifies_next(word):
            if not held and _is_argument(word) and not _quotes(sentence, first, number):
                clause.append(Constituent(first, number))
            first, held = number + 1, False
    return [clause for clause in clauses if len(clause) > 1]


def _is_argument(word: Word) -> bool:
    """Whether a word ends in a particle that says what it is to the verb; 중에 and 등을 lean on what is before."""
    return bool(word.tags) and word.tags[-1] in ARGUMENTS and "NNB" not in word.tags


def _quotes(sentence: Analysed, first: int, last: int) -> bool:
    """Whether there is a bracket or quotation mark in some words; its other half may be elsewhere."""
    text = "".join(word.text for word in sentence.words[first : last + 1])
    return not text.replace(".", "").replace(",", "").replace("%", "").replace("-", "").isalnum()


def _settled(clause: list[Constituent], sentence: Analysed, ending: str) -> list[Constituent]:
    """The constituents that are sure to belong to a clause with this ending.

    A topic (은, 는) before an inner clause is mostly the outer clause's; before a relative clause, so is
    whatever is not close to its verb.
    """
    if ending == "EF":
        return clause
    inner = [each for each in clause if sentence.words[each.last].tags[-1] != "JX"]
    return inner[-2:] if ending == "ETM" else inner


def deletable(sentence: Analysed) -> list[int]:
    """The numbers of the words that a sentence can do without and stay grammatical.

    Adverbs, determiners, conjunctions and interjections, adjectives and 의 before a noun, places and means;
    never a number, a name, a negation or what goes with it, a subject, an object or a predicate.
    """
    words = sentence.words
    return [
        number
        for number, word in enumerate(words)
        if len(words) > 2 and not word.is_protected and not word.ends_in_mark and _optional(words, number)
    ]


def _optional(words: list[Word], number: int) -> bool:
    word, tags = words[number], words[number].tags
    if not tags or any(token.form in POLAR or token.oov for token in word.tokens):
        return False
    before = words[number - 1] if number else None
    follows = words[number + 1] if number + 1 < len(words) else None
    if follows is None:
        return False
    # what modifies this word would be left to modify the next one
    free = before is None or not (before.ends_in_mark or _is_relative(before) or modifies_next(before))
    if tags[-1] in ("MAG", "MAJ", "IC", "MM"):
        return len(tags) == 1 and follows.tags[:1] != ["NNB"]
    if tags[-1] == "JKG":
        return free and tags[0] in NOUNS
    if tags[-1] == "ETM":
        # a lone adjective: what stands before it must not be its subject
        starts = before is None or (ends_clause(before) and not _is_relative(before))
        plain = set(tags) <= {"VA", "XR", "XSA", "ETM", "NNG"} and word.morphemes[0].form not in LIGHT
        return starts and plain and follows.tags[:1] == ["NNG"] and not _leans(follows)
    if tags[-1] == "JKB":
        return free and set(tags) <= {"NNG", "XSN", "JKB"} and not _is_needed(word, follows)
    return False


def _is_relative(word: Word) -> bool:
    return bool(word.tags) and word.tags[-1] == "ETM"


def _leans(word: Word) -> bool:
    """Whether a noun needs something before it: a syllable such as 곳, or what is said of the subject."""
    return len(word.morphemes[0].form) < 2 or is_predicate(word)


def _is_needed(word: Word, follows: Word) -> bool:
    """Whether a verb right after an adverbial may need it: 친구와 같은, 가수로 되다, 위에 대한, 보다 낫다."""
    particle = word.morphemes[-1].form
    return particle not in ("에서", "으로", "로") or not follows.tags or is_predicate(follows)
