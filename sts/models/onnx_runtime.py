"""Scorers computed with ONNX Runtime: what `sts.export` writes. Torch and transformers are not imported."""

import os
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sts.errors import ScorerError, reason
from sts.models.batches import Tokens, tokenize
from sts.models.coverage import split_long_words, unknown_id
from sts.models.runtime import ONNX_FILE, TOKENIZER_FILE

if TYPE_CHECKING:
    import numpy as np

    from sts.models.runtime import Offsets

# the outputs of an exported model: logits (n,) or vectors (n, d), and token states for alignment
OUTPUT, STATES = "output", "states"
INPUTS = ("input_ids", "attention_mask", "token_type_ids")


# rows that a processor computes at once: what is between two layers then stays in its cache, and int8 albert-kor is 1.4
# times as fast as with 64 (2 cores of an AMD EPYC)
ROWS_AT_ONCE = 16


class OnnxRuntime:
    """An ONNX model and its tokenizer; see `sts.models.runtime.Runtime`.

    Args:
        folder: holds `model.onnx` and `tokenizer.json`.
        precision: what it was exported in, `fp32` or `int8`.
        threads: threads that compute; None means one a core.

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
        self._session = _session(folder, threads)
        self._on_gpu = "CUDAExecutionProvider" in self._session.get_providers()
        self._inputs = [entry.name for entry in self._session.get_inputs()]
        outputs = {entry.name: entry.shape for entry in self._session.get_outputs()}
        if not set(self._inputs) <= set(INPUTS) or set(outputs) != {OUTPUT, STATES}:
            raise ScorerError(f"{folder / ONNX_FILE}: was not written by this version of sts; export the scorer again")
        self.dimension: int | None = outputs[OUTPUT][1] if len(outputs[OUTPUT]) == 2 else None
        # two, for one that cuts in one thread may not be used in another meanwhile
        self._tokenizer, self._cutting = _tokenizer(folder), _tokenizer(folder)
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
        if cut is None:
            return list(self._tokenizer.encode_batch(rows))
        self._cutting.enable_truncation(cut)
        return list(self._cutting.encode_batch(rows))

    def _tokens(self, encoded: list[Any]) -> Tokens:
        found = {"input_ids": [row.ids for row in encoded], "attention_mask": [row.attention_mask for row in encoded]}
        if "token_type_ids" in self._inputs:
            found["token_type_ids"] = [row.type_ids for row in encoded]
        return found

    def run(self, tokens: Tokens) -> "np.ndarray":
        """See `Runtime`."""
        import numpy as np

        if self._on_gpu:
            return np.asarray(self._session.run([OUTPUT], self._padded(tokens))[0])
        parts = [
            {name: column[start : start + ROWS_AT_ONCE] for name, column in tokens.items()}
            for start in range(0, len(tokens["input_ids"]), ROWS_AT_ONCE)
        ]
        return np.concatenate([self._session.run([OUTPUT], self._padded(part))[0] for part in parts])

    def states(self, tokens: Tokens) -> "np.ndarray":
        """See `Runtime`."""
        values: np.ndarray = self._session.run([STATES], self._padded(tokens))[0]
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

        with (self.folder / ONNX_FILE).open("rb") as file:
            return hashlib.file_digest(file, "sha256").digest()

    def digest(self) -> bytes:
        """SHA-256 of the model's file."""
        return self._digest

    def save(self, folder: Path) -> None:
        """Copy the model, its tokenizer and configuration."""
        import shutil

        for name in (ONNX_FILE, TOKENIZER_FILE, "config.json"):
            shutil.copyfile(self.folder / name, folder / name)


def _session(folder: Path, threads: int | None) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3  # errors, which are raised
    if threads is not None:
        options.intra_op_num_threads = threads
    # a model that names other files for its weights finds none, wherever the process stands
    options.add_session_config_entry("session.model_external_initializers_file_folder_path", os.devnull)
    if not fast_int8():
        # without VNNI the products of 8-bit numbers overflow 16 bits, unless the weights are made unsigned first
        options.add_session_config_entry("session.x64quantprecision", "1")
    available = onnxruntime.get_available_providers()
    providers = [name for name in ("CUDAExecutionProvider", "CPUExecutionProvider") if name in available]
    try:
        return onnxruntime.InferenceSession((folder / ONNX_FILE).read_bytes(), options, providers=providers)
    except Exception as error:  # its errors have no common class but this
        raise ScorerError(
            f"{folder / ONNX_FILE}: can't be read ({reason(error)}); export or copy the scorer again"
        ) from error


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


def fast_int8() -> bool:
    """Whether this processor multiplies 8-bit numbers in hardware without overflow (VNNI, AMX, or any ARM)."""
    import platform

    if platform.machine().lower() not in ("x86_64", "amd64", "i686"):
        return True
    try:
        flags = Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace").partition("flags")[2]
    except OSError:  # another system than Linux: the slower, exact way
        return False
    return not {"avx512_vnni", "avx_vnni", "amx_int8"}.isdisjoint(flags.partition("\n")[0].split())
