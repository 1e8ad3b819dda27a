"""What the two modes do differently; everything else of a training is the same."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from sts.encoders import Encoder
from sts.errors import UsageError
from sts.models import BiScorer, CrossScorer, ScorerInfo
from sts.models.info import Mode
from sts.models.network import new_bi_network, new_cross_network
from sts.models.torch_runtime import TorchRuntime
from sts.train.settings import TrainSettings

if TYPE_CHECKING:
    import numpy as np
    from datasets import Dataset

    from sts.models.network import Network


def new_network(mode: Mode, encoder: Encoder, settings: TrainSettings) -> "Network":
    """The network that a training begins with.

    Raises:
        UsageError: settings that the encoder can't honour.
    """
    if mode == "cross":
        return new_cross_network(encoder.folder, head=settings.head, max_length=settings.max_length)
    network = new_bi_network(
        encoder.folder, pooling=settings.pooling, prompt=encoder.prompt, max_length=settings.max_length
    )
    whole = network.get_embedding_dimension() or 0
    for size in settings.matryoshka_dims or []:
        if size > whole:
            raise UsageError(f"--matryoshka-dims has {size}; this encoder's vectors have {whole} dimensions")
    return network


def dimensions(network: Any, settings: TrainSettings) -> list[int]:
    """Numbers of dimensions that a bi-encoder's vectors may be cut to, the whole vector first."""
    return sorted({network.get_embedding_dimension(), *(settings.matryoshka_dims or [])}, reverse=True)


def tokenized(mode: Mode, network: Any, prompt: str, pairs: "Dataset") -> tuple[set[int], list[int]]:
    """Which token ids occur in pairs, and how many tokens each pair (its longer sentence, in mode bi) has."""
    columns: list[list[str]] = [pairs["sentence1"][:], pairs["sentence2"][:]]
    tokenizer = network.tokenizer
    if mode == "cross":
        ids: list[list[int]] = tokenizer(*columns, verbose=False)["input_ids"]
        return {number for row in ids for number in row}, [len(row) for row in ids]
    first, second = (
        tokenizer([prompt + sentence for sentence in column], verbose=False)["input_ids"] for column in columns
    )
    used = {number for rows in (first, second) for row in rows for number in row}
    return used, [max(len(a), len(b)) for a, b in zip(first, second, strict=True)]


def scorer_of(
    network: Any,
    info: ScorerInfo,
    sentence1: Sequence[str],
    sentence2: Sequence[str],
    label: "np.ndarray",
    *,
    precision: str,
    settings: TrainSettings,
) -> CrossScorer | BiScorer:
    """The network as a scorer; a bi-encoder's calibration is fitted to these validation pairs."""
    if info.mode == "cross":
        return CrossScorer(TorchRuntime(network, precision), info)
    return BiScorer.fitted(
        TorchRuntime(network, precision), info, sentence1, sentence2, label, dimensions=dimensions(network, settings)
    )
