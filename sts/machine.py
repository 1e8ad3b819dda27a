"""Which cores and how much memory this process may use: those of its control group, if there is one."""

import os
from pathlib import Path

CGROUP = Path("/sys/fs/cgroup")


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
