"""What a scorer folder is: size, precision, and how fast it can be expected to be."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sts.errors import ScorerError
from sts.models.info import INFO_FILE, ScorerInfo, read_info
from sts.models.onnx_runtime import TOKENIZER_FILE, fast_int8
from sts.models.precision import choose_precision
from sts.models.runtime import choose_backend

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
        multiplications: in the matrices that each token meets.
        rate: pairs, or sentences of a bi-encoder, of 40 tokens that two cores are expected to compute in a second.
        speed: what that is called, `fast`, `medium` or `slow`.
    """

    info: ScorerInfo
    backend: str
    precision: str
    bytes: int
    pieces: int
    multiplications: int
    rate: float
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
    multiplications = _multiplications(folder, config)
    kind = precision if precision != "int8" or fast_int8() else "int8 without VNNI"
    orders = 2 if info.orders == "both" else 1
    rate = RATES[kind] * 1e9 / (multiplications * TOKENS * orders)
    speed = next(name for least, name in CLASSES if rate >= least)
    return Description(
        info, backend, precision, scorer_bytes(folder), int(config.get("vocab_size", 0)), multiplications, rate, speed
    )


def scorer_bytes(folder: Path) -> int:
    """Bytes of the files that scoring reads: the ONNX model, or else torch's weights; the tokenizer; `sts.json`."""
    weights = list(folder.rglob("*.onnx")) or list(folder.rglob("*.safetensors"))
    others = [folder / name for name in (TOKENIZER_FILE, INFO_FILE) if (folder / name).is_file()]
    return sum(path.stat().st_size for path in (*weights, *others))


def _config(folder: Path) -> dict[str, Any]:
    try:
        values = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ScorerError(
            f"{folder / 'config.json'}: can't be read ({error}); train or copy the scorer again"
        ) from error
    return dict(values) if isinstance(values, dict) else {}


def _multiplications(folder: Path, config: dict[str, Any]) -> int:
    """Of the matrices in all layers: four of attention, two of the feed-forward network."""
    try:
        width, inner, layers = (config[name] for name in ("hidden_size", "intermediate_size", "num_hidden_layers"))
        return int(layers * (4 * width * width + 2 * width * inner))
    except (KeyError, TypeError) as error:
        raise ScorerError(
            f"{folder / 'config.json'}: says no {error}, so that how fast the encoder is can't be told"
        ) from error
