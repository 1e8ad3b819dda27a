"""Loading a scorer from its folder."""

import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

from sts.errors import ScorerError, UsageError
from sts.models.bi import BiScorer
from sts.models.cross import CrossScorer
from sts.models.info import Orders, ScorerInfo, read_info
from sts.models.precision import ScoringPrecision, choose_precision
from sts.models.runtime import Backend, Runtime, check_onnx_precision, choose_backend
from sts.text import TextPipeline


def load_scorer(
    folder: Path,
    *,
    precision: ScoringPrecision = "auto",
    orders: Orders | None = None,
    dimension: int | None = None,
    backend: Backend = "auto",
    threads: int | None = None,
) -> CrossScorer | BiScorer:
    """Load a scorer folder.

    Args:
        folder: what a training or an export wrote.
        precision: `auto`, `fp32` or `bf16`, or of an exported one, what it was exported in.
        orders: `sorted`, `both` or `one`, instead of what a cross-encoder was trained for; see `ScorerInfo`.
        dimension: numbers of a bi-encoder's vectors that are kept; see `BiScorer`.
        backend: `torch`, `onnx`, or `auto`; see `choose_backend`.
        threads: threads that ONNX Runtime computes with; None leaves that to it. Torch's are set in torch.

    Raises:
        ScorerError: the folder is missing, damaged, or of another format version.
        UsageError: a precision or backend that the folder does not have, `orders` for a bi-encoder, or `dimension`
            for a cross-encoder.
    """
    info = read_info(folder)
    if info.mode == "bi" and orders is not None:
        raise UsageError(f"--orders {orders}: {folder} is a bi-encoder, which knows no order; leave the option out")
    if info.mode == "cross" and dimension is not None:
        raise UsageError(f"--dimension {dimension}: {folder} is a cross-encoder, which makes no vectors")
    _warn_of_other_versions(folder, info)
    if choose_backend(folder, info, backend) == "onnx":
        runtime, size = _onnx(folder, info, precision, threads)
    else:
        runtime, size = _torch(folder, info, precision)
    if info.mode == "cross":
        return CrossScorer(runtime, replace(info, orders=orders or info.orders))
    largest = max(map(int, info.calibration or {}))
    if size is None or largest > size:
        raise ScorerError(
            f"{folder}: its calibration is for {largest} dimensions; the network's vectors have {size}; the scorer "
            "is damaged, train or copy it again"
        )
    return BiScorer(runtime, info, dimension=dimension)


def _torch(folder: Path, info: ScorerInfo, precision: ScoringPrecision) -> tuple[Runtime, int | None]:
    """The runtime, and how many numbers a vector of a bi-encoder has."""
    from sts.models.network import read_network
    from sts.models.torch_runtime import TorchRuntime

    chosen = choose_precision(precision)
    network: Any = read_network(folder, info)
    return TorchRuntime(network, chosen), network.get_embedding_dimension() if info.mode == "bi" else None


def _onnx(
    folder: Path, info: ScorerInfo, precision: ScoringPrecision, threads: int | None
) -> tuple[Runtime, int | None]:
    """The runtime, and how many numbers a vector of a bi-encoder has."""
    from sts.models.onnx_runtime import OnnxRuntime

    runtime = OnnxRuntime(folder, check_onnx_precision(folder, info, precision), threads=threads)
    if (runtime.dimension is None) != (info.mode == "cross"):
        raise ScorerError(f"{folder}: its model.onnx is no {info.mode}-encoder's; export or copy the scorer again")
    return runtime, runtime.dimension


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
