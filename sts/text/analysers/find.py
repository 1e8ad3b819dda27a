"""Analysers by name."""

import importlib

from sts.errors import UsageError
from sts.text.analysers.base import Analyser

# name: where its class lives; the class raises MissingDependency where its library, dictionary or Java is missing
ANALYSERS = {
    "kiwi": "sts.text.analysers.kiwi:KiwiAnalyser",
    "khaiii": "sts.text.analysers.khaiii:KhaiiiAnalyser",
    "mecab": "sts.text.analysers.mecab:MecabAnalyser",
    "okt": "sts.text.analysers.konlpy:OktAnalyser",
    "kkma": "sts.text.analysers.konlpy:KkmaAnalyser",
    "komoran": "sts.text.analysers.konlpy:KomoranAnalyser",
    "hannanum": "sts.text.analysers.konlpy:HannanumAnalyser",
}


def find_analyser(name: str) -> Analyser:
    """Load an analyser.

    Raises:
        UsageError: the name is not in `ANALYSERS`.
        MissingDependency: what it needs is not installed.
    """
    if name not in ANALYSERS:
        raise UsageError(f"analyser '{name}' is not known; allowed are {', '.join(ANALYSERS)}")
    module, _, kind = ANALYSERS[name].partition(":")
    return getattr(importlib.import_module(module), kind)()
