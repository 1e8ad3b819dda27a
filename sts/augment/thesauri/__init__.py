"""Thesauri behind one Protocol."""

from sts.augment.thesauri.base import Synonym, Thesaurus
from sts.augment.thesauri.find import find_thesaurus
from sts.augment.thesauri.table import Columns

__all__ = ["Columns", "Synonym", "Thesaurus", "find_thesaurus"]
