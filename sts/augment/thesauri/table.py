"""Synonyms from a table of words that the user has."""

import csv
import io
import warnings
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sts.augment.sentence import base_tag
from sts.augment.thesauri.base import Synonym, Thesaurus, admissible, synonym_of
from sts.errors import DataError
from sts.text.tags import TAGS

# TSV is read without quoting, as tables of pairs are
DIALECTS: dict[str, dict[str, Any]] = {
    ".csv": {"delimiter": ",", "strict": True},
    ".tsv": {"delimiter": "\t", "quoting": csv.QUOTE_NONE},
    ".txt": {"delimiter": "\t", "quoting": csv.QUOTE_NONE},
}
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
        if path.suffix.lower() not in DIALECTS:
            raise DataError(f"--thesaurus {path}: tables end in {', '.join(DIALECTS)}")
        # by word and synonym the tags for which the one stands for the other; None is any
        self._related: dict[str, dict[str, set[str | None]]] = {}
        try:
            text = path.read_bytes().decode("utf-8-sig")
        except UnicodeDecodeError as error:
            line = error.object.count(b"\n", 0, error.start) + 1
            raise DataError(f"{path}, line {line}: not UTF-8; save the file as UTF-8") from error
        self._read(io.StringIO(text, newline=""), DIALECTS[path.suffix.lower()], columns)

    def _read(self, stream: Iterable[str], dialect: dict[str, Any], columns: Columns) -> None:
        reader = csv.reader(stream, **dialect)
        line, header = 1, list[str]()
        unknown = Counter[str]()
        try:
            for values in reader:
                if line == 1:
                    header = [value.strip() for value in values]
                    self._check_header(header, columns)
                elif len(values) not in (0, len(header)):
                    raise DataError(
                        f"{self.name}, line {line}: the row has {len(values)} fields, the header {len(header)}; "
                        "each row must have one field for each column"
                    )
                elif values:
                    row = dict(zip(header, map(str.strip, values), strict=True))
                    self._add(row[columns.word], row[columns.synonym], row[columns.pos] if columns.pos else "", unknown)
                line = reader.line_num + 1
        except csv.Error as error:
            raise DataError(f"{self.name}, line {line}: broken table ({error}); check the quotation marks") from error
        if line == 1:
            raise DataError(f"{self.name}: the file is empty; its first line must name the columns")
        if unknown:
            message = (
                f"{self.name}: {unknown.total():,} rows have a part of speech in column '{columns.pos}' that is not "
                f"known, such as '{unknown.most_common(1)[0][0]}'; allowed are {', '.join(PARTS_OF_SPEECH)}, and "
                "Sejong tags"
            )
            if not self._related:
                raise DataError(message)
            warnings.warn(f"{message}; these rows are left out", stacklevel=4)
        if not self._related:
            raise DataError(
                f"{self.name}: holds no row with both a word (column '{columns.word}', --word-column) and a synonym "
                f"(column '{columns.synonym}', --synonym-column)"
            )

    def _check_header(self, header: list[str], columns: Columns) -> None:
        wanted = (("word-column", columns.word), ("synonym-column", columns.synonym), ("pos-column", columns.pos))
        for option, column in wanted:
            if column is not None and column not in header:
                raise DataError(
                    f"{self.name}, line 1: column '{column}' is missing; found {', '.join(header) or 'nothing'}; "
                    f"name it with --{option}"
                )

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
