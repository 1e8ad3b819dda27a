"""Texts of many requests through the networks together.

Request threads put items into one queue; the computing threads, or lanes, take them out, in turns from the requests
that wait, so that a request of a thousand pairs does not hold up one of a single pair, and run a network over them.
A lane that is free takes what waits, and never waits for more: batches grow by themselves while the lanes are busy.
The queue is also the one admission rule: a request is let in if all its items find room.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from contextvars import ContextVar
from itertools import repeat
from typing import Any, Protocol

from sts.models.batches import Lanes
from sts.serve.problems import DeadlinePassed, ModelFailed, QueueFull

# when the request that this thread or context works on must be answered, in time.monotonic()'s seconds
DEADLINE: ContextVar[float] = ContextVar("DEADLINE")
# the least a client is told to wait
RETRY_SECONDS = 1
# of the items that wait longest, so many are looked at for some of similar length: none is passed over for long
WINDOW = 32


class Work(Protocol):
    """What is done with items: the forward pass of a network."""

    @property
    def lanes(self) -> Lanes:
        """How many batches are computed best at the same time, and how large."""
        ...

    def length(self, item: Any) -> int:
        """Tokens of an item; those of similar length are computed together."""
        ...

    def compute(self, items: Sequence[Any], *, alone: bool) -> Sequence[Any]:
        """One result for each item, in their order; raises if any of them can't be computed.

        Args:
            items: the items.
            alone: whether nothing else is computed meanwhile.
        """
        ...


class _Job:
    """The items of one request that wait for one kind of work."""

    def __init__(self, work: Work, items: Sequence[Any]) -> None:
        self.work = work
        self.items = items
        self.results: list[Any] = [None] * len(items)
        self.lengths = [work.length(item) for item in items]
        # places of what nobody has taken; the longest first, so that what is taken together is of similar length
        self.waiting = dict.fromkeys(sorted(range(len(items)), key=lambda place: -self.lengths[place]))
        self.left = len(items)
        self.error: Exception | None = None
        self.done = threading.Event()

    def fail(self, error: Exception) -> None:
        self.error = error
        self.done.set()


class Batcher:
    """The queue and its lanes.

    Args:
        lanes: threads that compute.
        max_batch: items that are computed together.
        max_queue: items that may wait; a request that would exceed them is refused.
        computing: makes a context that each thread stays in, such as one that keeps converted weights.
        observe_batch: called with the number of items of each batch.
        observe_queue: called with the number of items that wait, when it has changed.
    """

    def __init__(
        self,
        *,
        lanes: int,
        max_batch: int,
        max_queue: int,
        computing: Callable[[], AbstractContextManager[object]] = nullcontext,
        observe_batch: Callable[[int], None] = lambda items: None,
        observe_queue: Callable[[int], None] = lambda items: None,
    ) -> None:
        self.max_batch, self.max_queue = max_batch, max_queue
        self._computing, self._observe_batch, self._observe_queue = computing, observe_batch, observe_queue
        self._jobs: deque[_Job] = deque()
        self._changed = threading.Condition()
        self._waiting = 0
        self._rate = 0.0
        self._renewed = 0
        self._alone = False
        # when each lane that computes began
        self._began: dict[int, float] = {}
        self._threads = [
            threading.Thread(target=self._run, args=(lane,), name=f"sts-batcher-{lane}", daemon=True)
            for lane in range(lanes)
        ]
        for thread in self._threads:
            thread.start()

    @property
    def waiting(self) -> int:
        """Items that wait."""
        return self._waiting

    @property
    def alive(self) -> bool:
        """Whether all lanes run; they end with the process alone."""
        return all(thread.is_alive() for thread in self._threads)

    @property
    def busy_seconds(self) -> float:
        """How long the oldest batch that is being computed has taken so far."""
        began = list(self._began.values())
        return time.monotonic() - min(began) if began else 0.0

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
            self._changed.notify(len(items))
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
        """Leave the lanes' contexts and enter new ones before their next batches: the networks have changed."""
        self._renewed += 1

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

    def _run(self, lane: int) -> None:
        while True:
            with self._computing():
                entered = self._renewed
                while self._renewed == entered:
                    taken, alone = self._take(lane)
                    self._compute(taken, alone=alone)
                    with self._changed:
                        del self._began[lane]
                        if self._alone:
                            self._alone = False
                            self._changed.notify_all()

    def _take(self, lane: int) -> tuple[list[tuple[_Job, int]], bool]:
        """Wait for items, and take a batch of one kind of work; also, whether nothing else is computed beside it."""
        with self._changed:
            # a batch that is computed with all cores would be held up at every layer by another beside it
            while self._alone or not self._jobs:
                self._changed.wait()
            free = len(self._threads) - len(self._began)
            self._began[lane] = time.monotonic()
            window = self._window()
            job, place = window[0]
            length = job.lengths[place]
            nearest = sorted(window, key=lambda each: abs(each[0].lengths[each[1]] - length))
            # what waits is shared with the lanes that are free too
            most = min(self.max_batch, -(-self._waiting // free))
            taken: list[tuple[_Job, int]] = []
            for each in nearest:
                length = max(length, each[0].lengths[each[1]])
                if len(taken) >= job.work.lanes.rows(length, most):
                    break
                taken.append(each)
            for job, place in taken:
                del job.waiting[place]
            # those that gave something and have more stand at the end, so that other work gets its turn
            given = {id(job) for job, _ in taken}
            self._jobs = deque(sorted((job for job in self._jobs if job.waiting), key=lambda job: id(job) in given))
            self._add(-len(taken))
            self._alone = len(self._began) == 1 and not self._jobs
            return taken, self._alone

    def _window(self) -> list[tuple[_Job, int]]:
        """The items that are next, one from each request of a kind of work in turn."""
        work = self._jobs[0].work
        turn = deque(zip(repeat(job), job.waiting) for job in self._jobs if job.work is work)
        found: list[tuple[_Job, int]] = []
        while turn and len(found) < WINDOW:
            places = turn.popleft()
            if (each := next(places, None)) is not None:
                found.append(each)
                turn.append(places)
        return found

    def _compute(self, taken: list[tuple[_Job, int]], *, alone: bool) -> None:
        """Compute a batch; one that fails is halved until what fails is alone."""
        taken = [(job, place) for job, place in taken if not job.done.is_set()]
        if not taken:
            return
        began = time.monotonic()
        try:
            results = taken[0][0].work.compute([job.items[place] for job, place in taken], alone=alone)
        except BaseException as error:  # whatever it is, this thread must go on
            if len(taken) == 1:
                taken[0][0].fail(error if isinstance(error, Exception) else RuntimeError(repr(error)))
                return
            middle = len(taken) // 2
            self._compute(taken[:middle], alone=alone)
            self._compute(taken[middle:], alone=alone)
            return
        seconds = max(time.monotonic() - began, 1e-6)
        with self._changed:
            self._rate = 0.8 * self._rate + 0.2 * len(taken) * len(self._began) / seconds
            for (job, place), result in zip(taken, results, strict=True):
                job.results[place] = result
                job.left -= 1
        for job in {id(job): job for job, _ in taken}.values():
            if not job.left:
                job.done.set()
        self._observe_batch(len(taken))
