"""Silver pairs: sentences put together anew and labelled by a teacher (Augmented SBERT, Thakur et al. 2021).

The candidates are neighbours, for two sentences taken at random are nearly always unrelated: by the
vectors of a bi-encoder, by BM25 over morphemes, and a few at random. Of several teachers, the mean score is
the label: one student learns what the ensemble knows (Hinton et al. 2015, arXiv:1503.02531).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sts.errors import UsageError

if TYPE_CHECKING:
    import numpy as np
    from datasets import Dataset

    from sts.augment.teacher import Teacher

ORIGINS = ("nearest", "bm25", "random")


@dataclass(frozen=True)
class SilverSettings:
    """Silver pairs, labelled by --teacher.

    Args:
        silver_nearest: neighbours of each sentence by the vectors of --silver-encoder, or else of the bi-encoder as it
            is when training begins
        silver_bm25: neighbours of each sentence by BM25 over morphemes
        silver_random: sentences that each sentence is paired with at random
        silver_pairs: silver pairs at most, drawn from all those by chance
    """

    silver_nearest: int = 3
    silver_bm25: int = 2
    silver_random: int = 1
    silver_pairs: int = 20_000

    def __post_init__(self) -> None:
        numbers = {"nearest": self.silver_nearest, "bm25": self.silver_bm25, "random": self.silver_random}
        for name, value in numbers.items():
            if not 0 <= value <= 100:
                raise UsageError(f"--silver-{name} is {value}; allowed is 0 to 100")
        if not any(numbers.values()):
            raise UsageError("--silver-nearest, --silver-bm25 and --silver-random are all 0; one must be above")
        if self.silver_pairs < 1:
            raise UsageError(f"--silver-pairs is {self.silver_pairs}; allowed is 1 or more")


@dataclass(frozen=True)
class Silver:
    """Silver pairs.

    Attributes:
        pairs: columns sentence1, sentence2 and label, the mean of the teachers' scores, 0 to 5.
        origin: for each pair, which of `ORIGINS` proposed it first.
    """

    pairs: "Dataset"
    origin: list[str]


def make_silver(
    sentences: Sequence[str],
    known: set[frozenset[str]],
    encode: "Callable[[Sequence[str]], np.ndarray]",
    teachers: "Sequence[Callable[[], Teacher]]",
    settings: SilverSettings,
    *,
    seed: int,
    say: Callable[[str], None],
) -> Silver:
    """Put sentences together and let teachers label the pairs.

    Args:
        sentences: distinct sentences, two or more.
        known: pairs that there are already, in either order, and that no silver pair repeats.
        encode: vectors (n, d) of unit length of n sentences; called only where `settings` want the nearest.
        teachers: one or more; each loads a teacher, which scores the pairs and is let go before the next one is
            loaded, so that the memory holds one at a time.
        settings: how many of which.
        seed: decides the random pairs, and which pairs stay where there are too many.
        say: prints a line.

    Raises:
        DataError: the cache of the teachers' scores can't be written.
    """
    import numpy as np
    from datasets import Dataset

    from sts.augment.teacher import cached_scores

    say(
        f"silver pairs: looking for {settings.silver_nearest} nearest, {settings.silver_bm25} BM25 and "
        f"{settings.silver_random} random partners of {len(sentences):,} sentences"
    )
    found = _candidates(sentences, known, encode, settings, seed)
    judges = "the teacher" if len(teachers) == 1 else f"{len(teachers)} teachers, one after another"
    say(f"silver pairs: {len(found):,}, to be scored by {judges}")
    first = [sentences[a] for a, _, _ in found]
    second = [sentences[b] for _, b, _ in found]
    # kept by teacher, not as means, so that another choice of teachers finds the scores of those it has too
    scores = [cached_scores(load(), first, second) for load in teachers]
    label = np.mean(scores, axis=0).tolist()
    pairs = Dataset.from_dict({"sentence1": first, "sentence2": second, "label": label})
    return Silver(pairs, [origin for _, _, origin in found])


def _candidates(
    sentences: Sequence[str],
    known: set[frozenset[str]],
    encode: "Callable[[Sequence[str]], np.ndarray]",
    settings: SilverSettings,
    seed: int,
) -> list[tuple[int, int, str]]:
    """Row numbers of the two sentences of each pair, and who proposed it."""
    import numpy as np

    generator = np.random.default_rng(seed)
    size = len(sentences)
    proposals = []
    if settings.silver_nearest:
        proposals.append(("nearest", _nearest(encode(sentences), settings.silver_nearest + 1)))
    if settings.silver_bm25:
        from sts.text.bm25 import Bm25

        rows, scores = Bm25(sentences).search(sentences, settings.silver_bm25 + 1)
        # a row without a word in common is no neighbour: the sentence itself stands in, and is left out below
        proposals.append(("bm25", np.where(scores > 0, rows, np.arange(size)[:, None])))
    if settings.silver_random:
        proposals.append(("random", generator.integers(0, size, (size, settings.silver_random))))
    seen: set[tuple[int, int]] = set()
    found = []
    for origin, partners in proposals:
        for a, row in enumerate(partners.tolist()):
            for b in row:
                key = (min(a, b), max(a, b))
                if a != b and key not in seen and frozenset((sentences[a], sentences[b])) not in known:
                    seen.add(key)
                    found.append((a, b, origin))
    if len(found) > settings.silver_pairs:
        kept = np.sort(generator.choice(len(found), settings.silver_pairs, replace=False))
        found = [found[row] for row in kept]
    return found


def _nearest(vectors: "np.ndarray", count: int) -> "np.ndarray":
    """Row numbers (n, count) of the nearest vectors of each of n, itself among them."""
    import faiss

    index = faiss.IndexFlatIP(vectors.shape[1])
    index.add(vectors)
    return index.search(vectors, min(count, len(vectors)))[1]
