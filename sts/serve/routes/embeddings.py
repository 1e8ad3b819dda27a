"""Vectors of sentences, in OpenAI's shape, so that its clients work against this server."""

import base64
from typing import Any

from flask_openapi3 import Tag

from sts.serve.problems import Missing, Unusable, field_error
from sts.serve.routes import common
from sts.serve.schemas import EmbeddingsAnswer, EmbeddingsRequest
from sts.serve.scoring import BatchedBi

TAG = Tag(name="embeddings", description="vectors of sentences")
blueprint = common.blueprint("embeddings", "/v1", *common.ALWAYS, *common.WITH_BODY)


@blueprint.post("/embeddings", tags=[TAG], responses={200: EmbeddingsAnswer}, operation_id="embeddings")
def embeddings(body: EmbeddingsRequest) -> dict[str, Any]:
    """Vectors of one sentence, or of up to 1,000."""
    from sts.models.bi import of_unit_length

    encoder = common.models().encoder
    if encoder is None:
        raise Missing("this server has no bi-encoder, which makes vectors; start it with --encoder", "no-encoder")
    if body.model != encoder.name:
        raise Missing(f"no such model; this server's encoder is {encoder.name!r}", "no-model")
    size = _dimensions(encoder, body.dimensions)
    texts = [body.input] if isinstance(body.input, str) else body.input
    found = encoder.vectors(texts)
    common.tell(encoder, found)
    if not body.truncate:
        pointers = ["/input"] if isinstance(body.input, str) else [f"/input/{place}" for place in range(len(texts))]
        common.refuse_truncated(found, pointers, encoder.info.max_length)
    tokens = sum(result.tokens for result in found)
    data = []
    for place, result in enumerate(found):
        vector = of_unit_length(result.value[None, :size])[0]
        packed = base64.b64encode(vector.astype("<f4").tobytes()).decode() if body.encoding_format == "base64" else None
        data.append({"object": "embedding", "index": place, "embedding": packed or vector.tolist()})
    return {
        "object": "list",
        "data": data,
        "model": encoder.name,
        "model_version": encoder.version,
        "usage": {"prompt_tokens": tokens, "total_tokens": tokens},
        "truncated": [result.truncated for result in found],
        "unknown": [round(result.unknown, 4) for result in found],
    }


def _dimensions(encoder: BatchedBi, wanted: int | None) -> int:
    sizes = common.dimensions(encoder)
    if wanted is not None and wanted not in sizes:
        allowed = ", ".join(map(str, sizes))
        error = field_error(("dimensions",), wanted, f"one of {allowed}")
        raise Unusable(f"dimensions is {wanted}; this model was trained for {allowed}", "dimensions", errors=[error])
    return wanted or encoder.dimension
