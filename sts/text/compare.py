"""The analysers side by side: how long they take, and what they make of the same sentences."""

import multiprocessing
import resource
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection

from sts.errors import StsError
from sts.text.analysers import find_analyser
from sts.text.tags import ORIGINAL_DROPPED_TAGS

WARM_UP = "숙소는 깨끗하고 호스트는 친절했습니다."


@dataclass
class Analysed:
    """What came of one analyser.

    Attributes:
        name: of the analyser.
        sejong: whether it gives Sejong tags, so that the tag filter applies.
        versions: the packages it ran with.
        load_seconds: until it had analysed a first sentence.
        seconds: by number of sentences, warm-up apart.
        megabytes: the most memory of its process.
        outputs: for each chosen sentence its morphemes as (form, tag).
        problem: why it could not run, or how far it came; None when it measured everything.
    """

    name: str
    sejong: bool = False
    versions: dict[str, str] = field(default_factory=dict)
    load_seconds: float | None = None
    seconds: dict[int, float] = field(default_factory=dict)
    megabytes: float | None = None
    outputs: list[list[tuple[str, str]]] = field(default_factory=list)
    problem: str | None = None

    def per_second(self) -> float | None:
        """Sentences a second at the largest number that was measured."""
        return max(self.seconds) / self.seconds[max(self.seconds)] if self.seconds else None

    def filtered(self, number: int) -> list[str] | None:
        """What the original work's tag filter leaves of a chosen sentence; None without Sejong tags."""
        if not self.sejong or number >= len(self.outputs):
            return None
        return [form for form, tag in self.outputs[number] if tag not in ORIGINAL_DROPPED_TAGS]


def compare(
    names: Sequence[str], sentences: Sequence[str], sizes: Sequence[int], chosen: Sequence[str], *, limit: float
) -> Iterator[Analysed]:
    """Run analysers, one at a time and each in a process of its own.

    Args:
        names: keys of `ANALYSERS`.
        sentences: what is timed; no size is larger than their number.
        sizes: numbers of sentences, ascending.
        chosen: sentences whose morphemes are kept.
        limit: seconds that an analyser may take for all sizes; what it has not measured by then is left out.

    Yields:
        What came of each analyser, in the order of their names.
    """
    context = multiprocessing.get_context("spawn")
    for name in names:
        ours, theirs = context.Pipe(duplex=False)
        worker = context.Process(target=_measure, args=(name, list(sentences), list(sizes), list(chosen), theirs))
        worker.start()
        theirs.close()
        try:
            yield _collect(Analysed(name), ours, len(sizes), limit)
        finally:
            worker.kill()
            worker.join()


def _collect(found: Analysed, connection: Connection, sizes: int, limit: float) -> Analysed:
    """Take what a worker sends until it is done, or the time is."""
    end = time.monotonic() + limit
    try:
        while connection.poll(max(0.0, end - time.monotonic())):
            name, value = connection.recv()
            if name == "done":
                return found
            if name == "seconds":
                found.seconds[value[0]] = value[1]
            else:
                setattr(found, name, value)
    except EOFError:
        found.problem = found.problem or "its process ended without a word"
        return found
    measured = (
        f"{len(found.seconds)} of {sizes} sizes" if found.load_seconds is not None else "nothing, not even loaded"
    )
    found.problem = f"stopped after {limit:g} seconds, having measured {measured}; --limit gives it more"
    return found


def _measure(name: str, sentences: list[str], sizes: list[int], chosen: list[str], connection: Connection) -> None:
    """What a worker does; whatever it finds is sent at once, for it may be stopped at any time."""
    start = time.perf_counter()
    try:
        analyser = find_analyser(name)
        analyser.analyse(WARM_UP)
    except StsError as error:
        connection.send(("problem", str(error)))
        connection.send(("done", None))
        return
    connection.send(("load_seconds", time.perf_counter() - start))
    connection.send(("sejong", analyser.sejong))
    connection.send(("versions", analyser.versions))
    analyses = analyser.analyse_many(chosen)
    connection.send(("outputs", [[(each.form, each.tag) for each in found] for found in analyses]))
    for size in sizes:
        start = time.perf_counter()
        for _ in analyser.analyse_many(sentences[:size]):
            pass
        connection.send(("seconds", (size, time.perf_counter() - start)))
        connection.send(("megabytes", _peak_megabytes()))
    connection.send(("done", None))


def _peak_megabytes() -> float:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 2**20 if sys.platform == "darwin" else peak / 2**10


def recommend(found: Sequence[Analysed], installed_everywhere: str = "kiwi") -> str:
    """A recommendation from the figures.

    The rule: an analyser must give Sejong tags, since the tag filter knows no others, and must have measured
    every size; the fastest of these is the fastest choice. The one in every installation is preferred unless
    another is more than twice as fast.
    """
    fit = [each for each in found if each.sejong and each.seconds and each.problem is None]
    if not fit:
        return "No analyser with Sejong tags measured every size; raise --limit, or install one that can be loaded."
    speed = {each.name: each.per_second() or 0.0 for each in fit}
    fastest = max(fit, key=lambda each: speed[each.name])
    listed = ", ".join(f"{name} {value:,.0f}" for name, value in sorted(speed.items(), key=lambda item: -item[1]))
    line = f"Sentences a second, of those that give Sejong tags and measured every size: {listed}. "
    usual = next((each for each in fit if each.name == installed_everywhere), None)
    if usual is None or speed[fastest.name] > 2 * speed[usual.name]:
        ratio = "" if usual is None else f", {speed[fastest.name] / speed[usual.name]:.1f} times {usual.name}'s speed"
        return f"{line}Recommended where time matters: {fastest.name}{ratio}."
    if usual is fastest:
        return f"{line}Recommended: {usual.name}, the fastest of them, and in every installation."
    ratio = f"{speed[fastest.name] / speed[usual.name]:.1f}"
    return f"{line}Recommended: {usual.name}, in every installation; {fastest.name} is only {ratio} times as fast."
