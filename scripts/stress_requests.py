"""What `scripts/stress` asks a server for, good and bad, and what the answers must be."""

import json
import random
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sts.models.precision import Precision

JSON = "application/json"
PAIRS, QUERIES, CANDIDATES, TOP_K = 200, 40, 6, 5
# hits that are computed offline beyond those asked for, as bf16 may move a sentence over the edge of the list
SPARE = 20
TOLERANCES = {"bf16": 0.05, "fp32": 1e-3, "int8": 1e-3}
LONG, TOO_LARGE = "가" * 100_000, b'{"sentence1": "' + b"a" * 9_000_000 + b'", "sentence2": "b"}'


@dataclass(frozen=True)
class Request:
    """A request, and the status that it must get; `fields` are those of a good one."""

    kind: str
    method: str
    path: str
    media_type: str
    body: bytes
    status: int
    fields: dict[str, Any] = field(default_factory=dict)


@dataclass
class Expected:
    """What the scorer says offline.

    Attributes:
        pairs: scores by pair.
        asked: the pairs that single and batch requests are made of.
        candidates: sentences that a query is ranked against, by query.
        hits: sentences of the index with their scores, by query and id; empty where there is no index.
        version: the scorer's, as the API tells it.
        tolerance: how far a score may be from the one offline.
        search_tolerance: the same for scores of the index.
    """

    pairs: dict[tuple[str, str], float]
    asked: list[tuple[str, str]]
    candidates: dict[str, list[str]]
    hits: dict[str, dict[str, tuple[str, float]]]
    version: str
    tolerance: float
    search_tolerance: float


def offline(model: Path, index: Path | None, precision: Precision) -> Expected:
    """Score everything that will be asked for, once."""
    from sts.bundled import scorer_folder
    from sts.models import load_scorer
    from sts.pairs import load_pairs
    from sts.search import SentenceIndex
    from sts.search.index import load_embedder, read_state

    rows = load_pairs(["sample"], announce=lambda line: None).pairs.select(range(PAIRS))
    first, second = list(rows["sentence1"]), list(rows["sentence2"])
    asked = list(zip(first, second, strict=True))
    candidates = {first[row]: second[row : row + CANDIDATES] for row in range(QUERIES)}
    wanted = list(dict.fromkeys([*asked, *((query, each) for query, some in candidates.items() for each in some)]))
    scorer = load_scorer(model, precision=precision)
    scores = scorer.score([a for a, _ in wanted], [b for _, b in wanted]).scores.tolist()
    hits: dict[str, dict[str, tuple[str, float]]] = {}
    search_tolerance = 0.0
    if index is not None:
        state = read_state(index)
        encoder = load_embedder(scorer_folder(state.model), state.dimension, precision=precision)
        search_tolerance = TOLERANCES[encoder.runtime.precision]
        with SentenceIndex.open(index, encoder) as opened:
            for query, found in zip(candidates, opened.search(list(candidates), TOP_K + SPARE), strict=True):
                hits[query] = {hit.id: (hit.sentence, hit.score) for hit in found}
    return Expected(
        dict(zip(wanted, scores, strict=True)),
        asked,
        candidates,
        hits,
        scorer.fingerprint[:12],
        TOLERANCES[scorer.runtime.precision],
        search_tolerance,
    )


def good(chance: random.Random, expected: Expected) -> Request:
    """A request that must be answered with scores."""
    kind = chance.choices(["similarity", "batch", "rank", "search"], [6, 2, 2, 3 if expected.hits else 0])[0]
    path, fields = f"/v1/{kind}", dict[str, Any]()
    if kind == "similarity":
        fields = _pair(chance.choice(expected.asked))
    elif kind == "batch":
        path = "/v1/similarity/batch"
        fields = {"pairs": [_pair(pair) for pair in chance.sample(expected.asked, chance.randint(2, 20))]}
    else:
        query, candidates = chance.choice(list(expected.candidates.items()))
        fields = {"sentence": query, "top_k": TOP_K}
        if kind == "rank":
            fields = {"sentence": query, "candidates": chance.sample(candidates, chance.randint(2, len(candidates)))}
    return Request(kind, "POST", path, JSON, json.dumps(fields, ensure_ascii=False).encode(), 200, fields)


def deviations(request: Request, answer: dict[str, Any], expected: Expected) -> list[float]:
    """How far an answer's scores are from those offline.

    Raises:
        ValueError: too far, or the answer is another request's.
    """
    asked, tolerance = request.fields, expected.tolerance
    results = [answer] if request.kind == "similarity" else answer["results"]
    if request.kind == "search":
        tolerance, known = expected.search_tolerance, expected.hits[asked["sentence"]]
        offline = [known[each["id"]][1] for each in results]
        whole = [known[each["id"]][0] for each in results] == [each["sentence"] for each in results]
        whole = whole and answer["sentence"] == asked["sentence"] and len(results) == min(TOP_K, len(known))
    else:
        if request.kind == "rank":
            places = [each["index"] for each in results]
            pairs = [(asked["sentence"], asked["candidates"][place]) for place in places]
            told = [(answer["sentence"], each["sentence"]) for each in results]
            whole = sorted(places) == list(range(len(asked["candidates"])))
        else:
            pairs = [(each["sentence1"], each["sentence2"]) for each in asked.get("pairs", [asked])]
            told = [(each["sentence1"], each["sentence2"]) for each in results]
            whole = True
        whole = whole and pairs == told and answer["model_version"] == expected.version
        offline = [expected.pairs[pair] for pair in pairs]
    if not whole:
        raise ValueError(f"the answer is not to this request: {str(answer)[:300]}")
    scores = [each["score"] for each in results]
    if request.kind in ("rank", "search") and scores != sorted(scores, reverse=True):
        raise ValueError("the answer is not in the order of its scores")
    found = [abs(score - other) for score, other in zip(scores, offline, strict=True)]
    if max(found) > tolerance:
        raise ValueError(f"a score is {max(found):.4f} from the one offline; allowed is {tolerance:g}")
    return found


def _pair(pair: tuple[str, str]) -> dict[str, Any]:
    return {"sentence1": pair[0], "sentence2": pair[1]}


def _bad(kind: str, status: int, body: Any, path: str = "similarity", **others: str) -> Request:
    # ASCII, so that half a character can be sent
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Request(kind, others.get("method", "POST"), f"/v1/{path}", others.get("media_type", JSON), data, status)


BAD = [
    _bad("no JSON", 400, b'{"sentence1": '),
    _bad("no UTF-8", 400, b'{"sentence1": "\xff", "sentence2": "b"}'),
    _bad("NaN", 400, b'{"sentence": "a", "candidates": ["b"], "top_k": NaN}', "rank"),
    _bad("nested deeply", 400, b"[" * 100_000),
    _bad("no route", 404, {}, "nothing"),
    _bad("wrong method", 405, b"", method="GET"),
    _bad("body too large", 413, TOO_LARGE),
    _bad("wrong media type", 415, _pair(("a", "b")), media_type="text/plain"),
    _bad("an array", 422, []),
    _bad("a field missing", 422, {"sentence1": "a"}),
    _bad("unknown field", 422, _pair(("a", "b")) | {"sentence3": "c"}),
    _bad("empty sentence", 422, _pair(("", "b"))),
    _bad("white space", 422, _pair((" \n\u3000", "b"))),
    _bad("wrong type", 422, {"sentence1": 1, "sentence2": "b"}),
    _bad("half a character", 422, _pair(("\ud800", "b"))),
    _bad("100,000 characters", 422, _pair((LONG, "b"))),
    _bad("1,001 pairs", 422, {"pairs": [_pair(("a", "b"))] * 1_001}, "similarity/batch"),
    _bad("no candidates", 422, {"sentence": "a", "candidates": []}, "rank"),
]
