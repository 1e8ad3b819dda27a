"""From cosines to scores: the strictly rising curve that a bi-encoder's folder stores."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sts.errors import TrainingError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike

MAX_SCORE = 5.0


@dataclass(frozen=True)
class Calibration:
    """score = 5 / (1 + exp(-(slope * cosine + intercept))).

    Two parameters and no steps: the order of pairs stays as the cosines put it, and a few hundred
    pairs fix the curve (the form of Platt's scaling, fitted to labels 0 to 5 by least squares).

    Attributes:
        slope: above 0.
        intercept: any number.
    """

    slope: float
    intercept: float

    def scores(self, cosines: "ArrayLike") -> "np.ndarray":
        """Scores (n,), float32, 0 to 5, of cosines (n,), -1 to 1."""
        import numpy as np

        return _curve(np.asarray(cosines, dtype=np.float64), self.slope, self.intercept).astype(np.float32)

    def cosine(self, score: float) -> float:
        """The cosine at which the curve reaches `score`; below -1 or above 1 where no cosine does."""
        import math

        if not 0 < score < MAX_SCORE:
            return -math.inf if score <= 0 else math.inf
        return (math.log(score / (MAX_SCORE - score)) - self.intercept) / self.slope


def fit_calibration(cosines: "np.ndarray", label: "np.ndarray") -> Calibration:
    """The curve nearest to the labels by least squares.

    Args:
        cosines: (n,), -1 to 1.
        label: (n,), 0 to 5.

    Raises:
        TrainingError: no rising curve fits, since the cosines do not rise with the labels.
    """
    import numpy as np
    from scipy.optimize import least_squares

    cosine, target = np.asarray(cosines, dtype=np.float64), np.asarray(label, dtype=np.float64)
    if not np.isfinite(cosine).all() or np.ptp(cosine) < 1e-6 or not np.corrcoef(cosine, target)[0, 1] > 0:
        raise TrainingError(
            "the cosines do not rise with the labels of the validation pairs, so they can't be made into scores; "
            "lower --learning-rate, train longer, or check that the labels vary"
        )
    # in units of the cosines' own mean and spread, so that the search starts near its end wherever they lie
    middle, spread = float(cosine.mean()), float(cosine.std())
    standard = (cosine - middle) / spread

    def residuals(parameters: "np.ndarray") -> "np.ndarray":
        return _curve(standard, np.exp(parameters[0]), parameters[1]) - target

    steep, shift = least_squares(residuals, [0.0, 0.0]).x
    slope = float(np.exp(steep)) / spread
    return Calibration(slope, float(shift) - slope * middle)


def _curve(cosines: "np.ndarray", slope: float, intercept: float) -> "np.ndarray":
    from scipy.special import expit

    return MAX_SCORE * expit(slope * cosines + intercept)
