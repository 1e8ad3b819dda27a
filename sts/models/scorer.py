"""Scoring pairs of sentences with a saved model."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from sts.errors import UsageError
from sts.models.info import Orders, ScorerInfo, read_info, write_info
from sts.models.precision import Precision, choose_precision, computing
from sts.quiet import quiet_libraries
from sts.text import TextPipeline

if TYPE_CHECKING:
    import numpy as np
    from sentence_transformers import CrossEncoder

MAX_SCORE = 5.0


@dataclass(frozen=True)
class Scored:
    """Scores of n pairs.

    Attributes:
        scores: float32 (n,), 0 to 5.
        truncated: bool (n,), true where a pair was longer than the model and was cut.
        left_as_is: bool (n,), true where the text pipeline would have left nothing of a sentence, which
            therefore stayed as it was.
    """

    scores: "np.ndarray"
    truncated: "np.ndarray"
    left_as_is: "np.ndarray"


class Scorer(Protocol):
    """Whatever scores pairs of sentences from 0 to 5."""

    info: ScorerInfo

    def score(
        self, sentence1: Sequence[str], sentence2: Sequence[str], *, batch_size: int = 64, progress: bool = False
    ) -> Scored:
        """Score pairs in the order given."""
        ...


def load_scorer(folder: Path, *, precision: Precision = "auto", orders: Orders | None = None) -> "CrossScorer":
    """Load a scorer folder.

    Args:
        folder: what a training wrote.
        precision: `auto`, `fp32` or `bf16`.
        orders: `both` or `one`, instead of what the scorer was trained for; see `ScorerInfo`.

    Raises:
        ScorerError: the folder is missing, damaged, or of another format version.
        UsageError: an unknown precision.
    """
    from sts.models.network import read_network

    chosen = choose_precision(precision)
    info = read_info(folder)
    if orders is not None:
        info = replace(info, orders=orders)
    _warn_of_other_versions(folder, info)
    return CrossScorer(read_network(folder, info), info, precision=chosen)


def _warn_of_other_versions(folder: Path, info: ScorerInfo) -> None:
    """Say so where another version of an analyser prepares sentences than did in training."""
    for package, here in TextPipeline.from_dict(info.text_pipeline, str(folder)).versions().items():
        trained_with = info.versions.get(package)
        if trained_with != here:
            warnings.warn(
                f"{folder}: trained with {package} {trained_with}, this is {here}; its text pipeline may prepare "
                f"sentences otherwise: pip install {package}=={trained_with}",
                stacklevel=3,
            )


class CrossScorer:
    """A cross-encoder: both sentences go through the network together.

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
        if len(sentence1) != len(sentence2):
            raise UsageError(f"{len(sentence1)} first and {len(sentence2)} second sentences; give as many of each")
        if batch_size < 1:
            raise UsageError(f"--batch-size is {batch_size}; it must be 1 or more")
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
        import torch
        from tqdm import tqdm

        tokens, truncated = self._tokenize(first, second)
        order = np.argsort([-len(ids) for ids in tokens["input_ids"]], kind="stable")
        scores = np.zeros(len(order), dtype=np.float32)
        device = self.network.device
        self.network.eval()
        with (
            torch.inference_mode(),
            tqdm(
                total=len(order),
                unit="pair",
                desc="scoring",
                disable=None if progress else True,  # None: no bar into a log file
            ) as bar,
        ):
            for start in range(0, len(order), batch_size):
                rows = order[start : start + batch_size]
                batch = self.network.tokenizer.pad(
                    {name: [column[row] for row in rows] for name, column in tokens.items()}, return_tensors="pt"
                )
                with computing(self.precision, device):
                    logits = self.network({name: tensor.to(device) for name, tensor in batch.items()})["scores"]
                scores[rows] = (torch.sigmoid(logits.float().view(-1)) * MAX_SCORE).cpu().numpy()
                bar.update(len(rows))
        return scores, truncated

    def _tokenize(self, sentence1: list[str], sentence2: list[str]) -> tuple[dict[str, list[list[int]]], "np.ndarray"]:
        """Token ids of each pair, cut at the model's length, and which pairs were cut."""
        import numpy as np

        if not sentence1:
            return {"input_ids": []}, np.zeros(0, dtype=bool)
        tokenizer, limit = self.network.tokenizer, self.info.max_length
        whole = tokenizer(sentence1, sentence2, verbose=False)
        truncated = np.array([len(ids) > limit for ids in whole["input_ids"]])
        rows = np.flatnonzero(truncated)
        if len(rows):
            cut = tokenizer(
                [sentence1[row] for row in rows], [sentence2[row] for row in rows], truncation=True, max_length=limit
            )
            for name, column in cut.items():
                for row, ids in zip(rows, column, strict=True):
                    whole[name][row] = ids
        return dict(whole), truncated

    def save(self, folder: Path) -> None:
        """Write the scorer into an existing folder: safetensors, tokenizer, configuration, `sts.json`."""
        with quiet_libraries():
            self.network.save_pretrained(str(folder), create_model_card=False)
        for weights in folder.rglob("*.safetensors"):
            weights.chmod(0o644)  # as the other files; they are written readable by their owner alone
        write_info(folder, self.info)
