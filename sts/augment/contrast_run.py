"""Contrast pairs: sentences and their versions, with the range of scores that each method states."""

import itertools
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from sts.augment.check import unlike_korean
from sts.augment.contrasts import METHODS, Contrast, Typing
from sts.augment.sentence import Analysed, analyse
from sts.pairs.weak import WeakPair

CHUNK = 1_000
# what `--methods` calls them
GROUPS = {
    "contrast": ("opposite", "sibling", "denial"),
    "numbers": ("other_number", "same_number"),
    "roles": ("roles", "direction"),
    "spelling": ("typing",),
}


@dataclass
class ContrastCounts:
    """What was counted on the way.

    Attributes:
        sentences: sentences that were read.
        pairs: pairs that were made, by method.
        refused: versions that were not used, by reason.
    """

    sentences: int = 0
    pairs: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)


def methods_of(groups: Iterable[str]) -> list[Contrast]:
    """The methods of groups of `GROUPS`."""
    names = [name for group in groups for name in GROUPS[group]]
    return [kind() for kind in METHODS if kind.name in names]


def contrast_pairs(
    sentences: Iterable[str],
    methods: list[Contrast],
    *,
    per_sentence: int,
    seed: int,
    workers: int | None,
    counts: ContrastCounts,
) -> Iterator[WeakPair]:
    """Make pairs of sentences and their versions, streamed.

    Args:
        sentences: each once.
        methods: what makes versions; each sentence tries them in an order of its own.
        per_sentence: versions of a sentence, at most.
        seed: each sentence's draws depend on it and on the sentence's place alone.
        workers: threads that analyse sentences.
        counts: is added to.
    """
    import numpy as np

    kinds = {method.name: method for method in methods}
    start = 0
    stream = iter(sentences)
    while chunk := list(itertools.islice(stream, CHUNK)):
        sources = list(analyse(chunk, workers=workers))
        generators = [np.random.default_rng([seed, start + place]) for place in range(len(sources))]
        made = [
            (place, method.name, text)
            for method in methods
            for place, text in enumerate(method.vary(sources, generators))
            if text is not None
        ]
        versions = analyse([text for _, _, text in made], workers=workers)
        good: dict[int, list[tuple[str, str]]] = {}
        for (place, name, text), version in zip(made, versions, strict=True):
            if why := _problem(name, sources[place], version):
                counts.refused[why] += 1
            else:
                good.setdefault(place, []).append((name, text))
        for place, found in sorted(good.items()):
            for number in generators[place].permutation(len(found))[:per_sentence].tolist():
                name, text = found[number]
                yield WeakPair(sources[place].text, text, kinds[name].low, kinds[name].high, name)
        start += len(chunk)
        counts.sentences += len(chunk)


def _problem(name: str, source: Analysed, version: Analysed) -> str | None:
    if name != Typing.name:
        return unlike_korean(source, version)
    if version.text.replace(" ", "") == source.text.replace(" ", ""):
        return None
    # "네가" for "내가" is no error in typing but somebody else
    return None if version.unknown > source.unknown else "another word"
