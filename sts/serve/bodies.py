"""Bodies of requests: JSON of a bounded size, checked before anything looks at its fields."""

import json
from typing import Any

from flask import Flask, Response, request

from sts.serve.problems import Malformed, Unusable, WrongMediaType, field_error

MEDIA_TYPE = "application/json"
# of a body that nobody read, what is read and thrown away, so that its sender sees the answer and may ask again on the
# same connection; Gunicorn alone would give up after 64 KiB, and close a connection that it had said to keep
MAX_DRAINED = 67_108_864
PIECE = 65_536


def init_app(app: Flask, max_body: int) -> None:
    """Refuse bodies that are no JSON object, or too large."""
    app.config["MAX_CONTENT_LENGTH"] = max_body

    @app.before_request
    def _check_body() -> None:
        rule = request.url_rule
        if rule is None or not rule.rule.startswith("/v1/") or request.method not in ("POST", "PUT"):
            return
        if request.mimetype != MEDIA_TYPE:
            found = request.mimetype[:100] or "no media type"
            raise WrongMediaType(f"the body is {found}; send {MEDIA_TYPE}")
        value = _parsed(request.get_data())
        if not isinstance(value, dict):
            error = field_error((), value, "Input should be an object")
            raise Unusable(
                f"the body is a JSON {error['found']}; it must be an object", "invalid-field", errors=[error]
            )
        # where Flask keeps what it has parsed: what reads the fields finds this, and does not parse again
        request._cached_json = (value, value)

    @app.after_request
    def _drain(answer: Response) -> Response:
        if request.environ.get("wsgi.input_terminated"):  # a stream that knows its end
            stream, left = request.environ["wsgi.input"], MAX_DRAINED
            while left > 0 and (piece := stream.read(PIECE)):
                left -= len(piece)
        return answer


def _parsed(data: bytes) -> Any:
    try:
        return json.loads(data.decode("utf-8"), parse_constant=_refuse_constant, object_pairs_hook=_once)
    except UnicodeDecodeError as error:
        raise Malformed(f"byte {error.start} of the body is not UTF-8 (0x{data[error.start]:02x})") from error
    except RecursionError as error:
        raise Malformed("the body's JSON is nested too deeply") from error
    except json.JSONDecodeError as error:
        raise Malformed(f"the body is not JSON: {error.msg}, at line {error.lineno}, column {error.colno}") from error
    except ValueError as error:  # NaN and Infinity, and whole numbers of thousands of digits
        raise Malformed(f"the body is not JSON: {str(error)[:200]}") from error


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object, refused where it has a field twice, of which one would be lost."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("an object has the same field twice")
    return found


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no number of JSON's")
