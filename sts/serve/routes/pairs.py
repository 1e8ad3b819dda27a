"""Files of pairs, read as everywhere else, for clients that have no reader of their own: the page is one."""

import base64
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

from flask_openapi3 import Tag

from sts.errors import EncodingError, StsError
from sts.files.delimited import STRAY
from sts.files.options import FileOptions
from sts.files.table import RawRow
from sts.pairs.rows import Pair, read_table_of_pairs
from sts.serve.routes import common
from sts.serve.schemas import MAX_CHARACTERS, MAX_READ_PAIRS, PairsAnswer, PairsRequest

TAG = Tag(name="files", description="files of pairs")
blueprint = common.blueprint("pairs", "/v1", *common.ALWAYS, *common.WITH_BODY)
# what is wrong with a row, by a word of the message
KINDS = (("fields, the header", "fields"), ("must hold a sentence", "empty"), ("characters; at most", "long"))
MAX_BAD = 1000


@blueprint.post("/pairs/read", tags=[TAG], responses={200: PairsAnswer}, operation_id="read_pairs")
def read(body: PairsRequest) -> dict[str, Any]:
    """Take a file of pairs apart: encoding, delimiter and columns are found as `sts score` finds them."""
    suffix = "." + body.name.rpartition(".")[2].lower()
    found = _Found()
    with TemporaryDirectory(prefix="sts-") as folder:
        path = Path(folder) / f"pairs{suffix}"
        path.write_bytes(base64.b64decode(body.content))
        options = FileOptions(encoding=body.encoding, no_header=body.no_header)
        try:
            for row, pair in read_table_of_pairs(path, options, say=found.notes.append):
                found.take(row, pair)
        except EncodingError as error:
            found.error = {"kind": "encoding", "detail": str(error)}
        except StsError as error:
            found.error = {"kind": "other", "detail": str(error)}
        except _TooMany:
            found.error = {"kind": "too-many", "detail": f"the file has more than {MAX_READ_PAIRS:,} pairs; split it"}
    return found.answer(str(path), body.name)


class _TooMany(Exception):
    """A file has more pairs than are read here."""


@dataclass
class _Found:
    """What was read so far."""

    pairs: list[dict[str, Any]] = field(default_factory=list)
    bad: list[dict[str, Any]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    left_out: int = 0
    error: dict[str, str] | None = None

    def take(self, row: RawRow, pair: Pair | str) -> None:
        """Add a row."""
        problem = pair if isinstance(pair, str) else _too_long(pair)
        if problem:
            self.left_out += 1
            if len(self.bad) < MAX_BAD:
                self.bad.append({"row": row.number, "kind": _kind(problem), "problem": problem})
            return
        if len(self.pairs) == MAX_READ_PAIRS:
            raise _TooMany
        fields = cast("dict[str, str]", row.fields)
        self.pairs.append({"row": row.number, "sentence1": fields["sentence1"], "sentence2": fields["sentence2"]})

    def answer(self, path: str, name: str) -> dict[str, Any]:
        """All of it, the file called by its own name; nothing of a file that can't be read to its end."""

        def told(text: str) -> str:
            # names of a file may hold half a character, which no answer can
            return text.replace(path, name).encode("utf-8", "backslashreplace").decode()

        notes = [told(note) for note in self.notes]
        if self.error is not None:
            error = self.error | {"detail": told(self.error["detail"])}
            return {"pairs": [], "bad": [], "left_out": 0, "notes": notes, "error": error}
        bad = [each | {"problem": told(each["problem"])} for each in self.bad]
        return {"pairs": self.pairs, "bad": bad, "left_out": self.left_out, "notes": notes, "error": None}


def _too_long(pair: Pair) -> str | None:
    longest = max(len(pair.sentence1), len(pair.sentence2))
    if longest <= MAX_CHARACTERS:
        return None
    return f"a sentence has {longest:,} characters; at most {MAX_CHARACTERS:,} are allowed"


def _kind(problem: str) -> str:
    if problem == STRAY:
        return "quotation"
    return next((kind for words, kind in KINDS if words in problem), "other")
