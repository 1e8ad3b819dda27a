"""What a worker serves: its models and index, loaded after the fork and exchanged without a gap."""

import gc
import os
import threading
import time
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sts.errors import ScorerError, StsError, UsageError
from sts.models.info import read_info
from sts.models.runtime import choose_backend
from sts.serve import resources
from sts.serve.batcher import DEADLINE, Batcher
from sts.serve.logs import LOGGER
from sts.serve.metrics import Metrics
from sts.serve.problems import NotReady
from sts.serve.scoring import BatchedBi, BatchedCross
from sts.serve.settings import ServeSettings

if TYPE_CHECKING:
    from sts.search import SentenceIndex

# seconds between two looks at the folders, with --watch
WATCH_SECONDS = 2.0
RETRY_SECONDS = 2
# short, long, and with characters of many kinds: what is computed before a model is taken
WARM_UP = (("방이 깨끗했어요.", "객실이 청결했습니다."), ("네", "아니요"), ("가나다 ABC 123 " * 40, "🙂 \u200f한글"))

Signature = tuple[tuple[str, int, int, int], ...]


@dataclass(frozen=True)
class Models:
    """What requests are answered with; they keep the one that they began with.

    Attributes:
        scorer: scores pairs.
        encoder: makes vectors; None where the server has no bi-encoder.
        index: searched; None where the server has none.
        loaded_at: seconds since 1970.
        signatures: what the folders looked like, to see whether they have changed.
    """

    scorer: BatchedCross | BatchedBi
    encoder: BatchedBi | None
    index: "SentenceIndex | None"
    loaded_at: float
    signatures: dict[Path, Signature]


class Engine:
    """A worker's models, its queue, and the thread that exchanges models.

    Args:
        settings: how to serve.
        metrics: what is counted.
    """

    def __init__(self, settings: ServeSettings, metrics: Metrics) -> None:
        self.settings = settings
        self.metrics = metrics
        self.refused: str | None = None
        self._models: Models | None = None
        self._batcher: Batcher | None = None
        self._asked = threading.Event()
        self._pid = 0
        self._tried: dict[Path, Signature] = {}

    @property
    def models(self) -> Models:
        """What is loaded.

        Raises:
            NotReady: nothing is, or this process was forked after it was.
        """
        if self._pid not in (0, os.getpid()):
            raise NotReady("the server was forked after its models were loaded; start it without preloading")
        if self._models is None:
            raise NotReady(f"no model is loaded: {self.refused or 'it is not done yet'}", retry_after=RETRY_SECONDS)
        return self._models

    @property
    def batcher(self) -> Batcher:
        """The queue.

        Raises:
            NotReady: nothing is loaded.
        """
        if self._batcher is None:
            raise NotReady("no model is loaded: it is not done yet", retry_after=RETRY_SECONDS)
        return self._batcher

    def check_ready(self) -> None:
        """See whether requests can be answered.

        Raises:
            NotReady: they can't.
        """
        _ = self.models
        if not self.batcher.alive:
            raise NotReady("the thread that computes has ended; restart this worker")
        if self.batcher.busy_seconds > self.settings.timeout:
            raise NotReady(f"a batch has been computing for {self.batcher.busy_seconds:.0f} seconds")

    def load(self) -> None:
        """Load everything in this process, and listen for changes; `refused` says what could not be loaded."""
        resources.limit_arenas()
        # torch's own threads share a batch, and those of two batches would slow each other down
        lanes = 1 if self._computes_with_torch() else self.settings.compute_threads or 1
        self._batcher = Batcher(
            lanes=lanes,
            max_batch=self.settings.max_batch,
            max_queue=self.settings.max_queue,
            computing=self._computing,
            observe_batch=self.metrics.batch,
            observe_queue=self.metrics.queue,
        )
        self._pid = os.getpid()
        self._exchange()
        threading.Thread(target=self._follow, name="sts-follow", daemon=True).start()

    def _computing(self) -> AbstractContextManager[object]:
        """What the queue's thread stays in: torch then converts weights once, and not with every batch."""
        if not self._computes_with_torch():
            return nullcontext()
        import torch

        from sts.models.precision import choose_precision, computing

        device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        return computing(choose_precision(self.settings.precision), device)

    def _computes_with_torch(self) -> bool:
        try:
            folders = {self.settings.model, self.settings.encoder_folder() or self.settings.model}
            return "torch" in {
                choose_backend(folder, read_info(folder), self.settings.options_of(folder)[1]) for folder in folders
            }
        except StsError:  # said when they are loaded
            return False

    def ask_reload(self, *_: object) -> None:
        """Load the folders anew soon, in another thread; may be called from a signal handler."""
        self._asked.set()

    def _follow(self) -> None:
        """Exchange models when asked, or when their folders have changed and stay so for a moment."""
        seen: dict[Path, Signature] = {}
        while True:
            asked = self._asked.wait(WATCH_SECONDS if self.settings.watch else None)
            self._asked.clear()
            if asked:
                self._exchange()
                continue
            now = self._signatures()
            if now != self._tried and now == seen and all(now.values()):
                self._exchange()
            seen = now

    def _exchange(self) -> None:
        """Load beside what is there, warm up, and take it; or say why not and leave all as it was."""
        before, began = self._models, time.monotonic()
        self._tried = self._signatures()
        try:
            loaded = self._load(before, self._tried)
        except StsError as error:
            self.refused = str(error)
        except Exception as error:
            self.refused = f"the model can't be loaded ({type(error).__name__})"
            LOGGER.error(self.refused, exc_info=error)
        else:
            self.refused = None
            self._models = loaded
            self.batcher.renew()
            self.metrics.loaded(before, loaded)
            del before  # a network holds itself in cycles: without a look for them it would stay for long
            gc.collect()
            LOGGER.info(
                "models loaded",
                extra={
                    "model": loaded.scorer.name,
                    "model_version": loaded.scorer.version,
                    "encoder": loaded.encoder.name if loaded.encoder else None,
                    "index": str(self.settings.index) if loaded.index else None,
                    "seconds": round(time.monotonic() - began, 2),
                },
            )
            return
        self.metrics.refused()
        before = self._models
        stays = f"; {before.scorer.name} {before.scorer.version} goes on" if before else ""
        LOGGER.error(f"not taken: {self.refused}{stays}")

    def _load(self, before: Models | None, signatures: dict[Path, Signature]) -> Models:
        from sts.search import SentenceIndex

        settings = self.settings
        scorer = self._network(settings.model, before, signatures)
        folder = settings.encoder_folder()
        encoder: BatchedBi | None = None
        if isinstance(scorer, BatchedBi) and (folder is None or folder.resolve() == settings.model.resolve()):
            encoder = scorer
        elif folder is not None:
            found = self._network(folder, before, signatures)
            if not isinstance(found, BatchedBi):
                raise UsageError(f"--encoder {folder}: is a cross-encoder, which makes no vectors; name a bi-encoder")
            encoder = found
        # an index remembers its encoder, so that there is one
        index = SentenceIndex(settings.index, encoder) if settings.index is not None and encoder is not None else None
        for each in {id(each): each for each in (scorer, encoder) if each is not None}.values():
            _warm_up(each)
        if index is not None:
            index.search(["방이 깨끗했어요."], 1)
        return Models(scorer, encoder, index, time.time(), signatures)

    def _network(
        self, folder: Path, before: Models | None, signatures: dict[Path, Signature]
    ) -> BatchedCross | BatchedBi:
        """A folder's model; the one that is there already where its files have not changed."""
        from sts.models import BiScorer, load_scorer

        if before is not None and signatures[folder] and before.signatures.get(folder) == signatures[folder]:
            for known in (before.scorer, before.encoder):
                if known is not None and known.folder == folder:
                    return known
        settings = self.settings
        mode = read_info(folder).mode
        orders = settings.orders if mode == "cross" else None
        precision, backend = settings.options_of(folder)
        scorer = load_scorer(
            folder,
            precision=precision,
            orders=orders,
            dimension=self._dimension(mode),
            backend=backend,
            threads=settings.compute_threads or 1,
        )
        if scorer.runtime.backend == "torch":
            import torch

            torch.set_num_threads(settings.compute_threads or 1)
        kind: Any = BatchedBi if isinstance(scorer, BiScorer) else BatchedCross
        batched: BatchedCross | BatchedBi = kind(scorer, folder, self.batcher, settings.cache_size, self.metrics.texts)
        return batched

    def _dimension(self, mode: str) -> int | None:
        """An index may have been built with vectors cut short, and its encoder must cut them likewise."""
        from sts.search.index import read_state

        return read_state(self.settings.index).dimension if mode == "bi" and self.settings.index else None

    def _signatures(self) -> dict[Path, Signature]:
        try:
            folders = {self.settings.model, self.settings.encoder_folder() or self.settings.model}
        except StsError:  # an index that is being replaced
            folders = {self.settings.model}
        found = {folder: _signature(folder, "sts.json", "*.safetensors", "*.onnx") for folder in folders}
        if self.settings.index is not None:
            # the file changes with every sentence, which the index follows itself; another file is another index
            found[self.settings.index] = tuple(
                (name, inode, 0, 0) for name, inode, _, _ in _signature(self.settings.index, "sentences.sqlite3")
            )
        return found


def _signature(folder: Path, *patterns: str) -> Signature:
    try:
        files = sorted(path for pattern in patterns for path in folder.rglob(pattern))
        stats = [(str(path.relative_to(folder)), path.stat()) for path in files]
    except OSError:  # just being replaced
        return ()
    return tuple((name, stat.st_ino, stat.st_mtime_ns, stat.st_size) for name, stat in stats)


def _warm_up(model: BatchedCross | BatchedBi) -> None:
    """Compute a few pairs, so that the first request finds everything ready and a model that computes nonsense is seen.

    Raises:
        ScorerError: a score is not finite, or not from 0 to 5.
    """
    from sts.serve.problems import ModelFailed

    first, second = zip(*WARM_UP, strict=True)
    DEADLINE.set(float("inf"))
    if model.lanes.count > 1:  # what computes batches side by side is not to be made by the first two requests
        runtime = model.network.runtime
        runtime.run(runtime.tokenize([list(first)], model.info.max_length)[0], alone=False)
    try:
        scores = [result.value for result in model.pairs(first, second)]
        model.align(*WARM_UP[0])
    except ModelFailed as error:
        raise ScorerError(
            f"{model.folder}: the model can't score ({error.__cause__}); train or copy it again"
        ) from error
    if not all(0 <= score <= 5 for score in scores):
        raise ScorerError(f"{model.folder}: the model's scores are {scores}; they must lie in 0 to 5")
