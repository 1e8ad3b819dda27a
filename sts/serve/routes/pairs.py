"""Files of pairs, read as everywhere else, for clients that have no reader of their own: the page is one."""

import base64
import binascii
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from flask_openapi3 import Tag

from sts.errors import StsError
from sts.files.delimited import STRAY
from sts.files.options import FileOptions
from sts.pairs.rows import read_table_of_pairs
from sts.serve.problems import Unusable, field_error
from sts.serve.routes import common
from sts.serve.schemas import MAX_CHARACTERS, MAX_READ_PAIRS, READABLE, PairsAnswer, PairsRequest

TAG = Tag(name="files", description="files of pairs")
blueprint = common.blueprint("pairs", "/v1", *common.ALWAYS, *common.WITH_BODY)
# what is wrong with a row, by a word of the message
KINDS = (("fields, the header", "fields"), ("must hold a sentence", "empty"), ("characters; at most", "long"))
MAX_BAD = 1000


@blueprint.post("/pairs/read", tags=[TAG], responses={200: PairsAnswer}, operation_id="read_pairs")
def read(body: PairsRequest) -> dict[str, Any]:
    """Take a file of pairs apart: encoding, delimiter, quoting and names of columns as `sts score` takes them."""
    try:
        content = base64.b64decode(body.content, validate=True)
    except (binascii.Error, ValueError) as error:
        refused = field_error(("content",), body.content, "base64")
        raise Unusable("content is no base64", "invalid-field", errors=[refused]) from error
    suffix = Path(body.name).suffix.lower()
    if suffix not in READABLE:
        refused = field_error(("name",), body.name, f"a name that ends in {', '.join(READABLE)}")
        raise Unusable(f"files of type '{suffix}' are not read here", "invalid-field", errors=[refused])
    notes: list[str] = []
    pairs: list[dict[str, Any]] = []
    bad: list[dict[str, Any]] = []
    left_out = 0
    with TemporaryDirectory(prefix="sts-") as folder:
        path = Path(folder) / f"pairs{suffix}"
        path.write_bytes(content)

        def named(text: str) -> str:
            return text.replace(str(path), body.name)

        try:
            options = FileOptions(encoding=body.encoding, no_header=body.no_header)
            for row, pair in read_table_of_pairs(path, options, say=lambda line: notes.append(named(line))):
                problem = pair if isinstance(pair, str) else _too_long(pair.sentence1, pair.sentence2)
                if problem or isinstance(pair, str):
                    left_out += 1
                    if len(bad) < MAX_BAD:
                        bad.append({"row": row.number, "kind": _kind(problem or ""), "problem": problem})
                elif len(pairs) < MAX_READ_PAIRS:
                    written = [str(row.fields[name]) for name in ("sentence1", "sentence2")]  # type: ignore[index]
                    pairs.append({"row": row.number, "sentence1": written[0], "sentence2": written[1]})
                else:
                    raise Unusable(f"the file has more than {MAX_READ_PAIRS:,} pairs; split it", "too-many")
        except StsError as error:
            raise error if isinstance(error, Unusable) else Unusable(named(str(error)), "unreadable") from error
    return {"pairs": pairs, "bad": bad, "left_out": left_out, "notes": notes}


def _too_long(*sentences: str) -> str | None:
    longest = max(map(len, sentences))
    return f"a sentence has {longest:,} characters; at most {MAX_CHARACTERS:,} are allowed" * (longest > MAX_CHARACTERS)


def _kind(problem: str) -> str:
    if problem == STRAY:
        return "quotation"
    return next((kind for words, kind in KINDS if words in problem), "other")
