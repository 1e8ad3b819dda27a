"""What a scorer folder is: size, precision, and how fast it can be expected to be."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sts.errors import ScorerError
from sts.models.info import INFO_FILE, ScorerInfo, read_info
from sts.models.onnx_sessions import fast_int8
from sts.models.precision import choose_precision
from sts.models.runtime import ONNX_FILE, TOKENIZER_FILE, choose_backend

# billions of multiplications a second in an encoder's matrices, as measured on two cores with AVX-512 VNNI and BF16
# by scripts/bench_score.py, and what is expected of cores without them
RATES = {"fp32": 110.0, "bf16": 260.0, "int8": 560.0, "int8 without VNNI": 220.0}
TOKENS = 40
# pairs (sentences, for a bi-encoder) a second on two cores from which a scorer is called so
CLASSES = ((150.0, "fast"), (30.0, "medium"), (0.0, "slow"))


@dataclass(frozen=True)
class Description:
    """What a scorer folder is.

    Attributes:
        info: its `sts.json`.
        backend: what it is computed with here, `torch` or `onnx`.
        precision: `fp32`, `bf16` or `int8`.
        bytes: of the files that scoring reads.
        pieces: of its vocabulary.
        rate: pairs, or sentences of a bi-encoder, of 40 tokens that two cores are expected to compute in a second; None
            where the configuration has other names for its sizes than BERT's.
        speed: what that is called, `fast`, `medium`, `slow` or `unknown`.
    """

    info: ScorerInfo
    backend: str
    precision: str
    bytes: int
    pieces: int
    rate: float | None
    speed: str


def describe_scorer(folder: Path) -> Description:
    """Read what a scorer folder is, without loading its network.

    Raises:
        ScorerError: the folder is no scorer, or damaged.
    """
    info = read_info(folder)
    backend = choose_backend(folder, info)
    precision = str((info.onnx or {})["precision"]) if backend == "onnx" else choose_precision("auto")
    config = _config(folder)
    multiplications = _multiplications(config)
    kind = precision if precision != "int8" or fast_int8() else "int8 without VNNI"
    orders = 2 if info.orders == "both" else 1
    rate = None if multiplications is None else RATES[kind] * 1e9 / (multiplications * TOKENS * orders)
    speed = "unknown" if rate is None else next(name for least, name in CLASSES if rate >= least)
    size, pieces = scorer_bytes(folder, backend), int(config.get("vocab_size", 0))
    return Description(info, backend, precision, size, pieces, rate, speed)


def scorer_bytes(folder: Path, backend: str) -> int:
    """Bytes of the files that scoring with `torch` or `onnx` reads: weights, the tokenizer, `sts.json`."""
    weights = [folder / ONNX_FILE] if backend == "onnx" else list(folder.rglob("*.safetensors"))
    files = (*weights, folder / TOKENIZER_FILE, folder / INFO_FILE)
    return sum(path.stat().st_size for path in files if path.is_file())


def _config(folder: Path) -> dict[str, Any]:
    try:
        values = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ScorerError(
            f"{folder / 'config.json'}: can't be read ({error}); train or copy the scorer again"
        ) from error
    return dict(values) if isinstance(values, dict) else {}


def _multiplications(config: dict[str, Any]) -> int | None:
    """Of the matrices in all layers, for a token: four of attention, two of the feed-forward network."""
    sizes = [config.get(name) for name in ("hidden_size", "intermediate_size", "num_hidden_layers")]
    if not all(isinstance(size, int) and size > 0 for size in sizes):
        return None
    width, inner, layers = (int(size or 0) for size in sizes)
    return layers * (4 * width * width + 2 * width * inner)
