"""Synonyms from a table of words that the user has."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sts.augment.sentence import base_tag
from sts.augment.thesauri.base import Synonym, Thesaurus, admissible, synonym_of
from sts.errors import DataError

DELIMITERS = {".csv": ",", ".tsv": "\t", ".txt": "\t"}
# Korean names of parts of speech, as dictionaries have them; Sejong tags are taken as they are
PARTS_OF_SPEECH = {"명사": "NNG", "동사": "VV", "형용사": "VA", "부사": "MAG"}


@dataclass(frozen=True)
class Columns:
    """What a table's columns are called."""

    word: str = "word"
    synonym: str = "synonym"
    pos: str | None = None


class TableThesaurus(Thesaurus):
    """The rows `word, synonym[, pos]` of a CSV or TSV file, such as a lexical relation set.

    A row holds one word and one synonym, and speaks for both directions; without a part of speech it
    holds for any. Verbs and adjectives may end in 다.

    Args:
        path: the file; UTF-8, its first line names the columns.
        columns: their names.

    Raises:
        DataError: the file is missing, of another kind, not UTF-8, empty, or lacks a column.
    """

    def __init__(self, path: Path, columns: Columns) -> None:
        self.name = str(path)
        if not path.is_file():
            raise DataError(f"--thesaurus {path}: neither kiwi nor wordnet, and no such file")
        if path.suffix.lower() not in DELIMITERS:
            raise DataError(f"--thesaurus {path}: tables end in {', '.join(DELIMITERS)}")
        self._related: dict[str, dict[str, str | None]] = {}
        try:
            with path.open(encoding="utf-8-sig", newline="") as stream:
                self._read(csv.DictReader(stream, delimiter=DELIMITERS[path.suffix.lower()]), columns)
        except UnicodeDecodeError as error:
            raise DataError(f"{path}: byte {error.start} is not UTF-8; save the file as UTF-8") from error
        except csv.Error as error:
            raise DataError(f"{path}: broken table ({error}); each row must have a field for each column") from error
        if not self._related:
            raise DataError(f"{path}: holds no row with both a word and a synonym")

    def _read(self, reader: "csv.DictReader[str]", columns: Columns) -> None:
        names = reader.fieldnames or []
        wanted = (("word-column", columns.word), ("synonym-column", columns.synonym), ("pos-column", columns.pos))
        for option, column in wanted:
            if column is not None and column not in names:
                raise DataError(
                    f"{self.name}, line 1: column '{column}' is missing; found {', '.join(names) or 'nothing'}; "
                    f"name it with --{option}"
                )
        for row in reader:
            word, synonym = ((row[name] or "").strip() for name in (columns.word, columns.synonym))
            if word and synonym:
                pos = (row[columns.pos] or "").strip() if columns.pos else ""
                tag = PARTS_OF_SPEECH.get(pos, pos) or None
                self._related.setdefault(word, {})[synonym] = tag
                self._related.setdefault(synonym, {})[word] = tag

    def synonyms(self, form: str, tag: str) -> Sequence[Synonym]:
        """The words that share a row with a word, in the table's order."""
        wanted = base_tag(tag)
        found = self._related.get(form, {})
        if wanted in ("VV", "VA"):
            found = found | self._related.get(f"{form}다", {})
        fitting = [word for word, pos in found.items() if pos is None or base_tag(pos) == wanted]
        return admissible(form, tag, (synonym_of(word, tag) for word in fitting))
