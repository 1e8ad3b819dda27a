"""What can go wrong with a request, and how it is told: RFC 9457 problem details.

ServeError
├── NotReady        503  no model is loaded yet, or none could be
├── QueueFull       503  as many pairs are waiting as may
├── Busy            503  another process is changing the index
├── DeadlinePassed  504  the answer was not there in time
├── ModelFailed     500  the model can't score this request; the others are answered
├── Unusable        422  well-formed, but not for this model or index
├── Missing         404  no such sentence, model, index or encoder
├── Malformed       400  no JSON, or no UTF-8
├── WrongMediaType  415  not application/json
├── Unauthorized    401  no API key, or an unknown one
└── Forbidden       403  a key that may not do this, or nobody may
"""

import json
from collections.abc import Iterable
from typing import Any

from flask import Flask, Response, g, request
from pydantic import ValidationError
from werkzeug.exceptions import HTTPException

from sts.errors import ServeError
from sts.serve.logs import LOGGER
from sts.serve.schemas import BASE64, READABLE

MEDIA_TYPE = "application/problem+json"
# more would be a long answer to a short request
MAX_ERRORS = 20
# where OpenAI's clients ask, who look for the reason in a member of their own
OPENAI_PATH = "/v1/embeddings"
KINDS = {
    bool: "boolean", int: "number", float: "number", str: "string", list: "array", dict: "object", type(None): "null",
}  # fmt: skip


class _Answered(ServeError):
    """A `ServeError` with the status that it is answered with.

    Args:
        detail: what was found, what is allowed, what to do.
        kind: tells the problem from others of its status.
        retry_after: seconds after which it makes sense to try again.
        errors: the fields that break a rule.
    """

    status = 500
    kind = "internal"

    def __init__(
        self,
        detail: str,
        kind: str | None = None,
        *,
        retry_after: int | None = None,
        errors: list[dict[str, str]] | None = None,
    ) -> None:
        super().__init__(detail)
        self.kind = kind or self.kind
        self.retry_after = retry_after
        self.errors = errors


class NotReady(_Answered):
    """No model is loaded yet, or none could be."""

    status, kind = 503, "not-ready"


class QueueFull(_Answered):
    """As many pairs are waiting as may."""

    status, kind = 503, "queue-full"


class Busy(_Answered):
    """Another process is changing the index, or it can't be read just now."""

    status, kind = 503, "index-busy"


class DeadlinePassed(_Answered):
    """The answer was not there in time."""

    status, kind = 504, "deadline-passed"


class ModelFailed(_Answered):
    """The model can't score this request."""

    status, kind = 500, "model-failed"


class Unusable(_Answered):
    """Well-formed, but not for this model or index."""

    status, kind = 422, "unusable"


class Missing(_Answered):
    """What is asked for is not there."""

    status, kind = 404, "not-found"


class Malformed(_Answered):
    """The body is no JSON, or no UTF-8."""

    status, kind = 400, "malformed-json"


class WrongMediaType(_Answered):
    """The body is of another media type than JSON."""

    status, kind = 415, "wrong-media-type"


class Unauthorized(_Answered):
    """No API key came with the request, or an unknown one."""

    status, kind = 401, "unauthorized"


class Forbidden(_Answered):
    """The key may not do this, or nobody may."""

    status, kind = 403, "forbidden"


TITLES = {
    400: "Bad request", 401: "Unauthorized", 403: "Forbidden", 404: "Not found", 405: "Method not allowed",
    413: "Body too large", 415: "Unsupported media type", 422: "Unusable request", 500: "Internal error",
    503: "Not available now", 504: "Not in time",
}  # fmt: skip
HTTP_KINDS = {404: "not-found", 405: "method-not-allowed", 413: "body-too-large", 400: "bad-request"}


def init_app(app: Flask) -> None:
    """Answer every error of a request with problem details."""
    app.register_error_handler(_Answered, _answered)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(Exception, _unexpected)


def problem(
    status: int,
    kind: str,
    detail: str,
    *,
    retry_after: int | None = None,
    errors: list[dict[str, str]] | None = None,
) -> Response:
    """Problem details as an answer."""
    body: dict[str, Any] = {
        "type": f"urn:sts:problem:{kind}",
        "title": TITLES.get(status, "Error"),
        "status": status,
        "detail": detail,
        "request_id": g.request_id,
    }
    if errors is not None:
        body["errors"] = errors
    if request.path == OPENAI_PATH:
        body["error"] = {"message": detail, "type": kind, "code": kind}
    # ASCII: a field's name may hold half a character, which UTF-8 can't spell
    answer = Response(json.dumps(body) + "\n", status=status, mimetype=MEDIA_TYPE)
    if retry_after is not None:
        answer.headers["Retry-After"] = str(retry_after)
    if status == 401:
        answer.headers["WWW-Authenticate"] = 'Bearer realm="sts"'
    g.problem = kind
    return answer


def invalid(error: ValidationError) -> Response:
    """The answer to a body or path that breaks the API's rules."""
    found = error.errors(include_url=False, include_context=False)
    fields = [field_error(each["loc"], each.get("input"), _rule(each)) for each in found[:MAX_ERRORS]]
    more = f", and {len(found) - MAX_ERRORS:,} more" if len(found) > MAX_ERRORS else ""
    first = fields[0]
    return problem(
        422,
        "invalid-field",
        f"{first['pointer'] or 'the body'}: {first['rule']} (found: {first['found']}); {len(fields)} field"
        f"{'s' * (len(fields) > 1)} to correct{more}",
        errors=fields,
    )


def field_error(place: Iterable[str | int], value: Any, rule: str) -> dict[str, str]:
    """A field that breaks a rule; the value itself, which may be somebody's sentence, is not told."""
    # pydantic names the member of a union at the end of the place; a pointer has fields and indexes only
    steps = [str(step) for step in place if not (isinstance(step, str) and (step.endswith("]") or step in _UNION))]
    kind = KINDS.get(type(value), type(value).__name__)
    if isinstance(value, str):
        kind += f" of {len(value):,} characters"
    elif isinstance(value, list | dict):
        kind += f" of {len(value):,}"
    pointer = "".join(f"/{step.replace('~', '~0').replace('/', '~1')[:200]}" for step in steps)
    return {"pointer": pointer, "found": kind, "rule": rule}


def _rule(error: Any) -> str:
    """Pydantic's message, in plain words where it shows a regular expression."""
    if error["type"] == "string_pattern_mismatch":
        # the pattern stands in the message
        return next((rule for pattern, rule in RULES.items() if pattern in error["msg"]), "must not be all white space")
    return str(error["msg"]).removeprefix("Value error, ")


# what the patterns of `sts.serve.schemas` ask for
RULES = {READABLE: "must end in .csv, .tsv, .txt, .jsonl or .json", BASE64: "must be base64"}
_UNION = {"str", "bool", "int", "float", "constrained-str", "none"}


def _answered(error: _Answered) -> Response:
    if error.status >= 500:
        cause = error.__cause__
        LOGGER.warning(str(error), extra={"problem": error.kind, "cause": type(cause).__name__ if cause else None})
    return problem(error.status, error.kind, str(error), retry_after=error.retry_after, errors=error.errors)


def _http(error: HTTPException) -> Response:
    if error.response is not None:  # a whole answer, as the validation of fields gives
        return error.response  # type: ignore[return-value]
    status = error.code or 500
    detail = {
        404: f"{request.method} {request.path[:200]}: no such route; GET /openapi.json lists them",
        413: f"the body is larger than {request.max_content_length or 0:,} bytes; send fewer or shorter sentences",
    }.get(status, error.description or "")
    answer = problem(status, HTTP_KINDS.get(status, "http"), detail)
    for name, value in error.get_headers():  # Allow of 405, Location of a redirect
        if name.lower() not in ("content-type", "content-length"):
            answer.headers[name] = value
    if 300 <= status < 400:
        answer.status_code = status
    return answer


def _unexpected(error: Exception) -> Response:
    # the traceback is for the log alone
    LOGGER.error("unexpected error", exc_info=error, extra={"problem": "internal"})
    return problem(500, "internal", "an error of the server; the log tells more under this request's id")
