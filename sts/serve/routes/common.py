"""What the routes share."""

from collections.abc import Sequence
from typing import Any

from flask import current_app, g
from flask_openapi3 import APIBlueprint

from sts.serve.engine import Engine, Models
from sts.serve.problems import MEDIA_TYPE, TITLES, Unusable
from sts.serve.schemas import ProblemDetails
from sts.serve.scoring import BatchedBi, BatchedCross, Result

PROBLEM = {"content": {MEDIA_TYPE: {"schema": {"$ref": f"#/components/schemas/{ProblemDetails.__name__}"}}}}
# what any request may be answered with, and what one with a body may be beside
ALWAYS = (401, 403, 404, 405, 422, 500, 503)
WITH_BODY = (400, 413, 415, 504)


def blueprint(name: str, prefix: str = "/v1", *statuses: int) -> APIBlueprint:
    """Routes below `prefix`, whose problems are described."""
    described: Any = {status: {"description": TITLES[status], **PROBLEM} for status in statuses}
    return APIBlueprint(name, __name__, url_prefix=prefix, abp_responses=described)


def engine() -> Engine:
    """This worker's engine."""
    found: Engine = current_app.extensions["sts"]
    return found


def models() -> Models:
    """What this request is answered with.

    Raises:
        NotReady: nothing is loaded.
    """
    return engine().models


def judged(scorer: BatchedCross | BatchedBi) -> dict[str, Any]:
    """What an answer with scores says of the scorer."""
    return {"threshold": scorer.info.threshold, "model": scorer.name, "model_version": scorer.version}


def score_fields(result: Result, threshold: float) -> dict[str, Any]:
    """A score as an answer has it: in 0 to 5, whatever rounding did."""
    score = round(min(5.0, max(0.0, float(result.value))), 4)
    return {
        "score": score,
        "similar": score >= threshold and not result.unread,
        "truncated": result.truncated,
        "unknown": round(result.unknown, 4),
        "tokens": result.tokens,
    }


def refuse_truncated(results: Sequence[Result], pointers: Sequence[str], limit: int) -> None:
    """Refuse texts that are longer than the model.

    Raises:
        Unusable: some are.
    """
    errors = [
        {"pointer": pointer, "found": f"{result.tokens:,} tokens", "rule": f"at most {limit:,} tokens"}
        for result, pointer in zip(results, pointers, strict=True)
        if result.truncated
    ]
    if errors:
        raise Unusable(
            f"{len(errors):,} of {len(results):,} texts are longer than the model's {limit:,} tokens; shorten them, or "
            "send truncate: true to have them cut",
            "too-long",
            errors=errors[:20],
        )


def tell(model: BatchedCross | BatchedBi, results: Sequence[Result]) -> None:
    """What the log is to say of a request."""
    g.told = {
        "texts": len(results),
        "tokens": sum(result.tokens for result in results),
        "model": model.name,
        "model_version": model.version,
    }


def dimensions(encoder: BatchedBi) -> list[int]:
    """What an encoder's vectors may be cut to, the longest first."""
    sizes = map(int, encoder.info.calibration or {})
    return sorted((size for size in sizes if size <= encoder.dimension), reverse=True)
