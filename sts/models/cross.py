"""The cross-encoder as a scorer: both sentences go through the network together."""

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from sts.models.batches import Tokenized, Tokens, outputs, with_id
from sts.models.calibration import MAX_SCORE, logistic
from sts.models.coverage import Claims, claims, coverages
from sts.models.info import ScorerInfo
from sts.models.runtime import Runtime
from sts.models.scorer import Known, Scored, check_pairs, write_scorer
from sts.text import TextPipeline
from sts.text.form import composed

if TYPE_CHECKING:
    import numpy as np


def in_one_order(sentence1: Sequence[str], sentence2: Sequence[str]) -> tuple[list[str], list[str]]:
    """N pairs, each with its shorter sentence first; of two of one length, the one that Unicode puts first.

    What is scored in this order has the same score in either order, in one pass.

    Args:
        sentence1: n sentences, in their one form.
        sentence2: n sentences.
    """
    pairs = zip(sentence1, sentence2, strict=True)
    ordered = [(b, a) if (len(b), b) < (len(a), a) else (a, b) for a, b in pairs]
    return [first for first, _ in ordered], [second for _, second in ordered]


class CrossScorer:
    """A cross-encoder.

    Args:
        runtime: one logit a pair; the score is 5 times its sigmoid. In bf16 a score may differ by some hundredths
            with the batch it was computed in, in fp32 and int8 it does not.
        info: what `sts.json` says of it.
    """

    def __init__(self, runtime: Runtime, info: ScorerInfo) -> None:
        self.runtime = runtime
        self.info = info
        self._pipeline = TextPipeline.from_dict(info.text_pipeline, "text_pipeline")

    @cached_property
    def fingerprint(self) -> str:
        """What tells this model from any other; see `sts.models.fingerprint`."""
        from sts.models.fingerprint import fingerprint

        return fingerprint(self.runtime, self.info)

    def score(
        self,
        sentence1: Sequence[str],
        sentence2: Sequence[str],
        *,
        batch_size: int = 64,
        progress: bool = False,
        known: Known | None = None,
    ) -> Scored:
        """Score n pairs, in the order given; a pair that occurs several times is computed once.

        Args:
            sentence1: n sentences.
            sentence2: n sentences.
            batch_size: pairs that go through the network together, at most.
            progress: show a progress bar on standard error.
            known: pairs of earlier calls, which are not computed again; those of this one are added.

        Raises:
            UsageError: the two lists differ in length, or `batch_size` is below 1.
        """
        check_pairs(sentence1, sentence2)
        import numpy as np

        known = Known(0) if known is None else known
        pairs = [self._key(composed(a), composed(b)) for a, b in zip(sentence1, sentence2, strict=True)]
        missing = list(dict.fromkeys(pair for pair in pairs if pair not in known))
        scored = self._score(missing, batch_size=batch_size, progress=progress)
        columns = (scored.scores, scored.truncated, scored.left_as_is, scored.unknown, scored.unread)
        known.update(zip(missing, zip(*columns, strict=True), strict=True))
        found = list(zip(*(known[pair] for pair in pairs), strict=True)) or [()] * len(columns)
        known.forget()
        return Scored(*(np.array(values, dtype=each.dtype) for values, each in zip(found, columns, strict=True)))

    def _key(self, sentence1: str, sentence2: str) -> tuple[str, str]:
        """What two pairs have in common that have the same score."""
        if self.info.orders == "one" or sentence1 <= sentence2:
            return sentence1, sentence2
        return sentence2, sentence1

    def _score(self, pairs: Sequence[tuple[str, str]], *, batch_size: int, progress: bool) -> Scored:
        tokenized = self.tokenize([a for a, _ in pairs], [b for _, b in pairs])
        found = self.forward(tokenized.tokens, batch_size=batch_size, progress=progress)
        claimed: Claims = tokenized.coverage
        scores = claimed.apply(self.combine(found))
        return Scored(scores, tokenized.truncated, tokenized.left_as_is, claimed.unknown, claimed.unread)

    def tokenize(self, sentence1: Sequence[str], sentence2: Sequence[str]) -> Tokenized:
        """N pairs, prepared by the text pipeline, in the order or orders that they are scored in.

        Raises:
            UsageError: the two lists differ in length.
        """
        check_pairs(sentence1, sentence2)
        import numpy as np

        prepared1, prepared2 = self._pipeline.apply(sentence1), self._pipeline.apply(sentence2)
        left_as_is = np.array(prepared1.left_as_is, dtype=bool) | np.array(prepared2.left_as_is, dtype=bool)
        first, second = prepared1.sentences, prepared2.sentences
        if self.info.orders == "sorted":
            first, second = in_one_order(first, second)
        columns = [first + second, second + first] if self.info.orders == "both" else [first, second]
        tokens, lengths = self.runtime.tokenize(columns, self.info.max_length)
        lengths = lengths.reshape(-1, len(first)).max(axis=0) if first else lengths
        suspects = with_id(tokens, self.runtime.unknown_id, len(first))
        found = [coverages(self.runtime, column, suspects) for column in (first, second)]
        claimed = claims(list(zip(first, second, strict=True)), *found)
        return Tokenized(tokens, lengths, lengths > self.info.max_length, left_as_is, claimed)

    def forward(self, tokens: Tokens, *, batch_size: int, progress: bool = False) -> "np.ndarray":
        """Scores (rows,), 0 to 5, of rows of tokens that `tokenize` gave."""
        import numpy as np

        scores = np.zeros(len(tokens["input_ids"]), dtype=np.float32)
        lanes = self.runtime.lanes
        for rows, found in outputs(
            self.compute, tokens, lanes, batch_size=batch_size, progress=progress, unit="pair", desc="scoring"
        ):
            scores[rows] = found
        return scores

    def compute(self, tokens: Tokens, *, alone: bool) -> "np.ndarray":
        """Scores (k,), 0 to 5, of a batch of k rows; see `Runtime.run`."""
        scores: np.ndarray = logistic(self.runtime.run(tokens, alone=alone)) * MAX_SCORE
        return scores

    def combine(self, scores: "np.ndarray") -> "np.ndarray":
        """Scores (n,) of pairs, of those (n or 2 n,) of the rows that `tokenize` made of them."""
        return scores.reshape(2, -1).mean(axis=0) if self.info.orders == "both" else scores

    def save(self, folder: Path) -> None:
        """Write the scorer into an existing folder."""
        write_scorer(folder, self.runtime, self.info)
