"""Numeric precision: which one a machine is fast in."""

from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Literal

from sts.errors import UsageError

if TYPE_CHECKING:
    import torch

# what torch computes in, and besides, what an exported scorer may have been exported in
Precision = Literal["auto", "fp32", "bf16"]
ScoringPrecision = Literal["auto", "fp32", "bf16", "int8"]


def choose_precision(precision: ScoringPrecision) -> Literal["fp32", "bf16"]:
    """The precision that torch computes in.

    Args:
        precision: `auto` is bf16 where the processor multiplies bf16 matrices in hardware, else fp32.

    Raises:
        UsageError: a precision that is not known, or that only exported scorers have.
    """
    if precision == "int8":
        raise UsageError("--precision int8: only a scorer exported in int8 computes in it; see python -m sts.export")
    if precision not in ("auto", "fp32", "bf16"):
        raise UsageError(f"--precision is '{precision}'; allowed are auto, fp32, bf16")
    if precision == "auto":
        return "bf16" if _fast_bf16() else "fp32"
    return precision


def _fast_bf16() -> bool:
    import torch

    if torch.cuda.is_available():
        return torch.cuda.get_device_capability()[0] >= 8
    features = torch.cpu.get_capabilities()
    return bool(features.get("avx512_bf16") or features.get("amx_bf16") or features.get("bf16"))


def computing(precision: str, device: "torch.device") -> AbstractContextManager[object]:
    """A context in which matrix products run in `precision` (`fp32` or `bf16`) on `device`."""
    import torch

    return torch.autocast(device.type, torch.bfloat16) if precision == "bf16" else nullcontext()
