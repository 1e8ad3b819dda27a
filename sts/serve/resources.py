"""How many workers a machine carries: by its cores and its memory, those of its control group if there is one.

One worker for two cores. A worker's batches grow with the requests that it alone sees, and each has its own copy of
the models, so a few workers with several threads beat many with one; see the README for the figures.
"""

import contextlib
import ctypes
import os
from collections.abc import Iterable
from pathlib import Path

from sts.errors import StsError
from sts.models.info import read_info
from sts.models.runtime import ONNX_FILE, Backend, choose_backend, shared_options

CGROUP = Path("/sys/fs/cgroup")
# what a worker takes without its models: Python, torch, transformers; or Python and ONNX Runtime
BASE_BYTES = 700_000_000
ONNX_BASE_BYTES = 250_000_000
# of the memory, what workers may take; the rest is the system's, the page cache's, an index's
SHARE = 0.8
CORES_PER_WORKER = 2
# glibc's number of the option, and its value
M_ARENA_MAX, ARENAS = -8, 2


def control_group() -> Path:
    """The folder of this process's control group (version 2), or the root's, where containers see their own limits."""
    try:
        name = Path("/proc/self/cgroup").read_text().partition("::")[2].splitlines()[0].lstrip("/")
    except (OSError, IndexError):
        return CGROUP
    return CGROUP / name if (CGROUP / name).is_dir() else CGROUP


def cores(root: Path | None = None) -> int:
    """Cores that this process may use."""
    available = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quota = _cpu_quota(root or control_group())
    return max(1, min(available, int(quota) if quota else available))


def memory_limit(root: Path | None = None) -> int:
    """Bytes of memory that this process may use."""
    physical = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    root = root or control_group()
    limits = [_number(root / name) for name in ("memory.max", "memory/memory.limit_in_bytes")]
    return min([physical, *(limit for limit in limits if limit)])


def worker_bytes(folders: Iterable[Path], index: Path | None = None, backend: Backend = "auto") -> int:
    """Bytes of memory that a worker with these scorers and this index takes.

    Each twice, for a new one is loaded beside the old. An index is its snapshot, or made of the vectors. A scorer that
    was exported is computed without torch.
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
        for path in ([folder / ONNX_FILE] if each == "onnx" else folder.rglob("*.safetensors"))
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


def _cpu_quota(root: Path) -> float | None:
    """Cores that a control group grants, of version 2 or 1; None where it grants all."""
    try:
        quota, period = (root / "cpu.max").read_text().split()
    except (OSError, ValueError):
        granted, each = _number(root / "cpu/cpu.cfs_quota_us"), _number(root / "cpu/cpu.cfs_period_us")
        return granted / each if granted and each else None
    return None if quota == "max" else int(quota) / int(period)


def _number(path: Path) -> int | None:
    """The positive number in a file; None where there is no file or it says no limit."""
    try:
        value = int(path.read_text())
    except (OSError, ValueError):
        return None
    return value if value > 0 else None
