"""Changes of the index: only where the server allows them, and only with a write key."""

import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from sts.errors import DataError, SearchError, UsageError
from sts.search.build import Changed, add_sentences, delete_sentences
from sts.search.rows import Row, check_metadata, check_row
from sts.serve.problems import Busy, Forbidden, Missing, Unusable
from sts.serve.routes import common
from sts.serve.routes.search import RETRY_SECONDS, TAG
from sts.serve.schemas import SentenceBody, SentencePath, SentencesAnswer, SentencesRequest
from sts.serve.scoring import BatchedBi

SECURITY: list[dict[str, list[str]]] = [{"key": []}]
blueprint = common.blueprint("sentences", "/v1", *common.ALWAYS, *common.WITH_BODY)


@blueprint.post(
    "/sentences", tags=[TAG], responses={201: SentencesAnswer}, security=SECURITY, operation_id="add_sentences"
)
def add(body: SentencesRequest) -> tuple[dict[str, Any], int]:
    """Add up to 1,000 sentences, all or none; one whose id is there takes that one's place, one without id gets one."""
    rows = [
        _row(each.sentence, each.id or uuid.uuid4().hex, each.metadata, f"/sentences/{place}")
        for place, each in enumerate(body.sentences)
    ]
    changed = _add(rows)
    return {"ids": [row.id for row in rows], "replaced": changed.replaced, "sentences": changed.rows}, 201


@blueprint.put(
    "/sentences/<string:id>",
    tags=[TAG],
    responses={200: SentencesAnswer, 201: SentencesAnswer},
    security=SECURITY,
    operation_id="put_sentence",
)
def put(path: SentencePath, body: SentenceBody) -> tuple[dict[str, Any], int]:
    """Put a sentence under an id, in the place of the one that is there (200), or as a new one (201)."""
    row = _row(body.sentence, path.id, body.metadata, "")
    changed = _add([row])
    answer = {"ids": [row.id], "replaced": changed.replaced, "sentences": changed.rows}
    return answer, 200 if changed.replaced else 201


@blueprint.delete(
    "/sentences/<string:id>", tags=[TAG], responses={204: None}, security=SECURITY, operation_id="delete_sentence"
)
def delete(path: SentencePath) -> tuple[str, int]:
    """Delete a sentence."""
    _, folder = _writable()
    with _changing():
        changed = delete_sentences(folder, [path.id])
    if changed.missing:
        raise Missing("no sentence in the index has this id", "no-sentence")
    return "", 204


def _add(rows: Sequence[Row]) -> Changed:
    encoder, folder = _writable()
    encoder.vectors([row.sentence for row in rows])  # remembered, so that the index is locked for a moment only
    with _changing():
        return add_sentences(folder, encoder, rows, say=lambda line: None, progress=False)


def _writable() -> tuple[BatchedBi, Path]:
    settings = common.engine().settings
    if not settings.writable:
        raise Forbidden("this server's index can't be changed; start it with --writable and a write key", "read-only")
    encoder = common.models().encoder
    if settings.index is None or encoder is None:
        raise Missing("this server has no index of sentences; start it with --index", "no-index")
    return encoder, settings.index


def _row(sentence: str, identity: str, metadata: dict[str, Any], pointer: str) -> Row:
    """A sentence, checked as everywhere else: what the API's description can't say, too."""
    row = check_row({"sentence": sentence, "id": identity}, pointer)
    if isinstance(row, Row) and row.id is None:
        row = "field 'id' is empty; it must hold text"
    checked = check_metadata(metadata)
    for problem in (row, checked):
        if isinstance(problem, str):
            errors = [{"pointer": pointer, "found": "object", "rule": problem}]
            raise Unusable(f"{pointer or 'the body'}: {problem}", "invalid-field", errors=errors)
    return replace(cast("Row", row), metadata=cast("dict[str, Any]", checked))


@contextmanager
def _changing() -> Iterator[None]:
    """The index's errors as the API tells them."""
    try:
        yield
    except (UsageError, DataError) as error:
        raise Unusable(str(error)) from error
    except SearchError as error:
        raise Busy(str(error), retry_after=RETRY_SECONDS) from error
