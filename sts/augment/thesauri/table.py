"""Synonyms from a table of words that the user has."""

import warnings
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sts.augment.sentence import base_tag
from sts.augment.thesauri.base import Synonym, Thesaurus, admissible, synonym_of
from sts.errors import DataError, EncodingError
from sts.files.columns import Columns as TableColumns
from sts.files.options import FileOptions
from sts.files.table import read_table
from sts.text.form import composed
from sts.text.tags import TAGS

SUFFIXES = (".csv", ".tsv", ".txt", ".jsonl", ".xlsx")
TABLE = TableColumns((), ("word", "synonym", "pos"))
# Korean names of parts of speech, as dictionaries have them; Sejong tags are taken as they are
PARTS_OF_SPEECH = {
    "명사": "NNG", "의존 명사": "NNB", "대명사": "NP", "수사": "NR", "동사": "VV", "형용사": "VA",
    "관형사": "MM", "부사": "MAG", "감탄사": "IC", "보조 동사": "VX", "보조 형용사": "VX",
}  # fmt: skip


@dataclass(frozen=True)
class Columns:
    """What a table's columns are called."""

    word: str = "word"
    synonym: str = "synonym"
    pos: str | None = None


class TableThesaurus(Thesaurus):
    """The rows `word, synonym[, pos]` of a CSV or TSV file, such as a lexical relation set.

    A row holds one word and one synonym, and speaks for both directions. Verbs and adjectives may end in 다.
    A row that lacks one of the two words says nothing and is passed over; one of an unknown part of speech is
    left out with a warning; one without a part of speech holds for any.

    Args:
        path: the file; UTF-8, its first line names the columns.
        columns: their names.

    Raises:
        DataError: the file is missing, of another kind, not UTF-8, empty, broken, or lacks a column or any
            part of speech that is known.
    """

    def __init__(self, path: Path, columns: Columns) -> None:
        self.name = str(path)
        if not path.is_file():
            raise DataError(f"--thesaurus {path}: neither kiwi nor wordnet, and no such file")
        if path.suffix.lower() not in SUFFIXES:
            raise DataError(f"--thesaurus {path}: tables end in {', '.join(SUFFIXES)}")
        # by word and synonym the tags for which the one stands for the other; None is any
        self._related: dict[str, dict[str, set[str | None]]] = {}
        names = {"word": columns.word, "synonym": columns.synonym} | ({"pos": columns.pos} if columns.pos else {})
        unknown = self._read(path, FileOptions(columns=[f"{name}={column}" for name, column in names.items()]), names)
        if unknown:
            message = (
                f"{self.name}: {unknown.total():,} rows have a part of speech in column '{columns.pos}' that is not "
                f"known, such as '{unknown.most_common(1)[0][0]}'; allowed are {', '.join(PARTS_OF_SPEECH)}, and "
                "Sejong tags"
            )
            if not self._related:
                raise DataError(message)
            warnings.warn(f"{message}; these rows are left out", stacklevel=3)
        if not self._related:
            raise DataError(
                f"{self.name}: holds no row with both a word (column '{columns.word}', --word-column) and a synonym "
                f"(column '{columns.synonym}', --synonym-column)"
            )

    def _read(self, path: Path, options: FileOptions, names: dict[str, str]) -> Counter[str]:
        """Add the rows of a file; returns the parts of speech that are not known, and how often each is there."""
        unknown = Counter[str]()
        try:
            for row in read_table(path, TABLE, options=options, suffixes=SUFFIXES):
                if isinstance(row.fields, str):
                    raise DataError(f"{self.name}, {row.place}: {row.fields.partition(', or read the file')[0]}")
                values = {name: composed(str(row.fields.get(name) or "")).strip() for name in names}
                self._add(values["word"], values["synonym"], values.get("pos", ""), unknown)
        except EncodingError as error:
            raise DataError(error.without_option()) from error
        except DataError as error:
            missing = next((name for name, column in names.items() if f"the column '{column}'" in str(error)), None)
            if missing is None:
                raise
            told = (
                str(error).replace("--columns names the column", "column").replace(", which is missing", " is missing")
            )
            raise DataError(f"{told}; name it with --{missing}-column") from error
        return unknown

    def _add(self, word: str, synonym: str, pos: str, unknown: Counter[str]) -> None:
        if not word or not synonym:
            return
        tag = PARTS_OF_SPEECH.get(pos, base_tag(pos)) or None
        if tag is not None and tag not in TAGS:
            unknown[pos] += 1
            return
        for one, other in ((word, synonym), (synonym, word)):
            self._related.setdefault(one, {}).setdefault(other, set()).add(tag)

    def synonyms(self, form: str, tag: str) -> Sequence[Synonym]:
        """The words that share a row with a word, in the table's order."""
        wanted = base_tag(tag)
        spellings = (form, f"{form}다") if wanted in ("VV", "VA") else (form,)
        rows = [row for spelling in spellings for row in self._related.get(spelling, {}).items()]
        fitting = dict.fromkeys(synonym_of(word, tag) for word, tags in rows if tags & {None, wanted})
        return admissible(form, tag, fitting)
