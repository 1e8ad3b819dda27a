"""Scorers computed with ONNX Runtime: what `sts.export` writes. Torch and transformers are not imported."""

import threading
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sts.errors import ScorerError
from sts.models.batches import Tokens, tokenize
from sts.models.coverage import split_long_words, unknown_id
from sts.models.onnx_sessions import OnnxSessions
from sts.models.runtime import ONNX_FILE, TOKENIZER_FILE

if TYPE_CHECKING:
    import numpy as np

    from sts.models.runtime import Offsets

# the outputs of an exported model: logits (n,) or vectors (n, d), and token states for alignment
OUTPUT, STATES = "output", "states"
INPUTS = ("input_ids", "attention_mask", "token_type_ids")
# fewer texts are tokenised in the thread that asks: to wake others takes longer than the work
FEW = 8


class OnnxRuntime:
    """An ONNX model and its tokenizer; see `sts.models.runtime.Runtime`.

    Args:
        folder: holds `model.onnx` and `tokenizer.json`.
        precision: what it was exported in, `fp32` or `int8`.
        threads: threads that compute; None means one for each core that this process may use.

    Raises:
        ScorerError: a file is missing or damaged.
    """

    backend = "onnx"

    def __init__(self, folder: Path, precision: str, *, threads: int | None = None) -> None:
        self.folder = folder
        self.precision = precision
        for name in (ONNX_FILE, TOKENIZER_FILE):
            if not (folder / name).is_file():
                raise ScorerError(f"{folder}: holds no {name}; the scorer is incomplete, export or copy it again")
        self._sessions = OnnxSessions(folder / ONNX_FILE, threads)
        self.lanes = self._sessions.lanes
        self._inputs = [entry.name for entry in self._sessions.inputs]
        outputs = {entry.name: entry.shape for entry in self._sessions.outputs}
        if not set(self._inputs) <= set(INPUTS) or set(outputs) != {OUTPUT, STATES}:
            raise ScorerError(f"{folder / ONNX_FILE}: was not written by this version of sts; export the scorer again")
        self.dimension: int | None = outputs[OUTPUT][1] if len(outputs[OUTPUT]) == 2 else None
        # two, for one that cuts in one thread may not be used in another meanwhile
        self._tokenizer, self._cutting = _tokenizer(folder), _tokenizer(folder)
        self._cutting_lock = threading.Lock()
        self._padding = self._tokenizer.padding or {"pad_id": 0}
        self.unknown_id = unknown_id(self._tokenizer)
        self._tokenizer.no_padding()
        self._cutting.no_padding()

    def tokenize(self, columns: list[list[str]], limit: int) -> tuple[Tokens, "np.ndarray"]:
        """See `Runtime`."""

        def encode(texts: list[list[str]], cut: int | None) -> Tokens:
            rows = texts[0] if len(texts) == 1 else list(zip(*texts, strict=True))
            return self._tokens(self._encoded(rows, cut))

        return tokenize(encode, columns, limit)

    def offsets(self, sentences: list[str], limit: int | None) -> tuple[Tokens, "list[Offsets]"]:
        """See `Runtime`."""
        encoded = self._encoded(sentences, limit)
        offsets = [
            [(0, 0) if mark else place for place, mark in zip(row.offsets, row.special_tokens_mask, strict=True)]
            for row in encoded
        ]
        return self._tokens(encoded), offsets

    def _encoded(self, rows: list[Any], cut: int | None) -> list[Any]:
        if cut is not None:
            with self._cutting_lock:
                self._cutting.enable_truncation(cut)
                return list(self._cutting.encode_batch(rows))
        if len(rows) < FEW:
            return [self._tokenizer.encode(*((row,) if isinstance(row, str) else row)) for row in rows]
        return list(self._tokenizer.encode_batch(rows))

    def _tokens(self, encoded: list[Any]) -> Tokens:
        found = {"input_ids": [row.ids for row in encoded], "attention_mask": [row.attention_mask for row in encoded]}
        if "token_type_ids" in self._inputs:
            found["token_type_ids"] = [row.type_ids for row in encoded]
        return found

    def run(self, tokens: Tokens, *, alone: bool = True) -> "np.ndarray":
        """See `Runtime`."""
        values: np.ndarray = self._sessions.get(alone=alone).run([OUTPUT], self._padded(tokens))[0]
        return values

    def states(self, tokens: Tokens, *, alone: bool = True) -> "np.ndarray":
        """See `Runtime`."""
        values: np.ndarray = self._sessions.get(alone=alone).run([STATES], self._padded(tokens))[0]
        return values

    def _padded(self, tokens: Tokens) -> dict[str, "np.ndarray"]:
        import numpy as np

        longest = max(len(row) for row in tokens["input_ids"])
        batch = {}
        for name in self._inputs:
            fill = self._padding["pad_id"] if name == "input_ids" else 0
            batch[name] = np.full((len(tokens[name]), longest), fill, dtype=np.int64)
            for row, values in zip(batch[name], tokens[name], strict=True):
                row[: len(values)] = values
        return batch

    @cached_property
    def _digest(self) -> bytes:
        import hashlib

        return hashlib.sha256(self._sessions.read()).digest()

    def digest(self) -> bytes:
        """SHA-256 of the model's file."""
        return self._digest

    def save(self, folder: Path) -> None:
        """Copy the model, its tokenizer and configuration."""
        import shutil

        for name in (ONNX_FILE, TOKENIZER_FILE, "config.json"):
            shutil.copyfile(self.folder / name, folder / name)


def _tokenizer(folder: Path) -> Any:
    from tokenizers import Tokenizer

    try:
        tokenizer = Tokenizer.from_file(str(folder / TOKENIZER_FILE))
    except Exception as error:  # its errors have no class of their own
        raise ScorerError(
            f"{folder / TOKENIZER_FILE}: can't be read ({error}); export or copy the scorer again"
        ) from error
    split_long_words(tokenizer)
    return tokenizer
