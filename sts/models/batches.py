"""Texts through a network, in batches of similar length."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sts.errors import UsageError

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

Tokens = dict[str, list[list[int]]]


@dataclass(frozen=True)
class Tokenized:
    """n sentences or pairs, ready for a network.

    Attributes:
        tokens: their token ids and masks, a row for each time that one goes through the network: n rows, or for
            pairs in both orders 2 n, first all in the one order, then all in the other.
        lengths: int (n,), tokens before cutting; of the longer order of a pair.
        truncated: bool (n,), true where one was longer than the model and was cut.
        left_as_is: bool (n,), true where the text pipeline would have left nothing of a sentence, which
            therefore stayed as it was.
    """

    tokens: Tokens
    lengths: "np.ndarray"
    truncated: "np.ndarray"
    left_as_is: "np.ndarray"


def tokenize(tokenizer: Any, columns: Sequence[list[str]], limit: int) -> tuple[Tokens, "np.ndarray"]:
    """Token ids of n texts or pairs of texts, cut at `limit` tokens, and how many tokens (n,) there were before.

    Args:
        tokenizer: a transformers tokenizer.
        columns: one list of n texts, or two whose texts go together.
        limit: tokens at most, special tokens included.
    """
    import numpy as np

    if not columns[0]:
        return {"input_ids": []}, np.zeros(0, dtype=int)
    whole = tokenizer(*columns, verbose=False)
    lengths = np.array([len(ids) for ids in whole["input_ids"]])
    rows = np.flatnonzero(lengths > limit)
    if len(rows):
        cut = tokenizer(*([column[row] for row in rows] for column in columns), truncation=True, max_length=limit)
        for name, column in cut.items():
            for row, ids in zip(rows, column, strict=True):
                whole[name][row] = ids
    return dict(whole), lengths


def outputs(
    network: Any,
    tokens: Tokens,
    output: Callable[[dict[str, Any]], "Tensor"],
    *,
    batch_size: int,
    precision: str,
    progress: bool,
    unit: str,
    desc: str,
) -> Iterator[tuple["np.ndarray", "np.ndarray"]]:
    """Run a network over tokenised texts, the longest first.

    Args:
        network: a sentence-transformers model.
        tokens: what `tokenize` gave.
        output: picks the tensor (rows, …) that is wanted from what the network returns.
        batch_size: texts that go through the network together.
        precision: `fp32` or `bf16`.
        progress: show a progress bar on standard error.
        unit: what the bar counts.
        desc: what the bar says.

    Yields:
        Row numbers (k,) of a batch, and its outputs (k, …), float32.

    Raises:
        UsageError: `batch_size` is below 1.
    """
    if batch_size < 1:
        raise UsageError(f"--batch-size is {batch_size}; it must be 1 or more")
    import numpy as np
    import torch
    from tqdm import tqdm

    from sts.models.precision import computing

    order = np.argsort([-len(ids) for ids in tokens["input_ids"]], kind="stable")
    network.eval()
    # disable=None: no bar into a log file
    with tqdm(total=len(order), unit=unit, desc=desc, disable=None if progress else True) as bar:
        for start in range(0, len(order), batch_size):
            rows = order[start : start + batch_size]
            batch = network.tokenizer.pad(
                {name: [column[row] for row in rows] for name, column in tokens.items()}, return_tensors="pt"
            )
            with torch.inference_mode(), computing(precision, network.device):
                found = output(network({name: tensor.to(network.device) for name, tensor in batch.items()}))
            yield rows, found.float().cpu().numpy()
            bar.update(len(rows))
