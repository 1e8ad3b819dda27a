"""Scores: of a pair, of many pairs, of one sentence against others; and which words go together."""

from typing import Any

from flask_openapi3 import Tag

from sts.serve.routes import common
from sts.serve.schemas import (
    AlignmentAnswer,
    AlignmentRequest,
    BatchAnswer,
    BatchRequest,
    RankAnswer,
    RankRequest,
    SimilarityAnswer,
    SimilarityRequest,
)
from sts.serve.scoring import BatchedBi, BatchedCross, Result

TAG = Tag(name="scores", description="how similar sentences are")
blueprint = common.blueprint("scores", "/v1", *common.ALWAYS, *common.WITH_BODY)


@blueprint.post("/similarity", tags=[TAG], responses={200: SimilarityAnswer}, operation_id="similarity")
def similarity(body: SimilarityRequest) -> dict[str, Any]:
    """Score two sentences."""
    scorer = common.models().scorer
    result = _scores(scorer, [body.sentence1], [body.sentence2], [""], truncate=body.truncate)[0]
    return {
        "sentence1": body.sentence1,
        "sentence2": body.sentence2,
        **common.score_fields(result, scorer.info.threshold),
        **common.judged(scorer),
    }


@blueprint.post("/similarity/batch", tags=[TAG], responses={200: BatchAnswer}, operation_id="similarity_batch")
def similarity_batch(body: BatchRequest) -> dict[str, Any]:
    """Score up to 1,000 pairs; answers come in their order."""
    scorer = common.models().scorer
    first, second = [pair.sentence1 for pair in body.pairs], [pair.sentence2 for pair in body.pairs]
    pointers = [f"/pairs/{place}" for place in range(len(first))]
    found = _scores(scorer, first, second, pointers, truncate=body.truncate)
    results = [
        {"sentence1": a, "sentence2": b, **common.score_fields(result, scorer.info.threshold)}
        for a, b, result in zip(first, second, found, strict=True)
    ]
    return {"results": results, **common.judged(scorer)}


@blueprint.post("/rank", tags=[TAG], responses={200: RankAnswer}, operation_id="rank")
def rank(body: RankRequest) -> dict[str, Any]:
    """Score a sentence against up to 1,000 others, the most similar first; ties keep the order of the request."""
    scorer = common.models().scorer
    candidates = body.candidates
    pointers = [f"/candidates/{place}" for place in range(len(candidates))]
    found = _scores(scorer, [body.sentence] * len(candidates), candidates, pointers, truncate=body.truncate)
    order = sorted(range(len(found)), key=lambda place: -found[place].value)
    results = [
        {"index": place, "sentence": candidates[place], **common.score_fields(found[place], scorer.info.threshold)}
        for place in order[: body.top_k]
    ]
    return {"sentence": body.sentence, "results": results, **common.judged(scorer)}


@blueprint.post("/alignment", tags=[TAG], responses={200: AlignmentAnswer}, operation_id="alignment")
def alignment(body: AlignmentRequest) -> dict[str, Any]:
    """Find which words of two sentences go together, by the encoder's states of their tokens."""
    found = common.models()
    model = found.encoder or found.scorer
    words1, words2, links = model.align(body.sentence1, body.sentence2)
    return {
        "words1": [{"start": start, "end": end} for start, end in words1.spans],
        "words2": [{"start": start, "end": end} for start, end in words2.spans],
        "links": [
            {"word1": link.word1, "word2": link.word2, "similarity": round(link.similarity, 4)} for link in links
        ],
        "model": model.name,
        "model_version": model.version,
    }


def _scores(
    scorer: BatchedCross | BatchedBi, first: list[str], second: list[str], pointers: list[str], *, truncate: bool
) -> list[Result]:
    found = scorer.pairs(first, second)
    common.tell(scorer, found)
    if not truncate:
        common.refuse_truncated(found, pointers, scorer.info.max_length)
    return found
