"""The API's OpenAPI document."""

from typing import Any, Literal

from flask_openapi3 import OpenAPI
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from sts.serve import schemas

TEMPLATE = "#/components/schemas/{model}"


def document(app: OpenAPI) -> dict[str, Any]:
    """The document, with each schema as pydantic puts it.

    The library leaves out what it does not know, such as rules for the names of metadata.
    """
    found: dict[str, Any] = app.api_doc
    named: dict[str, Any] = found["components"]["schemas"]
    models: list[type[BaseModel]] = [model for name in named if (model := getattr(schemas, name, None)) is not None]
    requests_are_strict: list[tuple[type[BaseModel], Literal["validation", "serialization"]]] = [
        (model, "validation" if model.model_config.get("strict") else "serialization") for model in models
    ]
    _, definitions = models_json_schema(requests_are_strict, ref_template=TEMPLATE)
    named.update(definitions["$defs"])
    return found
