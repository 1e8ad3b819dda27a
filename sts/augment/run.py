"""New pairs made of pairs, in constant memory, and the same ones whatever the chunks and threads."""

import itertools
from collections import defaultdict
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sts.augment.check import problem
from sts.augment.disk_set import DiskSet
from sts.augment.label import judge
from sts.augment.method import Method
from sts.augment.mix import SWAP, make_methods
from sts.augment.sentence import Analysed, analyse
from sts.augment.settings import AugmentSettings
from sts.augment.slot import Attempt, Slot, pair_key
from sts.pairs.rows import Pair

if TYPE_CHECKING:
    from sts.models import Scorer

# pairs that are held at once: enough for Kiwi's threads and for batches of the masked language model
CHUNK = 256


@dataclass
class Counts:
    """What an augmentation made, and what it tried in vain.

    Attributes:
        pairs: pairs that new ones were made of.
        held_out: pairs that were left out since they have a held-out sentence.
        wanted: new pairs that were asked for: `new_per_pair` for each of `pairs`.
        new: new pairs that were made.
        methods: new pairs by method.
        unchanged: attempts in which a method found nothing to change.
        rejected: attempts whose sentence may not stand for its source, by reason; see `sts.augment.check`.
        collisions: attempts that made a held-out sentence.
        duplicates: attempts that made a pair which is there already, in this order or the other.
        relabelled: new pairs whose label the scorer moved.
        label_dropped: new pairs that were dropped since the score moved too far.
    """

    pairs: int = 0
    held_out: int = 0
    wanted: int = 0
    new: int = 0
    methods: dict[str, int] = field(default_factory=dict)
    unchanged: int = 0
    rejected: dict[str, int] = field(default_factory=dict)
    collisions: int = 0
    duplicates: int = 0
    relabelled: int = 0
    label_dropped: int = 0


def augment_pairs(
    pairs: Iterable[Pair],
    mix: Mapping[str, float],
    settings: AugmentSettings,
    *,
    seed: int,
    counts: Counts,
    held_out: Container[str] = frozenset(),
    workers: int | None = None,
    chunk: int = CHUNK,
    progress: Callable[[int], object] = lambda _: None,
) -> Iterator[Pair]:
    """Make new pairs, each by one method and with one sentence changed, or with both in each other's place.

    What becomes of a pair depends on the seed, its row and itself. A new pair draws its method and the
    sentence to change; where nothing comes of it, the other sentence is tried, then the other methods in
    an order that was drawn too.

    Args:
        pairs: labelled pairs; gone through twice, so not an iterator.
        mix: weight by method.
        settings: how to augment.
        seed: decides every new pair, 0 or more.
        counts: is added to as the new pairs are taken.
        held_out: sentences that no new pair may have; pairs that have one are passed over.
        workers: threads that analyse sentences; None means one a core.
        chunk: pairs that are worked on together; decides nothing but speed.
        progress: called with the number of pairs that are done since the last call.

    Returns:
        The new pairs in the order of their sources: no two of them equal, nor one equal to any of `pairs`, in
        this order or the other; but for order swap, which makes the other order. `guid` is that of the source,
        or its row counted from 1, with the method and a number: `klue-00012-sr1`.

    Raises:
        StsError: what a method or the scorer needs is missing; raised by this call, not while iterating.
    """
    if isinstance(pairs, Iterator):
        raise TypeError("pairs are gone through twice: give a list or another collection, not an iterator")
    methods = make_methods(mix, settings)
    run = _Run(methods, mix, settings, seed, counts, held_out, workers, _load_scorer(settings))
    return run.new_pairs(pairs, chunk, progress)


def _load_scorer(settings: AugmentSettings) -> "Scorer | None":
    if settings.label_with is None:
        return None
    from sts.bundled import scorer_folder
    from sts.models import load_scorer

    return load_scorer(scorer_folder(settings.label_with))


def has_sentence_of(pair: Pair, held_out: Container[str]) -> bool:
    """Whether one of a pair's sentences is held out."""
    return pair.sentence1 in held_out or pair.sentence2 in held_out


@dataclass
class _Run:
    methods: Mapping[str, Method]
    mix: Mapping[str, float]
    settings: AugmentSettings
    seed: int
    counts: Counts
    held_out: Container[str]
    workers: int | None
    scorer: "Scorer | None"

    def new_pairs(self, pairs: Iterable[Pair], chunk: int, progress: Callable[[int], object]) -> Iterator[Pair]:
        """New pairs of `pairs`, which are read twice, `chunk` of them at once; `progress` is told how many were."""
        for name in self.mix:
            self.counts.methods.setdefault(name, 0)
        with closing(DiskSet()) as seen:
            for pair in pairs:
                seen.add(pair_key(pair))
            rows = enumerate(pairs)
            while part := list(itertools.islice(rows, chunk)):
                kept = [(row, pair) for row, pair in part if not has_sentence_of(pair, self.held_out)]
                self.counts.pairs += len(kept)
                self.counts.held_out += len(part) - len(kept)
                self.counts.wanted += len(kept) * self.settings.new_per_pair
                yield from self._judged(list(self._unseen(self._made(kept), seen)))
                progress(len(part))

    def _made(self, rows: Sequence[tuple[int, Pair]]) -> list[Attempt]:
        """Fill the slots of some pairs, in rounds: each slot makes one attempt a round until one succeeds."""
        analysed: dict[str, Analysed] = {}
        self._analyse((text for _, pair in rows for text in (pair.sentence1, pair.sentence2)), analysed)
        slots = [
            Slot(pair, (row, number), self.mix, self.seed)
            for row, pair in rows
            for number in range(self.settings.new_per_pair)
        ]
        made: list[Attempt] = []
        # the new pairs of each row: what another row makes must not matter, for it may be in another chunk
        taken: dict[int, set[str]] = defaultdict(set)
        while slots:
            attempts = [attempt for slot in slots if (attempt := slot.next_attempt())]
            self._vary(attempts, analysed)
            self._analyse((attempt.text for attempt in attempts if attempt.text is not None), analysed)
            slots = []
            for attempt in attempts:
                row, _ = attempt.slot.place
                if self._succeeded(attempt, analysed, taken[row]):
                    made.append(attempt)
                    taken[row].add(pair_key(attempt.pair()))
                else:
                    slots.append(attempt.slot)
        return sorted(made, key=lambda attempt: attempt.slot.place)

    def _analyse(self, texts: Iterable[str], analysed: dict[str, Analysed]) -> None:
        """Add the sentences that are not in `analysed`; order swap alone needs none."""
        if self.methods:
            fresh = [text for text in dict.fromkeys(texts) if text not in analysed]
            analysed.update(zip(fresh, analyse(fresh, workers=self.workers), strict=True))

    def _vary(self, attempts: Sequence[Attempt], analysed: Mapping[str, Analysed]) -> None:
        """Let each method change its sentences, all of them in one call."""
        for name, method in self.methods.items():
            mine = [attempt for attempt in attempts if attempt.method == name]
            if mine:
                sentences = [analysed[attempt.sentence] for attempt in mine]
                texts = method.vary(sentences, [attempt.slot.generator for attempt in mine])
                for attempt, text in zip(mine, texts, strict=True):
                    attempt.text = text

    def _succeeded(self, attempt: Attempt, analysed: Mapping[str, Analysed], taken: set[str]) -> bool:
        """Whether what an attempt made can be used; counted where not."""
        counts, pair = self.counts, attempt.pair()
        if attempt.method == SWAP:
            # once a pair; and a pair of two equal sentences has no other order
            useless = pair_key(pair) in taken or pair.sentence1 == pair.sentence2
            counts.unchanged += useless
            return not useless
        if attempt.text is None:
            counts.unchanged += 1
            return False
        reason = problem(analysed[attempt.sentence], analysed[attempt.text])
        if reason is None and pair.sentence1 == pair.sentence2:
            reason = "same as the other sentence"  # a label below 5 would be wrong
        if reason == "unchanged":
            counts.unchanged += 1
        elif reason is not None:
            counts.rejected[reason] = counts.rejected.get(reason, 0) + 1
        elif attempt.text in self.held_out:
            counts.collisions += 1
        elif pair_key(pair) in taken or pair_key(pair, swapped=True) in taken:
            counts.duplicates += 1
        else:
            return True
        return False

    def _unseen(self, made: Iterable[Attempt], seen: DiskSet) -> Iterator[Attempt]:
        """Leave out pairs that are among the input, or that an earlier row made."""
        for attempt in made:
            pair = attempt.pair()
            swapped_is_seen = attempt.method != SWAP and pair_key(pair, swapped=True) in seen
            if swapped_is_seen or not seen.add(pair_key(pair)):
                self.counts.duplicates += 1
            else:
                yield attempt

    def _judged(self, made: Sequence[Attempt]) -> Iterator[Pair]:
        """Count what is left after the scorer, if there is one, had its say."""
        new = [attempt.pair() for attempt in made]
        judged: Sequence[Pair | None] = new
        if self.scorer is not None and made:
            sources = [attempt.slot.source for attempt in made]
            bound, action = self.settings.label_bound, self.settings.label_action
            judged = judge(self.scorer, sources, new, bound=bound, action=action)
        for attempt, pair, kept in zip(made, new, judged, strict=True):
            if kept is None:
                self.counts.label_dropped += 1
                continue
            self.counts.relabelled += kept.label != pair.label
            self.counts.new += 1
            self.counts.methods[attempt.method] += 1
            yield kept
