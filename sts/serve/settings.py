"""How to serve: every setting once, with its unit, checked together."""

import os
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Literal

from sts import machine
from sts.bundled import BUNDLED_BI, BUNDLED_CROSS, ScorerPath, scorer_folder
from sts.errors import StsError, UsageError
from sts.models.info import Orders, ScorerInfo, read_info
from sts.models.precision import ScoringPrecision
from sts.models.runtime import Backend, check_weights, shared_options
from sts.serve import resources
from sts.serve.schemas import MAX_ITEMS

# what the environment may hold beside settings
OTHER_VARIABLES = {"STS_API_KEYS", "STS_WRITE_KEYS", "STS_CONFIG", "STS_CHECK", "STS_DEBUG", "STS_CACHE"}
# addresses that nobody else reaches
LOCAL_HOSTS = ("127.0.0.1", "::1", "localhost")


@dataclass(frozen=True)
class ServeSettings:
    """Settings of the server; each is also read from the environment, as STS_ and its name in capitals.

    Args:
        model: folder of the scorer that scores pairs, as sts.train or sts.export writes it; not given: the bundled
            cross-encoder
        encoder: folder of the bi-encoder that makes vectors; not given: the one that the index was built with, or the
            model if it is one, or beside the bundled cross-encoder the bundled bi-encoder
        index: folder of an index of sentences, as sts.search build makes it
        host: address to listen on; 127.0.0.1 is reached from this machine alone
        port: port to listen on
        workers: processes; each loads its own models; not given: chosen by cores and memory
        compute_threads: threads of a worker that compute; not given: cores divided by workers
        threads: requests that a worker holds at once, most of them waiting for their batch; more are answered with 503
        precision: auto = bf16 where the processor computes in it, else fp32; exported models have one of their own
        backend: what computes a folder that has both, torch or onnx; auto = torch on a GPU, else onnx
        orders: sorted = the shorter sentence first, both = the mean over both orders, in twice the time, one = as
            they come; not given: as the scorer was trained
        max_batch: pairs, or sentences to encode, that are computed together, at most; 1 switches batching off
        max_queue: pairs or sentences that may wait in a worker; a request beyond them is answered with 503
        cache_size: pairs and sentences whose result a worker remembers; 0 switches it off
        timeout: seconds after which a request is answered with 504
        max_body: bytes of a request's body
        writable: allow requests that change the index; they need a write key
        api_keys_file: file with a key a line; requests need one of them; STS_API_KEYS names keys too, parted by commas
        write_keys_file: file with a key a line that may change the index as well; so does STS_WRITE_KEYS
        cors_origins: origins whose pages may call the API, such as https://example.com; not given: none
        watch: load a model or index anew when its folder has changed, as SIGHUP does
        log_level: least level of what is logged
        log_sentences: write the sentences of requests into the log
    """

    model: ScorerPath = BUNDLED_CROSS
    encoder: ScorerPath | None = None
    index: Path | None = None
    host: str = "127.0.0.1"
    port: int = 8000
    workers: int | None = None
    compute_threads: int | None = None
    threads: int = 256
    precision: ScoringPrecision = "auto"
    backend: Backend = "auto"
    orders: Orders | None = None
    max_batch: int = 32
    max_queue: int = 4_000
    cache_size: int = 10_000
    timeout: float = 30.0
    max_body: int = 8_388_608
    writable: bool = False
    api_keys_file: Path | None = None
    write_keys_file: Path | None = None
    cors_origins: list[str] | None = None
    watch: bool = False
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_sentences: bool = False

    def encoder_folder(self) -> Path | None:
        """The bi-encoder's folder, if there is one to be used beside or as the model.

        Raises:
            StsError: the index or the model can't be read.
        """
        from sts.search.index import read_state

        if self.encoder is not None:
            return self.encoder
        if self.index is not None:
            return scorer_folder(read_state(self.index).model)
        if self.model == BUNDLED_CROSS:
            return BUNDLED_BI
        return self.model if read_info(self.model).mode == "bi" else None

    def options_of(self, folder: Path) -> tuple[ScoringPrecision, Backend]:
        """Precision and backend to load one of the models with; an option may be for the other alone."""
        given = (self.precision, self.backend)
        try:
            return shared_options(self._folders(), *given).get(folder.resolve(), given)
        except StsError:  # a folder that can't be read; whoever reads it says so
            return given

    def completed(self) -> "ServeSettings":
        """The same with workers and torch threads chosen, where they are not given."""
        cores, memory = machine.cores(), machine.memory_limit()
        workers = self.workers
        if workers is None:
            taken = resources.worker_bytes(self._folders(), self.index, self.backend)
            workers = resources.choose_workers(cores, memory, taken)
        return replace(self, workers=workers, compute_threads=self.compute_threads or max(1, cores // workers))

    def problems(self) -> list[str]:
        """All that is wrong with these settings, a line each; nothing of it needs the models in memory."""
        return [
            *self._wrong_numbers(),
            *(problem for check in (self._check_model, self._check_encoder, self._check_index) for problem in check()),
            *self._wrong_access(),
        ]

    def rows(self) -> list[tuple[str, str]]:
        """Names and values, as they are."""
        return [(entry.name, _shown(getattr(self, entry.name))) for entry in fields(self)]

    def _folders(self) -> set[Path]:
        try:
            return {self.model.resolve(), (self.encoder_folder() or self.model).resolve()}
        except StsError:
            return {self.model.resolve()}

    def _wrong_numbers(self) -> list[str]:
        limits = [
            ("port", self.port, 0, 65_535),
            ("workers", self.workers or 1, 1, 256),
            ("compute_threads", self.compute_threads or 1, 1, 256),
            ("threads", self.threads, 8, 4_096),
            ("max_batch", self.max_batch, 1, 4_096),
            # a batch request of the largest size must be able to get in: a bi-encoder encodes both sentences
            ("max_queue", self.max_queue, 2 * MAX_ITEMS, 1_000_000),
            ("cache_size", self.cache_size, 0, 10_000_000),
            ("timeout", self.timeout, 0.1, 3_600),
            ("max_body", self.max_body, 1_024, 1_073_741_824),
        ]
        return [
            f"--{name.replace('_', '-')} is {value:g}; allowed is {low:,} to {high:,}"
            for name, value, low, high in limits
            if not low <= value <= high
        ]

    def _checked(self, folder: Path) -> ScorerInfo:
        """What a folder's `sts.json` says, if it can be loaded with these settings."""
        info = read_info(folder)
        precision, backend = self.options_of(folder)
        check_weights(folder, info, precision=precision, backend=backend)
        return info

    def _check_model(self) -> list[str]:
        try:
            info = self._checked(self.model)
        except StsError as error:
            return [f"--model: {error}"]
        if self.orders is not None and info.mode == "bi":
            return [f"--orders {self.orders}: {self.model} is a bi-encoder, which knows no order; leave the option out"]
        return []

    def _check_encoder(self) -> list[str]:
        if self.encoder is None:
            return []
        try:
            info = self._checked(self.encoder)
        except StsError as error:
            return [f"--encoder: {error}"]
        if info.mode != "bi":
            return [f"--encoder {self.encoder}: is a cross-encoder, which makes no vectors; name a bi-encoder's folder"]
        return []

    def _check_index(self) -> list[str]:
        from sts.search.index import read_state

        if self.index is None:
            return ["--writable: there is no index to change; name one with --index"] if self.writable else []
        try:
            state = read_state(self.index)
            if state.kind is None:
                return [f"--index {self.index}: its build was not finished; run it again"]
            if self.encoder is None and self._checked(scorer_folder(state.model)).mode != "bi":
                return [f"--index {self.index}: was built with {state.model}, which is no bi-encoder now"]
        except StsError as error:
            return [f"--index: {error}"]
        return []

    def _wrong_access(self) -> list[str]:
        from sts.serve.keys import Keys

        wrong = []
        try:
            keys = Keys.of(self)
        except StsError as error:
            return [str(error)]
        if self.writable and not keys.write:
            wrong.append(
                "--writable: changing the index needs a write key; name a file with --write-keys-file, or set "
                "STS_WRITE_KEYS"
            )
        for origin in self.cors_origins or []:
            scheme, _, host = origin.partition("://")
            if origin != "*" and (scheme not in ("http", "https") or not host or "/" in host):
                wrong.append(f"--cors-origins {origin}: must be a scheme and host, such as https://example.com, or *")
        return wrong

    def warnings(self) -> list[str]:
        """What is allowed and may still be a mistake, a line each."""
        from sts.serve.keys import Keys

        found = []
        if self.host not in LOCAL_HOSTS and not Keys.of(self).ask:
            found.append(f"--host {self.host}: others reach the server, and it asks for no API key (--api-keys-file)")
        known = {f"STS_{entry.name.upper()}" for entry in fields(self)} | OTHER_VARIABLES
        unknown = sorted(name for name in os.environ if name.startswith("STS_") and name not in known)
        return found + [f"{name} in the environment is no setting" for name in unknown]


def check(settings: ServeSettings) -> None:
    """Raise what is wrong with settings, all of it in one message.

    Raises:
        UsageError: something is.
    """
    if problems := settings.problems():
        raise UsageError("; ".join(problems))


def _shown(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return "-" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
