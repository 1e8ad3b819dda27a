"""Whether a new sentence may stand for its source."""

from sts.augment.sentence import Analysed

# a fall of the language model's mean log-likelihood a morpheme that says "this is no longer Korean"
MAX_FALL = 1.5


def problem(source: Analysed, new: Analysed) -> str | None:
    """Why a new sentence can't be used; None if it can.

    Args:
        source: the sentence that it was made of.
        new: what a method made of it.

    Returns:
        One of `empty`, `unchanged`, `numbers`, `negation`, `names`, `unknown words`, `unlikely`.
    """
    if not new.text.strip():
        return "empty"
    if new.text.split() == source.text.split():
        return "unchanged"
    if new.numbers != source.numbers:
        return "numbers"
    if new.negations != source.negations:
        return "negation"
    # the analysis of a name may change with what stands beside it; its letters may not
    if not all(name in new.text for name in source.names):
        return "names"
    return unlike_korean(source, new)


def unlike_korean(source: Analysed, new: Analysed) -> str | None:
    """Why a version of a sentence is not Korean as the sentence is; None if it is.

    Args:
        source: the sentence.
        new: its version, which may say something else.

    Returns:
        One of `unchanged`, `unknown words`, `unlikely`.
    """
    if new.text.split() == source.text.split():
        return "unchanged"
    if new.unknown > source.unknown:
        return "unknown words"
    if _likelihood(source) - _likelihood(new) > MAX_FALL:
        return "unlikely"
    return None


def _likelihood(sentence: Analysed) -> float:
    """Mean log-likelihood of a morpheme under Kiwi's language model."""
    return sum(token.score for token in sentence.tokens) / max(len(sentence.tokens), 1)
