"""The behaviour suite: pairs whose score must lie in a range, counted by phenomenon.

A correlation says how good a scorer is on average; this says what it knows: opposites, negation, who does what to whom,
other words for the same. Method: CheckList, Ribeiro et al. 2020, https://aclanthology.org/2020.acl-main.442.
"""

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sts import __version__
from sts.errors import DataError
from sts.files.columns import Columns
from sts.files.options import AS_FOUND, FileOptions
from sts.files.table import Say, read_table, silent
from sts.models.calibration import MAX_SCORE
from sts.pairs.load import bundled_file
from sts.pairs.rows import ALIASES, SENTENCES, check_sentence, number_of
from sts.text.form import composed

if TYPE_CHECKING:
    import numpy as np

    from sts.models import BiScorer, CrossScorer

# one half to look at while choosing; the other is for the end
OPEN, HELD_OUT = "behaviour-open", "behaviour-held-out"
SUITES = {OPEN: "open.tsv", HELD_OUT: "held-out.tsv"}
COLUMNS = Columns(("phenomenon", *SENTENCES, "min", "max"), aliases={name: ALIASES[name] for name in SENTENCES})
CONFIDENCE = 0.95


@dataclass(frozen=True)
class Expectation:
    """A pair, what it tests, and the scores (0 to 5) that are right, both ends among them."""

    phenomenon: str
    sentence1: str
    sentence2: str
    low: float
    high: float

    def holds(self, score: float) -> bool:
        """Whether the score is right."""
        return self.low <= score <= self.high


@dataclass(frozen=True)
class Suite:
    """n expectations, where they come from, and the SHA-256 of what they say."""

    description: str
    expectations: list[Expectation]
    fingerprint: str


@dataclass(frozen=True)
class PassRate:
    """How many of a number of pairs got a right score.

    Attributes:
        pairs: how many there are.
        right: those with a right score.
        low, high: 95 % interval of the share (Wilson 1927), 0 to 1.
    """

    pairs: int
    right: int
    low: float
    high: float

    @property
    def share(self) -> float:
        """The share that is right, 0 to 1."""
        return self.right / self.pairs


@dataclass(frozen=True)
class Behaviour:
    """What a scorer makes of a suite.

    Attributes:
        name: the scorer, as the user named it.
        suite: the expectations.
        scores: float (n,), 0 to 5.
    """

    name: str
    suite: Suite
    scores: "np.ndarray"

    @property
    def right(self) -> "np.ndarray":
        """Bool (n,), which scores are right."""
        import numpy as np

        # as they are shown: four decimals, which no kernel moves
        found = np.round(np.asarray(self.scores, dtype=np.float64), 4)
        return np.array([each.holds(score) for each, score in zip(self.suite.expectations, found, strict=True)], bool)

    def rows(self) -> dict[str, list[int]]:
        """The places of each phenomenon's pairs, in the order of the suite."""
        found: dict[str, list[int]] = {}
        for place, each in enumerate(self.suite.expectations):
            found.setdefault(each.phenomenon, []).append(place)
        return found

    def rates(self) -> dict[str, PassRate]:
        """The pass rate of each phenomenon, in the order of the suite."""
        right = self.right
        return {name: pass_rate(right[places]) for name, places in self.rows().items()}

    def total(self) -> PassRate:
        """The pass rate of all pairs."""
        return pass_rate(self.right)

    def failures(self) -> list[tuple[Expectation, float]]:
        """The pairs with a wrong score and that score, those farthest from their range first."""
        wrong = [
            (each, float(score))
            for each, score, right in zip(self.suite.expectations, self.scores, self.right, strict=True)
            if not right
        ]
        return sorted(wrong, key=lambda found: -max(found[0].low - found[1], found[1] - found[0].high))

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "model": self.name,
            "suite": self.suite.description,
            "fingerprint": self.suite.fingerprint,
            "total": asdict(self.total()),
            "phenomena": {name: asdict(rate) for name, rate in self.rates().items()},
            "failures": [asdict(each) | {"score": round(score, 4)} for each, score in self.failures()],
            "sts_version": __version__,
        }


def pass_rate(right: "np.ndarray") -> PassRate:
    """The pass rate of bool (n,), n of 1 or more."""
    from scipy.stats import binomtest

    found = binomtest(int(right.sum()), len(right)).proportion_ci(CONFIDENCE, method="wilson")
    return PassRate(len(right), int(right.sum()), float(found.low), float(found.high))


def read_suite(source: str, *, files: FileOptions = AS_FOUND, say: Say = silent) -> Suite:
    """Read a suite.

    Args:
        source: a file with the columns `phenomenon`, `sentence1`, `sentence2`, `min` and `max`, or the name of a
            bundled half, `behaviour-open` or `behaviour-held-out`.
        files: how the file is read.
        say: told what was assumed.

    Raises:
        DataError: the file can't be read, has no rows, or one that can't be used.
    """
    path = bundled_file("behaviour", SUITES[source]) if source in SUITES else Path(source)
    found = list(_expectations(path, files, say))
    if not found:
        raise DataError(f"{path}: holds no pairs; a suite has one or more rows")
    rows = [[each.phenomenon, each.sentence1, each.sentence2, each.low, each.high] for each in found]
    digest = hashlib.sha256(json.dumps(rows, ensure_ascii=False).encode()).hexdigest()
    return Suite(f"{source}: {len(found):,} pairs", found, digest)


def _expectations(path: Path, files: FileOptions, say: Say) -> Iterator[Expectation]:
    for row in read_table(path, COLUMNS, options=files, say=say):
        found = row.fields if isinstance(row.fields, str) else _expectation(row.fields)
        if isinstance(found, str):
            raise DataError(f"{path}, {row.place}: {found}")
        yield found


def _expectation(fields: dict[str, Any]) -> Expectation | str:
    """The expectation that a row's fields are, or what is wrong with them."""
    missing = [name for name in COLUMNS.needed if name not in fields]
    if missing:
        return f"field '{missing[0]}' is missing; found {', '.join(fields):.200}"
    for name in ("phenomenon", *SENTENCES):
        if problem := check_sentence(name, fields[name]):
            return problem
    low, high = number_of(fields["min"]), number_of(fields["max"])
    if low is None or high is None or not 0 <= low <= high <= MAX_SCORE:
        return (
            f"fields 'min' and 'max' are {fields['min']!r:.40} and {fields['max']!r:.40}; "
            "they must be numbers from 0 to 5, min not above max"
        )
    name, first, second = (composed(fields[each]).strip() for each in ("phenomenon", *SENTENCES))
    return Expectation(name, first, second, low, high)


def measure_behaviour(
    name: str, scorer: "CrossScorer | BiScorer", suite: Suite, *, batch_size: int = 64, progress: bool = False
) -> Behaviour:
    """Score a suite's pairs.

    Args:
        name: what the scorer is called.
        scorer: the scorer.
        suite: the pairs.
        batch_size: pairs that go through the network together, at most.
        progress: show a progress bar on standard error.

    Raises:
        DataError: a score is not a number from 0 to 5.
    """
    first, second = ([getattr(each, column) for each in suite.expectations] for column in SENTENCES)
    scores = scorer.score(first, second, batch_size=batch_size, progress=progress).scores
    if not ((scores >= 0) & (scores <= MAX_SCORE)).all():
        raise DataError(f"{name}: not all of its scores are numbers from 0 to 5; the model is damaged, train it again")
    return Behaviour(name, suite, scores)


def differences(a: Behaviour, b: Behaviour) -> tuple[dict[str, float], float]:
    """How likely it is by chance that, of the pairs that one scorer alone gets right, so many go to one of the two.

    The exact test of McNemar (1947).

    Returns:
        p, two-sided, of each phenomenon, and of all pairs.
    """
    import numpy as np
    from scipy.stats import binomtest

    def chance(places: "Sequence[int] | np.ndarray") -> float:
        only_a, only_b = (int((x[places] & ~y[places]).sum()) for x, y in ((right_a, right_b), (right_b, right_a)))
        return float(binomtest(only_a, only_a + only_b).pvalue) if only_a + only_b else 1.0

    right_a, right_b = a.right, b.right
    return {name: chance(places) for name, places in a.rows().items()}, chance(np.arange(len(right_a)))
