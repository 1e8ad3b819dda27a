"""The units of labels: what they are converted from, and whether they can be what they are said to be.

A similarity is a number from 0 to 5 everywhere in this project. Labels in other units are converted where they enter,
by an option and never by guess; labels that look like another unit than the one stated are refused.
"""

import math
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from sts.errors import DataError

ScaleName = Literal["0-5", "0-1", "1-5", "binary", "min-max"]
HIGHEST = 5.0
RANGES: dict[str, tuple[float, float]] = {"0-5": (0, 5), "0-1": (0, 1), "1-5": (1, 5), "binary": (0, 1)}
# so many labels without one below 1 are no chance
MANY = 50
# bad labels among all, from which on the scale is wrong and not the labels
MOST_OUTSIDE = 0.1
WORDS = {"true": 1.0, "false": 0.0, "yes": 1.0, "no": 0.0}


class OtherScaleError(DataError):
    """Labels are of another scale than the one that was stated.

    Attributes:
        found: what was found, without what to do.
        scale: the one that they seem to be of.
    """

    def __init__(self, found: str, scale: str, remedy: str) -> None:
        super().__init__(f"{found}; {remedy}")
        self.found, self.scale = found, scale


@dataclass(frozen=True)
class LabelOptions:
    """The units of labels.

    Args:
        label_scale: what labels are brought to 0 to 5 from: 0-5; 0-1; 1-5; binary = 0 or 1, true or false; min-max =
            from the smallest label to the largest; not given: 0-5, and labels that look like another scale stop the
            command
        invert_labels: a high label means that the sentences differ, so that they are turned round
    """

    label_scale: ScaleName | None = None
    invert_labels: bool = False

    def scale(self) -> "Scale":
        """The scale; that of min-max must be told its ends."""
        return Scale(self.label_scale or "0-5", inverted=self.invert_labels)

    def words(self) -> str:
        """The options as one types them."""
        scale = f"--label-scale {self.label_scale}" if self.label_scale else ""
        return f"{scale} {'--invert-labels' if self.invert_labels else ''}".strip()


ZERO_TO_FIVE = LabelOptions()


@dataclass(frozen=True)
class Scale:
    """From labels in some unit to similarities.

    Attributes:
        name: of the unit.
        low, high: its ends; for min-max those that were found, None before that.
        inverted: whether the high end means different.
    """

    name: str = "0-5"
    low: float | None = None
    high: float | None = None
    inverted: bool = False

    @property
    def ends(self) -> tuple[float, float]:
        """The ends of the unit; for min-max without ends, any number."""
        if self.low is not None and self.high is not None:
            return self.low, self.high
        return RANGES.get(self.name, (-math.inf, math.inf))

    def score(self, value: Any) -> float | str:
        """The similarity, 0 to 5, of a label as a file has it, or what is wrong with it."""
        number = self.number(value)
        low, high = self.ends
        if number is None and (isinstance(value, bool) or str(value).strip().lower() in WORDS):
            return f"{value!r:.60}; it must be a number; for true and false add --label-scale binary"
        if number is None:
            allowed = "0 or 1, true or false" if self.name == "binary" else "a number"
            between = f" from {low:g} to {high:g}" if math.isfinite(high) and self.name != "binary" else ""
            return f"{value!r:.60}; it must be {allowed}{between}"
        if self.name == "binary" and number not in (0, 1):
            return f"{value}; it must be 0 or 1 (--label-scale binary)"
        if not low <= number <= high:
            stated = "" if self.name == "0-5" else f" (--label-scale {self.name})"
            return f"{value}; it must lie in {low:g} to {high:g}{stated}"
        if math.isfinite(high):
            # what is in the project's own unit stays to the last digit
            share = number if (low, high) == (0, HIGHEST) else HIGHEST * (number - low) / ((high - low) or 1)
            return HIGHEST - share if self.inverted else share
        return number

    def number(self, value: Any) -> float | None:
        """The finite number that a label is or spells, else None; true and false are numbers of `binary` alone."""
        if isinstance(value, bool):
            return float(value) if self.name == "binary" else None
        # Python reads 0_5 as 5
        if not isinstance(value, int | float | str) or "_" in str(value):
            return None
        try:
            number = float(value)
        except (ValueError, OverflowError):
            return WORDS.get(str(value).strip().lower()) if self.name == "binary" else None
        return number if math.isfinite(number) else None

    def between(self, low: float, high: float) -> "Scale":
        """This scale with ends."""
        return replace(self, low=low, high=high)


STANDARD = Scale()


@dataclass
class LabelCheck:
    """Watches the labels of a file go by, and says whether they can be what they are said to be.

    Attributes:
        name: what messages call the file.
        options: what the user said of its labels.
        count: labels that were numbers.
        outside: those that were not in the scale.
        low, high: the smallest and the largest; infinite before the first.
        kinds: the distinct ones, no more than a few.
        whole: whether all are whole numbers.
    """

    name: str
    options: LabelOptions
    count: int = 0
    outside: int = 0
    low: float = math.inf
    high: float = -math.inf
    kinds: set[float] = field(default_factory=set)
    whole: bool = True

    def see(self, value: Any) -> None:
        """Take note of a label as the file has it."""
        scale = self.options.scale()
        number = scale.number(value)
        if number is None:
            return
        self.count += 1
        self.outside += isinstance(scale.score(value), str)
        self.low, self.high = min(self.low, number), max(self.high, number)
        self.whole &= number.is_integer()
        if len(self.kinds) < 4:
            self.kinds.add(number)

    def finish(self) -> None:
        """Check all that was seen.

        Raises:
            DataError: the labels are not in the scale, or look like another one that was not asked for.
        """
        stated = self.options.label_scale
        if self.outside > MOST_OUTSIDE * self.count and self.outside > 1:
            found = (
                f"{self.name}: {self.outside:,} of {self.count:,} labels are not in {stated or '0-5'}; they lie from "
                f"{self.low:g} to {self.high:g}"
            )
            raise OtherScaleError(found, self._fitting(), self._remedy(self._fitting()))
        if stated == "min-max" and self.count and self.low == self.high:
            raise DataError(f"{self.name}: all labels are {self.low:g}, so --label-scale min-max has no ends")
        guess = self._guess() if stated is None else None
        if guess is not None:
            found = f"{self.name}: the labels ({self._shown()}) look like {guess} and not like 0 to 5"
            remedy = f"{self._remedy(guess)}, or --label-scale 0-5 if they are right as they are"
            raise OtherScaleError(found, guess, remedy)

    def _guess(self) -> ScaleName | None:
        if self.kinds == {0, 1} or (self.kinds == {1} and self.count >= MANY):
            return "binary"
        if self.high <= 1 and self.low >= 0 and any(0 < value < 1 for value in self.kinds):
            return "0-1"
        if self.count < MANY or self.low < 0 or self.high > HIGHEST:
            return None
        ends = (1, HIGHEST) if self.whole else (1.5, 4.5)  # means of several people reach the ends less often
        if 1 <= self.low <= ends[0] and self.high >= ends[1]:
            return "1-5"
        # a scale of whole numbers that ends before 5, such as 0, 1, 2
        return "min-max" if self.whole and self.low < self.high < HIGHEST else None

    def _fitting(self) -> ScaleName:
        """The scale that labels which are not in the stated one lie in."""
        guess = self._guess()
        if guess not in (None, self.options.label_scale):
            return guess
        inside = self.low >= 0 and self.high <= HIGHEST and self.options.label_scale not in (None, "0-5")
        return "0-5" if inside else "min-max"

    def _shown(self) -> str:
        if len(self.kinds) < 4:
            return ", ".join(f"{value:g}" for value in sorted(self.kinds))
        return f"{'whole numbers' if self.whole else 'numbers'} from {self.low:g} to {self.high:g}"

    def _remedy(self, guess: ScaleName) -> str:
        return f"add --label-scale {guess}{' --invert-labels' if self.options.invert_labels else ''}"
