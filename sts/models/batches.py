"""Texts through a network, in batches of similar length."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from sts.errors import UsageError

if TYPE_CHECKING:
    import numpy as np

Tokens = dict[str, list[list[int]]]


@dataclass(frozen=True)
class Lanes:
    """How a network computes fastest.

    Attributes:
        count: batches that are computed at the same time.
        tokens: tokens of a batch, padding included, beyond which it gets no faster; None where more is better.
    """

    count: int = 1
    tokens: int | None = None

    def rows(self, longest: int, most: int) -> int:
        """Rows of a batch whose longest has so many tokens: at least 1, and at most `most`."""
        return most if self.tokens is None else max(1, min(most, self.tokens // max(1, longest)))


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
        coverage: what of it the vocabulary does not know: claims for pairs, coverages by place for sentences.
    """

    tokens: Tokens
    lengths: "np.ndarray"
    truncated: "np.ndarray"
    left_as_is: "np.ndarray"
    coverage: Any


def tokenize(
    encode: "Callable[[list[list[str]], int | None], Tokens]", columns: Sequence[list[str]], limit: int
) -> tuple[Tokens, "np.ndarray"]:
    """Token ids of n texts or pairs of texts, cut at `limit` tokens, and how many tokens (n,) there were before.

    Args:
        encode: makes token ids of columns of texts, cut at a number of tokens, or whole.
        columns: one list of n texts, or two whose texts go together.
        limit: tokens at most, special tokens included.
    """
    import numpy as np

    if not columns[0]:
        return {"input_ids": []}, np.zeros(0, dtype=int)
    whole = encode(list(columns), None)
    lengths = np.array([len(ids) for ids in whole["input_ids"]])
    rows = np.flatnonzero(lengths > limit)
    if len(rows):
        cut = encode([[column[row] for row in rows] for column in columns], limit)
        for name, column in cut.items():
            for row, ids in zip(rows, column, strict=True):
                whole[name][row] = ids
    return whole, lengths


def with_id(tokens: Tokens, number: int | None, count: int) -> list[int]:
    """The places, of the first `count` rows of tokens, of those that hold an id."""
    if number is None:
        return []
    return [place for place, ids in enumerate(tokens["input_ids"][:count]) if number in ids]


class Compute(Protocol):
    """A network, and what is made of its output."""

    def __call__(self, tokens: Tokens, *, alone: bool) -> "np.ndarray":
        """Outputs (k, …), float32, of k rows of tokens; `alone` where no other batch is computed meanwhile."""
        ...


def outputs(
    compute: Compute,
    tokens: Tokens,
    lanes: Lanes,
    *,
    batch_size: int,
    progress: bool,
    unit: str,
    desc: str,
) -> Iterator[tuple["np.ndarray", "np.ndarray"]]:
    """Run a network over tokenised texts, the longest first.

    Args:
        compute: gives the outputs (k, …) of k rows of tokens.
        tokens: what `tokenize` gave.
        lanes: how many batches are computed at the same time, and how large they are at most.
        batch_size: texts that go through the network together, at most.
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
    from tqdm import tqdm

    lengths = [len(ids) for ids in tokens["input_ids"]]
    order = np.argsort([-length for length in lengths], kind="stable")
    batches = []
    start = 0
    while start < len(order):
        size = lanes.rows(lengths[order[start]], batch_size)
        batches.append(order[start : start + size])
        start += size

    def run(rows: "np.ndarray") -> "np.ndarray":
        batch = {name: [column[row] for row in rows] for name, column in tokens.items()}
        return compute(batch, alone=lanes.count == 1 or len(batches) == 1)

    # disable=None: no bar into a log file
    with tqdm(total=len(order), unit=unit, desc=desc, disable=None if progress else True) as bar:
        for rows, found in _side_by_side(run, batches, lanes.count):
            yield rows, found
            bar.update(len(rows))


def _side_by_side(
    run: "Callable[[np.ndarray], np.ndarray]", batches: Sequence["np.ndarray"], lanes: int
) -> Iterator[tuple["np.ndarray", "np.ndarray"]]:
    """Batches and their outputs, in order, some of them computed at the same time."""
    if lanes == 1 or len(batches) < 2:
        for rows in batches:
            yield rows, run(rows)
        return
    from concurrent.futures import Future, ThreadPoolExecutor

    waiting: deque[tuple[np.ndarray, Future[np.ndarray]]] = deque()
    pool = ThreadPoolExecutor(lanes, thread_name_prefix="sts-compute")
    try:
        for rows in batches:
            waiting.append((rows, pool.submit(run, rows)))
            if len(waiting) > 2 * lanes:
                done, future = waiting.popleft()
                yield done, future.result()
        for done, future in waiting:
            yield done, future.result()
    finally:  # what has not begun is not wanted after an error or Ctrl-C
        pool.shutdown(cancel_futures=True)
