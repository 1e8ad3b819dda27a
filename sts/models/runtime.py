"""What a scorer computes with, torch or ONNX Runtime, and which of the two a folder is loaded with."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol

from sts.errors import ScorerError, UsageError
from sts.models.batches import Lanes, Tokens
from sts.models.info import ScorerInfo, read_info
from sts.models.precision import ScoringPrecision

if TYPE_CHECKING:
    import numpy as np

Backend = Literal["auto", "torch", "onnx"]
TORCH_FILE = "model.safetensors"
ONNX_FILE = "model.onnx"
TOKENIZER_FILE = "tokenizer.json"
# for each of a text's tokens, its first character and the one after its last; (0, 0) for special tokens
Offsets = list[tuple[int, int]]


class Runtime(Protocol):
    """A tokenizer and a network.

    Attributes:
        backend: `torch` or `onnx`.
        precision: what its matrix products are computed in: `fp32`, `bf16` or `int8`.
        unknown_id: the id of the piece that stands for whatever the vocabulary has no pieces for; None where it has
            pieces for all.
        lanes: how many batches it computes best at the same time, and how large.
    """

    backend: str
    precision: str
    unknown_id: int | None
    lanes: Lanes

    def tokenize(self, columns: list[list[str]], limit: int) -> tuple[Tokens, "np.ndarray"]:
        """Token ids of n texts or pairs of texts, cut at `limit` tokens, and how many (n,) there were before."""
        ...

    def offsets(self, sentences: list[str], limit: int | None) -> tuple[Tokens, list[Offsets]]:
        """Token ids of n sentences, cut at `limit` tokens or whole, and where each token stands in its sentence."""
        ...

    def run(self, tokens: Tokens, *, alone: bool = True) -> "np.ndarray":
        """Logits (n,) or vectors (n, dimension), float32, of n rows of tokens, computed together.

        Args:
            tokens: the rows.
            alone: whether nothing else is computed meanwhile: it then takes all threads that it may, and one beside
                other batches, where the backend has a choice.
        """
        ...

    def states(self, tokens: Tokens, *, alone: bool = True) -> "np.ndarray":
        """States (n, longest, hidden), float32, of n rows' tokens, at the layer that alignment reads; see `run`."""
        ...

    def digest(self) -> bytes:
        """Changes with the weights."""
        ...

    def save(self, folder: Path) -> None:
        """Write everything but `sts.json` into an existing folder."""
        ...


def choose_backend(folder: Path, info: ScorerInfo, backend: Backend = "auto") -> Literal["torch", "onnx"]:
    """What to compute a scorer folder with.

    Args:
        folder: a scorer folder; an exported one holds an ONNX model, and the torch weights only if they were kept.
        info: its `sts.json`.
        backend: `auto` is torch on a machine with a GPU, else ONNX Runtime, of those that the folder has.

    Raises:
        UsageError: the folder does not have `backend`.
        ScorerError: it has neither.
    """
    if backend not in ("auto", "torch", "onnx"):
        raise UsageError(f"--backend is '{backend}'; allowed are auto, torch, onnx")
    has_onnx, has_torch = info.onnx is not None, (folder / TORCH_FILE).is_file()
    if backend == "onnx" and not has_onnx:
        raise UsageError(
            f"--backend onnx: {folder} was not exported; python -m sts.export --model {folder} --output FOLDER"
        )
    if backend == "torch" and not has_torch:
        raise UsageError(
            f"--backend torch: {folder} holds no {TORCH_FILE}; name the folder it was exported from, or export it "
            "with --keep-torch"
        )
    if not has_onnx:
        if not has_torch:
            raise ScorerError(f"{folder}: holds no {TORCH_FILE}; the scorer is incomplete, train or copy it again")
        return "torch"
    if backend == "auto" and has_torch:
        import torch

        return "torch" if torch.cuda.is_available() else "onnx"
    return "torch" if backend == "torch" else "onnx"


def check_onnx_precision(folder: Path, info: ScorerInfo, precision: ScoringPrecision) -> str:
    """The precision of a folder's ONNX model, which was decided when it was exported.

    Raises:
        UsageError: another one is asked for.
    """
    stored = str((info.onnx or {})["precision"])
    if precision not in ("auto", stored):
        raise UsageError(
            f"--precision {precision}: {folder} was exported in {stored}; leave the option out, or "
            + ("add --backend torch" if (folder / TORCH_FILE).is_file() else "name the folder it was exported from")
        )
    return stored


def check_weights(folder: Path, info: ScorerInfo, *, precision: ScoringPrecision, backend: Backend) -> None:
    """See whether a scorer's weights are there and its options can be honoured, without loading it.

    Raises:
        ScorerError: the weights are missing, or safetensors that are cut short.
        UsageError: the folder does not have this precision or backend.
    """
    if choose_backend(folder, info, backend) == "onnx":
        check_onnx_precision(folder, info, precision)
        for name in (ONNX_FILE, TOKENIZER_FILE):
            if not (folder / name).is_file():
                raise ScorerError(f"{folder}: holds no {name}; the scorer is incomplete, export or copy it again")
        return
    from safetensors import SafetensorError, safe_open

    path = folder / TORCH_FILE
    try:
        with safe_open(path, framework="np"):
            pass
    except (SafetensorError, OSError) as error:
        raise ScorerError(f"{path}: the weights can't be read ({error}); train or copy the scorer again") from error


def shared_options(
    folders: Iterable[Path], precision: ScoringPrecision, backend: Backend
) -> dict[Path, tuple[ScoringPrecision, Backend]]:
    """Options that are given once for several scorers, as each can honour them.

    What only some of them have is `auto` for the others; what none has stays, so that loading them says so.

    Args:
        folders: scorer folders.
        precision: for all of them.
        backend: for all of them.

    Raises:
        ScorerError: a folder is no scorer, or damaged.
    """
    given = (precision, backend)
    if given == ("auto", "auto"):
        return dict.fromkeys(folders, given)
    honoured = {folder: _honoured(folder, precision, backend) for folder in folders}
    return honoured if given in honoured.values() else dict.fromkeys(honoured, given)


def _honoured(folder: Path, precision: ScoringPrecision, backend: Backend) -> tuple[ScoringPrecision, Backend]:
    info = read_info(folder)
    there = {"auto": True, "torch": (folder / TORCH_FILE).is_file(), "onnx": info.onnx is not None}
    backend = backend if there[backend] else "auto"
    exported = str((info.onnx or {})["precision"]) if choose_backend(folder, info, backend) == "onnx" else None
    allowed = ("auto", "fp32", "bf16") if exported is None else ("auto", exported)
    return (precision if precision in allowed else "auto"), backend
