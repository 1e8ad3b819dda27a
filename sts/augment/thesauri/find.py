"""Thesauri by name."""

from pathlib import Path

from sts.augment.thesauri.base import Thesaurus
from sts.augment.thesauri.table import Columns, TableThesaurus


def find_thesaurus(name: str, columns: Columns | None = None) -> Thesaurus:
    """A thesaurus.

    Args:
        name: `kiwi`, `wordnet`, or the path of a table.
        columns: names of a table's columns.

    Raises:
        MissingDependency: what it needs is not installed.
        DataError: the table can't be read.
    """
    if name == "kiwi":
        from sts.augment.thesauri.kiwi import KiwiThesaurus

        return KiwiThesaurus()
    if name == "wordnet":
        from sts.augment.thesauri.wordnet import WordNetThesaurus

        return WordNetThesaurus()
    return TableThesaurus(Path(name), columns or Columns())
