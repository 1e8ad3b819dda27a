"""An ONNX model in memory: one session for a batch that is computed alone, one for batches side by side."""

import os
import threading
import weakref
from pathlib import Path
from typing import Any

from sts.errors import ScorerError, reason
from sts.machine import cores
from sts.models.batches import Lanes

# numbers between two layers of the network, tokens times their width: what then stays in a core's cache. 128 tokens of
# albert-kor and 256 of e5-small were the fastest or near it of 64 to 1,024, in int8 and fp32
NUMBERS = 98_304
GPU = "CUDAExecutionProvider"


class OnnxSessions:
    """The sessions of a model, each made when it is first needed.

    Threads of one session wait for each other after every layer, and spin meanwhile. Batches that have a thread each
    do not, and are the faster way through many rows (`scripts/bench_score.py` says by how much). A batch alone is
    faster with all.

    Args:
        path: the model's file. It stays open, so that both sessions are of the same file, also where another one has
            taken its place.
        threads: threads that compute; None means one for each core that this process may use.

    Attributes:
        lanes: as many batches at a time as there are threads; one of any size on a GPU.
        inputs: the model's inputs, with name and shape.
        outputs: its outputs.

    Raises:
        ScorerError: the file can't be read.
    """

    def __init__(self, path: Path, threads: int | None) -> None:
        self._path = path
        self._threads = threads or cores()
        try:
            self._file = path.open("rb")
        except OSError as error:
            raise self._refused(error) from error
        weakref.finalize(self, self._file.close)
        self._version = self._stat()
        self._lock = threading.RLock()
        self._sessions: dict[int, Any] = {}
        self.lanes = Lanes()
        first = self._session(self._threads)
        self._sessions[self._threads] = first
        self.inputs, self.outputs = first.get_inputs(), first.get_outputs()
        if GPU not in first.get_providers():
            widths = [size for each in self.outputs for size in each.shape[-1:] if isinstance(size, int) and size > 0]
            self.lanes = Lanes(self._threads, tokens=NUMBERS // max(widths, default=1_024))

    def get(self, *, alone: bool) -> Any:
        """A session that computes with all threads, or with that of the caller, beside others.

        Raises:
            ScorerError: the file has changed since the first session was made.
        """
        threads = self._threads if alone or self.lanes.count == 1 else 1
        with self._lock:
            if threads not in self._sessions:
                self._sessions[threads] = self._session(threads)
            return self._sessions[threads]

    def read(self) -> bytes:
        """The model's file.

        Raises:
            ScorerError: it has changed since the first session was made.
        """
        if self._stat() != self._version:
            raise ScorerError(f"{self._path}: was changed while it was in use; load the scorer again")
        with self._lock:
            self._file.seek(0)
            return self._file.read()

    def _stat(self) -> tuple[int, int]:
        found = os.fstat(self._file.fileno())
        return found.st_mtime_ns, found.st_size

    def _session(self, threads: int) -> Any:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3  # errors, which are raised
        options.intra_op_num_threads = threads
        # a model that names other files for its weights finds none, wherever the process stands
        options.add_session_config_entry("session.model_external_initializers_file_folder_path", os.devnull)
        if not fast_int8():
            # without VNNI the products of 8-bit numbers overflow 16 bits, unless the weights are made unsigned first
            options.add_session_config_entry("session.x64quantprecision", "1")
        available = onnxruntime.get_available_providers()
        providers = [name for name in (GPU, "CPUExecutionProvider") if name in available]
        model = self.read()
        try:
            return onnxruntime.InferenceSession(model, options, providers=providers)
        except Exception as error:  # its errors have no common class but this
            raise self._refused(error) from error

    def _refused(self, error: Exception) -> ScorerError:
        return ScorerError(f"{self._path}: can't be read ({reason(error)}); export or copy the scorer again")


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
