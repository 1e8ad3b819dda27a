"""The web page, and the API's document with a page to try it out: files of packages, nothing from elsewhere."""

from pathlib import Path
from typing import cast

import flask_openapi3_swagger
from flask import Flask, Response, current_app, jsonify, send_from_directory
from flask_openapi3 import OpenAPI

from sts.serve.document import document

PAGE = Path(__file__).parents[1] / "page"
SWAGGER = Path(flask_openapi3_swagger.__file__).parent / "templates" / "swagger"
# Swagger UI sets styles on its elements
DOCS_POLICY = (
    "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; object-src 'none'; base-uri 'none'; "
    "frame-ancestors 'none'"
)


def init_app(app: Flask) -> None:
    """Add the pages."""
    app.add_url_rule("/", "page", _page)
    app.add_url_rule("/page/<path:name>", "page_file", _page_file)
    app.add_url_rule("/docs", "docs", _docs)
    app.add_url_rule("/docs/<path:name>", "docs_file", _docs_file)
    app.add_url_rule("/openapi.json", "openapi", _openapi)


def _page() -> Response:
    return send_from_directory(PAGE, "index.html")


def _page_file(name: str) -> Response:
    return send_from_directory(PAGE, name)


def _docs() -> Response:
    answer = send_from_directory(PAGE, "docs.html")
    answer.headers["Content-Security-Policy"] = DOCS_POLICY
    return answer


def _docs_file(name: str) -> Response:
    return send_from_directory(SWAGGER, name)


def _openapi() -> Response:
    return jsonify(document(cast("OpenAPI", current_app)))
