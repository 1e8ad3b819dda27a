"""What requests and answers look like: checked on the way in, described in the API's document.

Strict: a field that is not known, or of another type, is refused. Limits are constants, so that the document
says what the server does.
"""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from sts.search.index import MAX_TOP_K
from sts.search.rows import MAX_ID_CHARACTERS
from sts.search.where import MAX_FILTERS

MAX_CHARACTERS = 10_000
MAX_ITEMS = 1_000
MAX_METADATA = 50
MAX_READ_PAIRS = 20_000
# of a file, in base64; the limit of the body is mostly reached before
MAX_CONTENT = 1_073_741_824
READABLE = r"\.([cC][sS][vV]|[tT][sS][vV]|[tT][xX][tT]|[jJ][sS][oO][nN]([lL])?)$"
BASE64 = r"^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$"


def _whole(value: Any) -> Any:
    """JSON knows numbers only: 3.0 is a whole one."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _spellable(name: str) -> str:
    """Paths into metadata (SQLite's) can spell no name with these."""
    if '"' in name or "\\" in name:
        raise ValueError("must not hold a quotation mark or a backslash")
    return name


WHOLE = BeforeValidator(_whole)
Sentence = Annotated[
    str,
    Field(
        min_length=1,
        max_length=MAX_CHARACTERS,
        pattern=r"[^\s\x1c-\x1f]",
        description=f"a sentence, 1 to {MAX_CHARACTERS:,} characters, not all white space",
        examples=["불 좀 꺼 줘."],
    ),
]
Identity = Annotated[
    str, Field(min_length=1, max_length=MAX_ID_CHARACTERS, description="what the user calls a sentence")
]
Filter = (
    Annotated[str, Field(max_length=MAX_CHARACTERS)]
    | bool
    | Annotated[int, Field(ge=-(2**53), le=2**53)]
    | Annotated[float, Field(allow_inf_nan=False)]
    | None
)
Value = Filter | Annotated[list[Annotated[str, Field(max_length=MAX_CHARACTERS)]], Field(max_length=MAX_ITEMS)]
NAME = {"minLength": 1, "maxLength": 100, "pattern": r'^[^"\\]+$'}
Name = Annotated[str, Field(min_length=1, max_length=100), AfterValidator(_spellable)]
Score = Annotated[float, Field(ge=0, le=5, description="0 (unrelated) to 5 (the same meaning)")]
Unknown = Annotated[
    float,
    Field(
        ge=0,
        le=1,
        description="share of the text that the model's vocabulary does not know; of two texts, of the one read less",
    ),
]
Truncate = Annotated[
    bool, Field(description="whether a text that is longer than the model may be cut; if not, it is refused (422)")
]


class _Strict(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class Pair(_Strict):
    """Two sentences."""

    sentence1: Sentence
    sentence2: Sentence


class SimilarityRequest(Pair):
    """Two sentences to compare."""

    truncate: Truncate = True


class BatchRequest(_Strict):
    """Pairs to compare."""

    pairs: Annotated[list[Pair], Field(min_length=1, max_length=MAX_ITEMS)]
    truncate: Truncate = True


class PairsRequest(_Strict):
    """A file of pairs."""

    name: Annotated[
        str,
        Field(max_length=200, pattern=READABLE, description="of the file; ends in .csv, .tsv, .txt, .jsonl or .json"),
    ]
    content: Annotated[str, Field(max_length=MAX_CONTENT, pattern=BASE64, description="the file's bytes in base64")]
    encoding: Literal["auto", "utf-8", "cp949", "utf-16"] = "auto"
    no_header: Annotated[bool, Field(description="whether the first line is a pair already")] = False


class RankRequest(_Strict):
    """A sentence, and others that are to be put in order."""

    sentence: Sentence
    candidates: Annotated[list[Sentence], Field(min_length=1, max_length=MAX_ITEMS)]
    top_k: Annotated[int, Field(ge=1, le=MAX_ITEMS), WHOLE] | None = None
    truncate: Truncate = True


class AlignmentRequest(Pair):
    """Two sentences whose words are to be matched."""


class EmbeddingsRequest(_Strict):
    """OpenAI's request for embeddings; texts only, no token ids."""

    input: Sentence | Annotated[list[Sentence], Field(min_length=1, max_length=MAX_ITEMS)]
    model: Annotated[str, Field(max_length=200, description="the encoder's id, as GET /v1/models names it")]
    encoding_format: Literal["float", "base64"] = "float"
    dimensions: (
        Annotated[
            int,
            Field(ge=1, le=100_000, description="numbers of a vector; one of those that the model was trained for"),
            WHOLE,
        ]
        | None
    ) = None
    user: Annotated[str, Field(max_length=1_000)] | None = None
    truncate: Truncate = True


class SearchRequest(_Strict):
    """A sentence to look for in the index."""

    sentence: Sentence
    top_k: Annotated[int, Field(ge=1, le=MAX_TOP_K), WHOLE] = 10
    rerank: Annotated[
        bool, Field(description="score the candidates with the cross-encoder, and order them by that")
    ] = False
    candidates: Annotated[
        int, Field(ge=1, le=MAX_TOP_K, description="how many are reranked; at least top_k are"), WHOLE
    ] = 50
    distinct: Annotated[bool, Field(description="of sentences with the same text, find one")] = False
    where: Annotated[
        dict[Name, Filter],
        Field(
            max_length=MAX_FILTERS,
            description="metadata that a sentence must have, by name",
            json_schema_extra={"propertyNames": NAME},
        ),
    ] = {}


class SentenceBody(_Strict):
    """A sentence for the index."""

    sentence: Sentence
    metadata: Annotated[
        dict[Name, Value], Field(max_length=MAX_METADATA, json_schema_extra={"propertyNames": NAME})
    ] = {}


class NewSentence(SentenceBody):
    """A sentence for the index, with an id of the user's or without."""

    id: Identity | None = None


class SentencesRequest(_Strict):
    """Sentences for the index."""

    sentences: Annotated[list[NewSentence], Field(min_length=1, max_length=MAX_ITEMS)]


class SentencePath(BaseModel):
    """Which sentence."""

    id: Identity


class PairScore(BaseModel):
    """A pair's score, and how much of it the model saw."""

    sentence1: str
    sentence2: str
    score: Score
    similar: Annotated[
        bool, Field(description="score >= threshold, and enough of both texts was read, or what was not is the same")
    ]
    truncated: Annotated[bool, Field(description="the pair was longer than the model and was cut")]
    unknown: Unknown
    tokens: Annotated[int, Field(ge=0, description="tokens before cutting")]


class _Judged(BaseModel):
    threshold: Annotated[float, Field(ge=0, le=5, description="scores from here on mean similar")]
    model: Annotated[str, Field(description="the scorer's id")]
    model_version: Annotated[str, Field(description="changes with the model's weights and settings")]


class SimilarityAnswer(PairScore, _Judged):
    """A pair's score."""


class ReadPair(BaseModel):
    """A pair of a file, as it was written."""

    row: Annotated[int, Field(ge=1, description="the line or entry that it stands in")]
    sentence1: str
    sentence2: str


class BadPair(BaseModel):
    """A row that can't be used."""

    row: Annotated[int, Field(ge=1)]
    kind: Literal["fields", "empty", "long", "quotation", "other"]
    problem: str


class FileError(BaseModel):
    """Why a file can't be read."""

    kind: Literal["encoding", "too-many", "other"]
    detail: str


class PairsAnswer(BaseModel):
    """What a file holds."""

    pairs: list[ReadPair]
    bad: Annotated[list[BadPair], Field(description="the first 1,000 of them")]
    left_out: Annotated[int, Field(ge=0, description="rows that can't be used")]
    notes: Annotated[list[str], Field(description="what was assumed: names of columns, the delimiter, quoting")]
    error: Annotated[FileError | None, Field(description="why nothing was read")]


class BatchAnswer(_Judged):
    """Scores, in the order of the pairs."""

    results: list[PairScore]


class Ranked(BaseModel):
    """A candidate."""

    index: Annotated[int, Field(ge=0, description="its place in the request")]
    sentence: str
    score: Score
    similar: bool
    truncated: bool
    unknown: Unknown
    tokens: Annotated[int, Field(ge=0)]


class RankAnswer(_Judged):
    """Candidates, the most similar first."""

    sentence: str
    results: list[Ranked]


class Span(BaseModel):
    """A word, as characters `start` to `end` (not included) of its sentence."""

    start: Annotated[int, Field(ge=0)]
    end: Annotated[int, Field(ge=0)]


class Link(BaseModel):
    """Two words that go together."""

    word1: Annotated[int, Field(ge=0, description="number of the word in words1")]
    word2: Annotated[int, Field(ge=0, description="number of the word in words2")]
    similarity: Annotated[float, Field(ge=-1, le=1)]


class AlignmentAnswer(BaseModel):
    """The words of two sentences, and which of them go together."""

    words1: list[Span]
    words2: list[Span]
    links: list[Link]
    model: str
    model_version: str


class Embedding(BaseModel):
    """A vector of length 1: numbers, or little-endian float32 in base64."""

    object: Literal["embedding"] = "embedding"
    index: Annotated[int, Field(ge=0)]
    embedding: list[float] | str


class Usage(BaseModel):
    """Tokens."""

    prompt_tokens: Annotated[int, Field(ge=0)]
    total_tokens: Annotated[int, Field(ge=0)]


class EmbeddingsAnswer(BaseModel):
    """OpenAI's answer with embeddings."""

    object: Literal["list"] = "list"
    data: list[Embedding]
    model: str
    model_version: str
    usage: Usage
    truncated: Annotated[list[bool], Field(description="for each input, whether it was longer than the model")]
    unknown: Annotated[list[Unknown], Field(description="for each input")]


class Hit(BaseModel):
    """A sentence of the index."""

    id: str
    sentence: str
    metadata: dict[str, Any]
    score: Score
    cosine: Annotated[float, Field(ge=-1.001, le=1.001)]
    similar: bool
    unknown: Unknown


class SearchAnswer(_Judged):
    """Sentences of the index, the most similar first."""

    sentence: str
    reranked: bool
    truncated: bool
    unknown: Unknown
    tokens: Annotated[int, Field(ge=0)]
    results: list[Hit]


class SentencesAnswer(BaseModel):
    """What was added to the index."""

    ids: list[str]
    replaced: Annotated[int, Field(ge=0)]
    sentences: Annotated[int, Field(ge=0, description="sentences in the index now")]


class ModelCard(BaseModel):
    """A model that is loaded."""

    id: str
    object: Literal["model"] = "model"
    created: Annotated[int, Field(description="when it was loaded, seconds since 1970")]
    owned_by: str
    version: str
    role: Annotated[list[Literal["scorer", "encoder"]], Field(description="what this server uses it for")]
    mode: Literal["cross", "bi"]
    base_model: str
    base_model_origin: str
    threshold: float
    max_length: int
    backend: str
    precision: str
    orders: str | None
    dimensions: Annotated[list[int] | None, Field(description="what a vector may be cut to")]
    text_pipeline: dict[str, Any]
    metrics: dict[str, Any]
    study: str | None


class IndexCard(BaseModel):
    """The index that is searched."""

    sentences: int
    kind: str
    dimension: int
    recall: Annotated[float | None, Field(description="recall@10 against exact search, measured when it was built")]
    writable: bool


class ModelsAnswer(BaseModel):
    """What is loaded."""

    object: Literal["list"] = "list"
    data: list[ModelCard]
    index: IndexCard | None


class Health(BaseModel):
    """How the server is."""

    status: str
    refused: Annotated[str | None, Field(description="why a newer model was not taken")] = None


class FieldError(BaseModel):
    """A field that breaks a rule."""

    pointer: Annotated[str, Field(description="JSON pointer (RFC 6901) to the field in the request's body")]
    found: Annotated[str, Field(description="the kind of the value that was found")]
    rule: str


class OpenAIError(BaseModel):
    """The same as OpenAI's clients look for it."""

    message: str
    type: str
    code: str


class ProblemDetails(BaseModel):
    """RFC 9457 problem details."""

    type: str
    title: str
    status: int
    detail: str
    request_id: str
    errors: list[FieldError] | None = None
    error: Annotated[OpenAIError | None, Field(description="of /v1/embeddings alone")] = None
