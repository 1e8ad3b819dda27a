import tracemalloc
from contextlib import closing

from sts.augment.disk_set import DiskSet


def test_it_holds_what_was_added_and_nothing_else():
    with closing(DiskSet()) as texts:
        assert texts.add("방이 깨끗해요.")
        assert not texts.add("방이 깨끗해요.")
        assert texts.add("방이 깨끗해요")
        assert "방이 깨끗해요." in texts
        assert "방이" not in texts


def test_memory_does_not_grow_with_it():
    with closing(DiskSet()) as texts:
        peaks = []
        for start, stop in ((0, 2_000), (2_000, 30_000)):
            tracemalloc.start()
            assert all(texts.add(str(number)) for number in range(start, stop))
            peaks.append(tracemalloc.get_traced_memory()[1])
            tracemalloc.stop()
    assert peaks[1] < 2 * peaks[0] + 10_000
