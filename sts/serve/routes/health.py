"""What is loaded, and how the server is."""

from typing import Any

from flask import Response
from flask_openapi3 import Tag

from sts.errors import SearchError
from sts.serve.problems import Busy
from sts.serve.routes import common
from sts.serve.routes.search import RETRY_SECONDS
from sts.serve.schemas import Health, ModelsAnswer
from sts.serve.scoring import BatchedBi, BatchedCross

TAG = Tag(name="server", description="what is loaded, and how the server is")
blueprint = common.blueprint("server", "", 401, 403, 405, 500, 503)


@blueprint.get("/v1/models", tags=[TAG], responses={200: ModelsAnswer}, operation_id="models")
def models() -> dict[str, Any]:
    """What is loaded: the models, how they were trained and measured, and the index."""
    found = common.models()
    roles: dict[int, tuple[BatchedCross | BatchedBi, list[str]]] = {}
    for role, model in (("scorer", found.scorer), ("encoder", found.encoder)):
        if model is not None:
            roles.setdefault(id(model), (model, []))[1].append(role)
    return {
        "object": "list",
        "data": [_card(model, names, found.loaded_at) for model, names in roles.values()],
        "index": None if found.index is None else _index_card(found.index),
    }


@blueprint.get("/healthz", tags=[TAG], responses={200: Health}, operation_id="healthz")
def healthz() -> dict[str, Any]:
    """Whether the process answers."""
    return {"status": "alive", "refused": None}


@blueprint.get("/readyz", tags=[TAG], responses={200: Health}, operation_id="readyz")
def readyz() -> dict[str, Any]:
    """Whether requests can be answered: models are loaded and warmed up, and the queue is worked on."""
    engine = common.engine()
    engine.check_ready()
    return {"status": "ready", "refused": engine.refused}


@blueprint.get(
    "/metrics",
    tags=[TAG],
    responses={200: {"description": "OK", "content": {"text/plain": {"schema": {"type": "string"}}}}},
    operation_id="metrics",
)
def metrics() -> Response:
    """Numbers for Prometheus."""
    text, media_type = common.engine().metrics.exposition()
    return Response(text, content_type=media_type)


def _card(model: BatchedCross | BatchedBi, roles: list[str], loaded_at: float) -> dict[str, Any]:
    info = model.info
    return {
        "id": model.name,
        "object": "model",
        "created": int(loaded_at),
        "owned_by": "sts",
        "version": model.version,
        "role": roles,
        "mode": info.mode,
        "base_model": info.base_model,
        "base_model_origin": info.base_model_origin,
        "threshold": info.threshold,
        "max_length": info.max_length,
        "backend": model.network.runtime.backend,
        "precision": model.network.runtime.precision,
        "orders": info.orders,
        "dimensions": common.dimensions(model) if isinstance(model, BatchedBi) else None,
        "text_pipeline": info.text_pipeline,
        "metrics": info.metrics,
        "study": info.study,
    }


def _index_card(index: Any) -> dict[str, Any]:
    try:
        state, count = index.state, len(index)
    except SearchError as error:
        raise Busy(str(error), retry_after=RETRY_SECONDS) from error
    return {
        "sentences": count,
        "kind": state.kind,
        "dimension": state.dimension,
        "recall": state.recall,
        "writable": common.engine().settings.writable,
    }
