"""The cross-encoder as a scorer: both sentences go through the network together."""

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from sts.models.batches import outputs, tokenize
from sts.models.calibration import MAX_SCORE
from sts.models.info import ScorerInfo
from sts.models.scorer import Scored, check_pairs, write_scorer
from sts.text import TextPipeline

if TYPE_CHECKING:
    import numpy as np
    from sentence_transformers import CrossEncoder


class CrossScorer:
    """A cross-encoder.

    Args:
        network: one logit a pair; the score is 5 times its sigmoid.
        info: what `sts.json` says of it.
        precision: `fp32` or `bf16`. With bf16 a score may differ by some hundredths with the batch
            it was computed in.
    """

    def __init__(self, network: "CrossEncoder", info: ScorerInfo, *, precision: str) -> None:
        self.network = network
        self.info = info
        self.precision = precision
        self._pipeline = TextPipeline.from_dict(info.text_pipeline, "text_pipeline")

    @cached_property
    def fingerprint(self) -> str:
        """What tells this model from any other; see `sts.models.fingerprint`."""
        from sts.models.fingerprint import fingerprint

        return fingerprint(self.network, self.info)

    def score(
        self, sentence1: Sequence[str], sentence2: Sequence[str], *, batch_size: int = 64, progress: bool = False
    ) -> Scored:
        """Score n pairs, in the order given; computed in batches of similar length.

        Args:
            sentence1: n sentences.
            sentence2: n sentences.
            batch_size: pairs that go through the network together.
            progress: show a progress bar on standard error.

        Raises:
            UsageError: the two lists differ in length, or `batch_size` is below 1.
        """
        check_pairs(sentence1, sentence2)
        import numpy as np

        prepared1, prepared2 = self._pipeline.apply(sentence1), self._pipeline.apply(sentence2)
        left_as_is = np.array(prepared1.left_as_is, dtype=bool) | np.array(prepared2.left_as_is, dtype=bool)
        first, second = prepared1.sentences, prepared2.sentences
        if self.info.orders == "one":
            return Scored(*self._score_as_they_come(first, second, batch_size, progress), left_as_is)
        scores, truncated = self._score_as_they_come(first + second, second + first, batch_size, progress)
        half = len(first)
        return Scored((scores[:half] + scores[half:]) / 2, truncated[:half] | truncated[half:], left_as_is)

    def _score_as_they_come(
        self, first: list[str], second: list[str], batch_size: int, progress: bool
    ) -> tuple["np.ndarray", "np.ndarray"]:
        """Scores, and which pairs were cut, of prepared sentences in the order given."""
        import numpy as np
        from scipy.special import expit

        tokens, truncated = tokenize(self.network.tokenizer, [first, second], self.info.max_length)
        scores = np.zeros(len(first), dtype=np.float32)
        for rows, logits in outputs(
            self.network,
            tokens,
            lambda features: features["scores"].view(-1),
            batch_size=batch_size,
            precision=self.precision,
            progress=progress,
            unit="pair",
            desc="scoring",
        ):
            scores[rows] = expit(logits) * MAX_SCORE
        return scores, truncated

    def save(self, folder: Path) -> None:
        """Write the scorer into an existing folder."""
        write_scorer(folder, self.network, self.info)
