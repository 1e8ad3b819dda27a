"""How many workers a machine carries: by its cores and its memory, those of its control group if there is one.

One worker for two cores. A worker's batches grow with the requests that it alone sees, and each has its own copy of
the models, so a few workers with several threads beat many with one; see the README for the figures.
"""

import contextlib
import ctypes
from collections.abc import Iterable
from pathlib import Path

from sts.errors import StsError
from sts.models.info import read_info
from sts.models.runtime import ONNX_FILE, Backend, choose_backend, shared_options

# what a worker takes without its models: Python, torch, transformers; or Python and ONNX Runtime
BASE_BYTES = 700_000_000
ONNX_BASE_BYTES = 250_000_000
# of the memory, what workers may take; the rest is the system's, the page cache's, an index's
SHARE = 0.8
CORES_PER_WORKER = 2
# glibc's number of the option, and its value
M_ARENA_MAX, ARENAS = -8, 2


def worker_bytes(folders: Iterable[Path], index: Path | None = None, backend: Backend = "auto") -> int:
    """Bytes of memory that a worker with these scorers and this index takes.

    Each twice, for a new one is loaded beside the old. An index is its snapshot, or made of the vectors. A scorer that
    was exported is computed without torch, and is in memory twice: for a batch alone, and for batches side by side.
    """
    folders = list(folders)
    try:
        chosen = {
            folder: choose_backend(folder, read_info(folder), each)
            for folder, (_, each) in shared_options(folders, "auto", backend).items()
        }
    except StsError:  # a folder that can't be read yet; loading it says so
        chosen = dict.fromkeys(folders, "torch")
    files = [
        path
        for folder, each in chosen.items()
        for path in ([folder / ONNX_FILE] * 2 if each == "onnx" else folder.rglob("*.safetensors"))
    ]
    base = ONNX_BASE_BYTES if chosen and set(chosen.values()) == {"onnx"} else BASE_BYTES
    if index is not None:
        files += list(index.glob("*.faiss")) or list(index.glob("*.f32"))
    return base + 2 * sum(path.stat().st_size for path in files)


def limit_arenas() -> None:
    """Let this process's threads share memory that they have freed, where the C library is glibc.

    Each of hundreds of threads would keep an arena of its own; with two, memory levels off, at no cost in speed.
    """
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).mallopt(M_ARENA_MAX, ARENAS)


def choose_workers(cores: int, memory: int, worker: int) -> int:
    """Workers for so many cores and bytes of memory, one of which takes `worker` bytes: 1 or more."""
    return max(1, min(cores // CORES_PER_WORKER, int(memory * SHARE) // worker))
