"""Texts of many requests through the networks together.

Request threads put items into one queue; one thread takes them out, in turns from the requests that wait, so that
a request of a thousand pairs does not hold up one of a single pair, and runs a network over them. The queue is
also the one admission rule: a request is let in if all its items find room.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from contextvars import ContextVar
from typing import Any, Protocol

from sts.serve.problems import DeadlinePassed, ModelFailed, QueueFull

# when the request that this thread or context works on must be answered, in time.monotonic()'s seconds
DEADLINE: ContextVar[float] = ContextVar("DEADLINE")
# the least a client is told to wait
RETRY_SECONDS = 1


class Work(Protocol):
    """What is done with items: the forward pass of a network."""

    def compute(self, items: Sequence[Any]) -> Sequence[Any]:
        """One result for each item, in their order; raises if any of them can't be computed."""
        ...


class _Job:
    """The items of one request that wait for one kind of work."""

    def __init__(self, work: Work, items: Sequence[Any]) -> None:
        self.work = work
        self.items = items
        self.results: list[Any] = [None] * len(items)
        self.waiting = deque(range(len(items)))
        self.left = len(items)
        self.error: Exception | None = None
        self.arrived = time.monotonic()
        self.done = threading.Event()

    def finish(self, place: int, result: Any) -> None:
        self.results[place] = result
        self.left -= 1
        if not self.left:
            self.done.set()

    def fail(self, error: Exception) -> None:
        self.error = error
        self.done.set()


class Batcher:
    """The queue and its thread.

    Args:
        max_batch: items that are computed together.
        max_wait: seconds that the first of them waits for others.
        max_queue: items that may wait; a request that would exceed them is refused.
        computing: makes a context that the thread stays in, such as one that keeps converted weights.
        observe_batch: called with the number of items of each batch.
        observe_queue: called with the number of items that wait, when it has changed.
    """

    def __init__(
        self,
        *,
        max_batch: int,
        max_wait: float,
        max_queue: int,
        computing: Callable[[], AbstractContextManager[object]] = nullcontext,
        observe_batch: Callable[[int], None] = lambda items: None,
        observe_queue: Callable[[int], None] = lambda items: None,
    ) -> None:
        self.max_batch, self.max_wait, self.max_queue = max_batch, max_wait, max_queue
        self._computing, self._observe_batch, self._observe_queue = computing, observe_batch, observe_queue
        self._jobs: deque[_Job] = deque()
        self._changed = threading.Condition()
        self._waiting = 0
        self._rate = 0.0
        self._renew = False
        self._began: float | None = None
        self._thread = threading.Thread(target=self._run, name="sts-batcher", daemon=True)
        self._thread.start()

    @property
    def waiting(self) -> int:
        """Items that wait."""
        return self._waiting

    @property
    def alive(self) -> bool:
        """Whether the thread runs; it ends with the process alone."""
        return self._thread.is_alive()

    @property
    def busy_seconds(self) -> float:
        """How long the batch that is being computed has taken so far."""
        began = self._began
        return 0.0 if began is None else time.monotonic() - began

    def submit(self, work: Work, items: Sequence[Any]) -> list[Any]:
        """Wait until all items are computed.

        Args:
            work: what is done with them.
            items: what `work` takes.

        Returns:
            A result for each item, in their order.

        Raises:
            QueueFull: there is no room for them.
            DeadlinePassed: they were not done in the time that `DEADLINE` sets.
            ModelFailed: one of them can't be computed.
        """
        if not items:
            return []
        deadline = DEADLINE.get(float("inf"))
        job = _Job(work, items)
        with self._changed:
            self.check_room(len(items))
            self._jobs.append(job)
            self._add(len(items))
            self._changed.notify_all()
        finished = job.done.wait(None if deadline == float("inf") else max(0.0, deadline - time.monotonic()))
        self._forget(job)
        if not finished:
            raise DeadlinePassed(
                f"{len(items) - job.left:,} of {len(items):,} pairs or sentences were done in time; send fewer at once",
                retry_after=self._seconds_to_drain(),
            )
        if job.error is not None:
            raise ModelFailed(
                "the model can't compute this request; others are not affected", retry_after=None
            ) from job.error
        return job.results

    def check_room(self, items: int) -> None:
        """See whether there is room for so many items: before the trouble of making them, and again when they come.

        Raises:
            QueueFull: there is none.
        """
        if self._waiting + items > self.max_queue:
            raise QueueFull(
                f"{self._waiting:,} pairs or sentences are waiting and {items:,} more would exceed "
                f"{self.max_queue:,}; try again later, or send fewer at once",
                retry_after=self._seconds_to_drain(),
            )

    def renew(self) -> None:
        """Leave the thread's context and enter a new one before the next batch: the networks have changed."""
        self._renew = True

    def _forget(self, job: _Job) -> None:
        """Take what is left of a job out of the queue: it failed, or nobody waits for it any more."""
        with self._changed:
            if job in self._jobs:
                self._jobs.remove(job)
            self._add(-len(job.waiting))
            job.waiting.clear()

    def _add(self, items: int) -> None:
        self._waiting += items
        self._observe_queue(self._waiting)

    def _seconds_to_drain(self) -> int:
        return max(RETRY_SECONDS, round(self._waiting / self._rate)) if self._rate else RETRY_SECONDS

    def _run(self) -> None:
        while True:
            with self._computing():
                self._renew = False
                while not self._renew:
                    self._compute(self._take())

    def _take(self) -> list[tuple[_Job, int]]:
        """Wait for items, and take some from each request in turn, all of one kind of work."""
        with self._changed:
            while not self._jobs:
                self._changed.wait()
            limit = self._jobs[0].arrived + self.max_wait
            while self._jobs and self._waiting < self.max_batch and (wait := limit - time.monotonic()) > 0:
                self._changed.wait(wait)
            taken: list[tuple[_Job, int]] = []
            if not self._jobs:
                return taken
            work = self._jobs[0].work
            turn = deque(job for job in self._jobs if job.work is work)
            while turn and len(taken) < self.max_batch:
                job = turn.popleft()
                taken.append((job, job.waiting.popleft()))
                if job.waiting:
                    turn.append(job)
                else:
                    self._jobs.remove(job)
            # those that gave something and have more stand at the end, so that other work gets its turn
            given = {id(job) for job, _ in taken}
            self._jobs = deque(sorted(self._jobs, key=lambda job: id(job) in given))
            self._add(-len(taken))
            return taken

    def _compute(self, taken: list[tuple[_Job, int]]) -> None:
        """Compute a batch; one that fails is halved until what fails is alone."""
        taken = [(job, place) for job, place in taken if not job.done.is_set()]
        if not taken:
            return
        self._began = began = time.monotonic()
        try:
            results = taken[0][0].work.compute([job.items[place] for job, place in taken])
        except BaseException as error:  # whatever it is, this thread must go on
            if len(taken) == 1:
                taken[0][0].fail(error if isinstance(error, Exception) else RuntimeError(repr(error)))
                return
            middle = len(taken) // 2
            self._compute(taken[:middle])
            self._compute(taken[middle:])
            return
        finally:
            self._began = None
        self._rate = 0.8 * self._rate + 0.2 * len(taken) / max(time.monotonic() - began, 1e-6)
        self._observe_batch(len(taken))
        for (job, place), result in zip(taken, results, strict=True):
            job.finish(place, result)
