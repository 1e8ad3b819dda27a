import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from sts.models.batches import Lanes
from sts.serve.batcher import DEADLINE, Batcher
from sts.serve.problems import DeadlinePassed, ModelFailed, QueueFull


class Doubling:
    """Doubles numbers; fails where it meets a word, ends its thread where it meets None; waits for its gate."""

    def __init__(self, lanes=None, length=lambda item: 1):
        self.batches = []
        self.alone = []
        self.lanes = lanes or Lanes()
        self.length = length
        self.gate = threading.Event()
        self.gate.set()

    def compute(self, items, *, alone):
        self.batches.append(list(items))
        self.alone.append(alone)
        self.gate.wait(20)
        if None in items:
            raise SystemExit
        return [2 * item if isinstance(item, int) else 1 / 0 for item in items]


@pytest.fixture
def work():
    return Doubling()


def batcher(**options):
    return Batcher(**{"lanes": 1, "max_batch": 4, "max_queue": 100} | options)


def until(condition):
    limit = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < limit
        time.sleep(0.001)


@pytest.fixture
def pool():
    with ThreadPoolExecutor(64) as threads:
        yield threads


def hold(queue, work, pool, item=0):
    """Keep the queue's thread busy with one item, so that what comes next waits together."""
    work.gate.clear()
    held = pool.submit(queue.submit, work, [item])
    until(lambda: work.batches == [[item]])
    return held


def test_results_come_in_the_order_of_their_items(work):
    assert batcher().submit(work, list(range(11))) == [2 * number for number in range(11)]
    assert batcher().submit(work, []) == []


def test_many_threads_get_their_own_answers(work, pool):
    queue = batcher(max_batch=16, max_queue=1000)
    items = [[number, number + 1, number * 7] for number in range(500)]
    with_answers = list(pool.map(lambda each: queue.submit(work, each), items))
    assert with_answers == [[2 * number for number in each] for each in items]
    assert max(map(len, work.batches)) <= 16
    assert queue.waiting == 0


def test_requests_that_wait_are_computed_together(work, pool):
    queue = batcher()
    held = hold(queue, work, pool)
    waiting = [pool.submit(queue.submit, work, [number]) for number in (1, 2, 3)]
    until(lambda: queue.waiting == 3)
    work.gate.set()
    assert [each.result(20) for each in waiting] == [[2], [4], [6]]
    assert held.result(20) == [0]
    assert [sorted(batch) for batch in work.batches] == [[0], [1, 2, 3]]


def test_what_is_of_similar_length_is_computed_together(pool):
    work = Doubling(Lanes(tokens=40), length=lambda item: item)
    queue = batcher()
    hold(queue, work, pool, 1)
    waiting = []
    for number, item in enumerate((10, 39, 11, 20, 21, 9), 1):
        waiting.append(pool.submit(queue.submit, work, [item]))
        until(lambda number=number: queue.waiting == number)
    work.gate.set()
    assert [each.result(20) for each in waiting] == [[20], [78], [22], [40], [42], [18]]
    # at most 40 tokens, padding included, and the one that waits longest is never passed over
    assert [sorted(batch) for batch in work.batches] == [[1], [9, 10, 11], [39], [20, 21][:1], [21]]


def test_lanes_share_what_waits(pool):
    work = Doubling()
    queue = batcher(lanes=2)
    work.gate.clear()
    found = pool.submit(queue.submit, work, [1, 2, 3, 4])
    until(lambda: len(work.batches) == 2)
    assert [len(batch) for batch in work.batches] == [2, 2]
    assert work.alone == [False, False]
    work.gate.set()
    assert found.result(20) == [2, 4, 6, 8]


def test_nothing_is_computed_beside_a_batch_that_is_alone(pool):
    work = Doubling()
    queue = batcher(lanes=2)
    held = hold(queue, work, pool)
    assert work.alone == [True]
    other = pool.submit(queue.submit, work, [1])
    until(lambda: queue.waiting == 1)
    time.sleep(0.05)
    assert len(work.batches) == 1
    work.gate.set()
    assert (held.result(20), other.result(20)) == ([0], [2])


def test_a_lane_that_is_free_does_not_wait_for_company(work):
    queue = batcher(max_batch=100)
    for number in range(5):
        assert queue.submit(work, [number]) == [2 * number]
    assert [len(batch) for batch in work.batches] == [1] * 5


def test_many_lanes_lose_and_mix_up_nothing(pool):
    work = Doubling(Lanes(4, 30), length=lambda item: item % 17 + 1)
    queue = batcher(lanes=4, max_batch=16, max_queue=10_000)
    asked = [list(range(number, number + number % 23)) for number in range(300)]
    assert list(pool.map(lambda items: queue.submit(work, items), asked)) == [
        [2 * item for item in items] for items in asked
    ]
    assert queue.waiting == 0
    assert queue.busy_seconds == 0
    assert all(len(batch) * max(item % 17 + 1 for item in batch) <= 30 for batch in work.batches)


def test_a_large_request_does_not_hold_up_a_small_one(work, pool):
    queue = batcher()
    hold(queue, work, pool)
    large = pool.submit(queue.submit, work, list(range(100, 140)))
    until(lambda: queue.waiting == 40)
    small = pool.submit(queue.submit, work, [7])
    until(lambda: queue.waiting == 41)
    work.gate.set()
    assert small.result(20) == [14]
    assert large.result(20) == [2 * number for number in range(100, 140)]
    assert 7 in work.batches[1]


def test_other_work_gets_its_turn(work, pool):
    queue, other = batcher(), Doubling()
    other.batches = work.batches  # in the order of both
    hold(queue, work, pool)
    large = pool.submit(queue.submit, work, list(range(100, 140)))
    until(lambda: queue.waiting == 40)
    small = pool.submit(queue.submit, other, [7])
    until(lambda: queue.waiting == 41)
    work.gate.set()
    small.result(20)
    large.result(20)
    assert work.batches.index([7]) == 2


def test_a_request_that_fails_harms_no_other(work, pool):
    queue = batcher(max_batch=8)
    hold(queue, work, pool)
    waiting = [pool.submit(queue.submit, work, [item]) for item in (1, "bad", 2, None, 3)]
    until(lambda: queue.waiting == 5)
    work.gate.set()
    assert [waiting[place].result(20) for place in (0, 2, 4)] == [[2], [4], [6]]
    for place in (1, 3):
        with pytest.raises(ModelFailed, match="others are not affected"):
            waiting[place].result(20)
    assert queue.alive
    assert queue.submit(work, [5]) == [10]


def test_a_request_with_one_bad_item_fails_as_a_whole_and_leaves_nothing_behind(work):
    queue = batcher()
    with pytest.raises(ModelFailed) as failed:
        queue.submit(work, [*range(20), "bad", *range(200)][:90])
    assert isinstance(failed.value.__cause__, ZeroDivisionError)
    assert queue.waiting == 0
    assert queue.submit(work, [1]) == [2]


def test_a_full_queue_refuses_small_and_large_requests_by_one_rule(work, pool):
    queue = batcher(max_queue=10)
    hold(queue, work, pool)
    pool.submit(queue.submit, work, list(range(6)))
    until(lambda: queue.waiting == 6)
    with pytest.raises(QueueFull, match="6 pairs or sentences are waiting and 5 more would exceed 10") as refused:
        queue.submit(work, list(range(5)))
    assert refused.value.retry_after >= 1
    last = pool.submit(queue.submit, work, list(range(4)))
    until(lambda: queue.waiting == 10)
    with pytest.raises(QueueFull):
        queue.submit(work, [1])
    work.gate.set()
    assert last.result(20) == [0, 2, 4, 6]
    assert queue.submit(work, [1]) == [2]


def test_a_deadline_that_passes_frees_the_queue(work, pool):
    queue = batcher()
    held = hold(queue, work, pool)

    def hurried():
        DEADLINE.set(time.monotonic() + 0.05)
        return queue.submit(work, [1, 2, 3])

    with pytest.raises(DeadlinePassed, match="0 of 3 pairs or sentences were done in time"):
        pool.submit(hurried).result(20)
    assert queue.waiting == 0
    work.gate.set()
    held.result(20)
    assert queue.submit(work, [4]) == [8]
    assert work.batches == [[0], [4]]


def test_how_long_a_batch_takes_can_be_seen(work, pool):
    queue = batcher()
    assert queue.busy_seconds == 0
    held = hold(queue, work, pool)
    until(lambda: queue.busy_seconds > 0.01)
    work.gate.set()
    held.result(20)
    until(lambda: queue.busy_seconds == 0)


def test_what_is_observed():
    batches, depths = [], []
    queue = batcher(observe_batch=batches.append, observe_queue=depths.append)
    queue.submit(Doubling(), list(range(6)))
    assert batches == [4, 2]
    assert depths[0] == 6
    assert depths[-1] == 0
