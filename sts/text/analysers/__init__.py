"""Morphological analysers behind one Protocol."""

from sts.text.analysers.base import Analyser, Morpheme
from sts.text.analysers.find import ANALYSERS, find_analyser

__all__ = ["ANALYSERS", "Analyser", "Morpheme", "find_analyser"]
