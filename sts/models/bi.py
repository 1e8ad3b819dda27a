"""The bi-encoder as a scorer: each sentence becomes a vector, and the cosine of two vectors a score."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Self

from sts.errors import UsageError
from sts.models.batches import Tokenized, Tokens, outputs, with_id
from sts.models.calibration import Calibration, fit_calibration
from sts.models.coverage import Coverage, claims, coverages, unknown_shares
from sts.models.info import ScorerInfo
from sts.models.runtime import Runtime
from sts.models.scorer import Known, Scored, check_pairs, write_scorer
from sts.text import TextPipeline
from sts.text.form import composed

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True)
class Encoded:
    """Vectors of n sentences.

    Attributes:
        vectors: float32 (n, dimension), each of length 1.
        truncated: bool (n,), true where a sentence was longer than the model and was cut.
        left_as_is: bool (n,), true where the text pipeline would have left nothing of a sentence, which
            therefore stayed as it was.
        coverage: of the sentences that the vocabulary does not know whole, what was read and what was not, by place.
    """

    vectors: "np.ndarray"
    truncated: "np.ndarray"
    left_as_is: "np.ndarray"
    coverage: dict[int, Coverage] = field(default_factory=dict)

    @property
    def unknown(self) -> "np.ndarray":
        """Float32 (n,), 0 to 1: the share of each sentence that the vocabulary does not know."""
        return unknown_shares(self.coverage, len(self.vectors))


class BiScorer:
    """A bi-encoder.

    Args:
        runtime: makes a vector of each sentence. In bf16 a score may differ by some hundredths with the batch a
            sentence was encoded in, in fp32 and int8 it does not.
        info: what `sts.json` says of it.
        dimension: numbers of a vector that are kept, one of those that the model was trained for
            (Matryoshka, Kusupati et al. 2022); None keeps all.

    Raises:
        UsageError: the model was not trained for `dimension`.
    """

    def __init__(self, runtime: Runtime, info: ScorerInfo, *, dimension: int | None = None) -> None:
        curves = info.calibration or {}
        if dimension is not None and str(dimension) not in curves:
            raise UsageError(f"--dimension is {dimension}; this model was trained for {', '.join(curves)}")
        self.runtime = runtime
        self.info = info
        self.dimension = dimension or max(map(int, curves))
        self.calibration = Calibration(**curves[str(self.dimension)])
        self._pipeline = TextPipeline.from_dict(info.text_pipeline, "text_pipeline")

    @classmethod
    def fitted(
        cls,
        runtime: Runtime,
        info: ScorerInfo,
        sentence1: Sequence[str],
        sentence2: Sequence[str],
        label: "np.ndarray",
        *,
        dimensions: Sequence[int],
    ) -> Self:
        """A scorer whose calibration is fitted to labelled pairs.

        Args:
            runtime: as for the class.
            info: as for the class; its calibration is replaced.
            sentence1: n sentences.
            sentence2: n sentences.
            label: (n,), 0 to 5.
            dimensions: lengths that a vector may be cut to; the largest is the network's own.

        Raises:
            TrainingError: the cosines do not rise with the labels.
        """
        unfitted = {str(size): {"rise": 1.0, "fall": 1.0, "shift": 0.0} for size in dimensions}
        raw = cls(runtime, replace(info, calibration=unfitted))
        vectors = raw.encode([*sentence1, *sentence2]).vectors
        half = len(sentence1)
        fitted = {}
        for size in dimensions:
            cut = of_unit_length(vectors[:, :size])
            fitted[str(size)] = asdict(fit_calibration((cut[:half] * cut[half:]).sum(axis=1), label))
        return cls(runtime, replace(info, calibration=fitted))

    @cached_property
    def fingerprint(self) -> str:
        """What tells this model's vectors from any other's; see `sts.models.fingerprint`."""
        from sts.models.fingerprint import fingerprint

        return f"{fingerprint(self.runtime, self.info)}-{self.dimension}"

    def encode(self, sentences: Sequence[str], *, batch_size: int = 64, progress: bool = False) -> Encoded:
        """Vectors of n sentences, in the order given; computed in batches of similar length.

        Args:
            sentences: n sentences, without the model's prompt.
            batch_size: sentences that go through the network together.
            progress: show a progress bar on standard error.

        Raises:
            UsageError: `batch_size` is below 1.
        """
        tokenized = self.tokenize(sentences)
        vectors = self.forward(tokenized.tokens, batch_size=batch_size, progress=progress)
        return Encoded(vectors, tokenized.truncated, tokenized.left_as_is, tokenized.coverage)

    def tokenize(self, sentences: Sequence[str]) -> Tokenized:
        """N sentences, prepared by the text pipeline, with the model's prompt."""
        import numpy as np

        prepared = self._pipeline.apply(sentences)
        texts = [self.info.prompt + sentence for sentence in prepared.sentences]
        tokens, lengths = self.runtime.tokenize([texts], self.info.max_length)
        suspects = with_id(tokens, self.runtime.unknown_id, len(texts))
        found = coverages(self.runtime, prepared.sentences, suspects)
        left_as_is = np.array(prepared.left_as_is, dtype=bool)
        return Tokenized(tokens, lengths, lengths > self.info.max_length, left_as_is, found)

    def read(self, sentences: Sequence[str]) -> dict[int, Coverage]:
        """What was read and what was not of those of n sentences that the vocabulary does not know whole, by place."""
        prepared = self._pipeline.apply(sentences).sentences
        if not prepared:
            return {}
        tokens, _ = self.runtime.tokenize([list(prepared)], self.info.max_length)
        return coverages(self.runtime, prepared, with_id(tokens, self.runtime.unknown_id, len(prepared)))

    def forward(self, tokens: Tokens, *, batch_size: int, progress: bool = False) -> "np.ndarray":
        """Vectors (n, dimension), each of length 1, of rows of tokens that `tokenize` gave."""
        import numpy as np

        vectors = np.zeros((len(tokens["input_ids"]), self.dimension), dtype=np.float32)
        lanes = self.runtime.lanes
        for rows, found in outputs(
            self.compute, tokens, lanes, batch_size=batch_size, progress=progress, unit="sentence", desc="encoding"
        ):
            vectors[rows] = found
        return vectors

    def compute(self, tokens: Tokens, *, alone: bool) -> "np.ndarray":
        """Vectors (k, dimension), each of length 1, of a batch of k rows; see `Runtime.run`."""
        return of_unit_length(self.runtime.run(tokens, alone=alone)[:, : self.dimension])

    def score(
        self,
        sentence1: Sequence[str],
        sentence2: Sequence[str],
        *,
        batch_size: int = 64,
        progress: bool = False,
        known: Known | None = None,
    ) -> Scored:
        """Score n pairs, in the order given; a sentence that occurs several times is encoded once.

        Args:
            sentence1: n sentences.
            sentence2: n sentences.
            batch_size: sentences that go through the network together.
            progress: show a progress bar on standard error.
            known: sentences of earlier calls, which are not encoded again; those of this one are added.

        Raises:
            UsageError: the two lists differ in length, or `batch_size` is below 1.
        """
        check_pairs(sentence1, sentence2)
        import numpy as np

        sentence1, sentence2 = ([composed(sentence) for sentence in column] for column in (sentence1, sentence2))
        # sorted, so that exchanging the two lists changes no batch and therefore no score
        distinct = sorted({*sentence1, *sentence2})
        encoded = self._encode(distinct, Known(0) if known is None else known, batch_size, progress)
        place = {sentence: row for row, sentence in enumerate(distinct)}
        a, b = (np.array([place[sentence] for sentence in column], dtype=int) for column in (sentence1, sentence2))
        found = [
            {row: encoded.coverage[number] for row, number in enumerate(column.tolist()) if number in encoded.coverage}
            for column in ((a, b) if encoded.coverage else ())
        ]
        claimed = claims(list(zip(sentence1, sentence2, strict=True)), *(found or ({}, {})))
        return Scored(
            claimed.apply(self.calibration.scores((encoded.vectors[a] * encoded.vectors[b]).sum(axis=1))),
            encoded.truncated[a] | encoded.truncated[b],
            encoded.left_as_is[a] | encoded.left_as_is[b],
            claimed.unknown,
            claimed.unread,
        )

    def _encode(self, sentences: Sequence[str], known: Known, batch_size: int, progress: bool) -> Encoded:
        """Vectors of n distinct sentences."""
        import numpy as np

        missing = [sentence for sentence in sentences if sentence not in known]
        fresh = self.encode(missing, batch_size=batch_size, progress=progress)
        for place, sentence in enumerate(missing):
            known[sentence] = (
                fresh.vectors[place],
                fresh.truncated[place],
                fresh.left_as_is[place],
                fresh.coverage.get(place),
            )
        rows = [known[sentence] for sentence in sentences]
        known.forget()
        vectors, truncated, left_as_is, coverage = zip(*rows, strict=True) if rows else ((), (), (), ())
        return Encoded(
            np.array(vectors, dtype=np.float32).reshape(len(rows), self.dimension),
            np.array(truncated, dtype=bool),
            np.array(left_as_is, dtype=bool),
            {place: each for place, each in enumerate(coverage) if each is not None},
        )

    def save(self, folder: Path) -> None:
        """Write the scorer into an existing folder."""
        write_scorer(folder, self.runtime, self.info)


def of_unit_length(vectors: "np.ndarray") -> "np.ndarray":
    """Vectors (n, d) brought to length 1."""
    import numpy as np

    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
