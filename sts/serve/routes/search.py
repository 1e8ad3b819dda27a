"""Similar sentences from the index."""

from typing import Any

from flask_openapi3 import Tag

from sts.errors import SearchError, UsageError
from sts.serve.problems import Busy, Missing, Unusable
from sts.serve.routes import common
from sts.serve.schemas import SearchAnswer, SearchRequest

TAG = Tag(name="search", description="similar sentences from the index")
blueprint = common.blueprint("search", "/v1", *common.ALWAYS, *common.WITH_BODY)
RETRY_SECONDS = 2


@blueprint.post("/search", tags=[TAG], responses={200: SearchAnswer}, operation_id="search")
def search(body: SearchRequest) -> dict[str, Any]:
    """Find the most similar sentences."""
    models = common.models()
    if models.index is None or models.encoder is None:
        raise Missing("this server has no index of sentences; start it with --index", "no-index")
    query = models.encoder.vectors([body.sentence])
    try:
        hits = models.index.search(
            [body.sentence],
            body.top_k,
            where=body.where,
            reranker=models.scorer if body.rerank else None,
            candidates=max(body.candidates, body.top_k),
            distinct=body.distinct,
        )[0]
    except UsageError as error:
        raise Unusable(str(error)) from error
    except SearchError as error:
        raise Busy(str(error), retry_after=RETRY_SECONDS) from error
    judge = models.scorer if body.rerank else models.encoder
    common.tell(models.encoder, query)
    results = [
        {
            "id": hit.id,
            "sentence": hit.sentence,
            "metadata": hit.metadata,
            "score": round(min(5.0, max(0.0, hit.score)), 4),
            "cosine": round(hit.cosine, 6),
            "similar": hit.score >= judge.info.threshold and not hit.unread,
            "unknown": round(hit.unknown, 4),
        }
        for hit in hits
    ]
    return {
        "sentence": body.sentence,
        "reranked": body.rerank,
        "truncated": query[0].truncated,
        "unknown": round(query[0].unknown, 4),
        "tokens": query[0].tokens,
        "results": results,
        **common.judged(judge),
    }
