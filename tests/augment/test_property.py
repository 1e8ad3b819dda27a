"""What a method makes and the check lets through keeps what must be kept; looked at by other means than the check's."""

import csv
import itertools
import os
import re
from pathlib import Path

import numpy as np
import pytest

from sts.augment.aeda import Punctuation
from sts.augment.check import problem
from sts.augment.eda import RandomDeletion, RandomInsertion, RandomSwap, SynonymReplacement
from sts.augment.sentence import analyse
from sts.augment.thesauri import find_thesaurus
from sts.pairs.load import bundled_file
from sts.text.analysers.kiwi import shared_kiwi

KLUE = os.environ.get("STS_KLUE_STS_TRAIN")
# by their form alone, as words that may follow what is said: 말고 and 마라 are verbs of either kind
NEGATION = {"안", "못", "않", "없", "아니", "말", "못하"}
PREDICATES = {"MAG", "VX", "VV", "VA", "VCN"}
# the least share of sentences that a method must change, and the most that may be rejected of what it makes
SHARES = {"sr": (0.5, 0.02), "ri": (0.5, 0.02), "rs": (0.12, 0.08), "rd": (0.3, 0.02), "aeda": (0.9, 0.08)}


def read(path):
    with Path(path).open(encoding="utf-8-sig", newline="") as stream:
        rows = [(row["sentence1"], row["sentence2"]) for row in csv.DictReader(stream)]
    return list(itertools.islice(dict.fromkeys(sentence for pair in rows for sentence in pair), 2000))


@pytest.fixture(scope="module", params=["sample", "klue"])
def sentences(request):
    if request.param == "klue":
        if KLUE is None:
            pytest.skip("STS_KLUE_STS_TRAIN does not name KLUE-STS's train set as CSV")
        return read(KLUE)
    return [*read(bundled_file("sample", "train.csv")), *read(bundled_file("sample", "test.csv"))]


@pytest.fixture(scope="module")
def methods():
    thesaurus = find_thesaurus("kiwi")
    made = (SynonymReplacement(thesaurus), RandomInsertion(thesaurus), RandomSwap(), RandomDeletion(), Punctuation())
    return {method.name: method for method in made}


def facts(texts):
    """Of each text its figures, its negations, and its words of unknown analysis."""
    for text, tokens in zip(texts, shared_kiwi().tokenize(iter(texts)), strict=True):
        negations = sorted(token.form for token in tokens if token.tag.split("-")[0] in PREDICATES)
        unknown = {len(text[: token.start].split()) for token in tokens if token.oov}
        yield sorted(re.findall(r"\d+", text)), [each for each in negations if each in NEGATION], len(unknown)


@pytest.mark.parametrize("name", SHARES)
def test_what_must_be_kept_is_kept(name, methods, sentences):
    sources = list(analyse(sentences))
    generators = [np.random.default_rng([5, number]) for number in range(len(sources))]
    texts = methods[name].vary(sources, generators)
    tried = [(source, text) for source, text in zip(sources, texts, strict=True) if text is not None]
    made = list(analyse([text for _, text in tried]))
    passed = [(source.text, new.text) for (source, _), new in zip(tried, made, strict=True) if not problem(source, new)]
    least, most = SHARES[name]
    assert len(passed) > least * len(sources)
    assert len(tried) - len(passed) < most * len(tried) + 5
    before, after = facts([old for old, _ in passed]), facts([new for _, new in passed])
    for (old, new), (figures, negations, unknown), (new_figures, new_negations, new_unknown) in zip(
        passed, before, after, strict=True
    ):
        assert new.strip()
        assert new != old
        assert (new_figures, new_negations) == (figures, negations), (old, new)
        assert new_unknown <= unknown, (old, new)
