"""From cosines to scores: the strictly rising curve that a bi-encoder's folder stores."""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sts.errors import TrainingError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike

MAX_SCORE = 5.0
# nearer to 1 (or -1) than this, a cosine is 1: float32 tells no more
EDGE = 1e-7


@dataclass(frozen=True)
class Calibration:
    """score = 5 / (1 + exp(-(rise · ln c - fall · ln(1 - c) + shift))) with c = (1 + cosine) / 2.

    Beta calibration (Kull et al. 2017, https://proceedings.mlr.press/v54/kull17a.html), fitted to labels 0
    to 5 by least squares. It has no steps, so the order of pairs stays as the cosines put it; a few hundred
    pairs fix its three numbers; and it ends near 0 and 5, so that a sentence with itself scores nearly 5.

    Attributes:
        rise: above 0.
        fall: above 0.
        shift: any number.
    """

    rise: float
    fall: float
    shift: float

    def scores(self, cosines: "ArrayLike") -> "np.ndarray":
        """Scores (n,), float32, 0 to 5, of cosines (n,), -1 to 1."""
        import numpy as np

        near, far = _logarithms(cosines)
        return (MAX_SCORE * logistic(self.rise * near - self.fall * far + self.shift)).astype(np.float32)

    def cosine(self, score: float) -> float:
        """The cosine at which the curve reaches `score`; infinite where no cosine does."""
        from scipy.optimize import brentq

        lowest, highest = 2 * EDGE - 1, 1 - 2 * EDGE
        ends = self.scores([lowest, highest])
        if not ends[0] < score < ends[1]:
            return -math.inf if score <= ends[0] else math.inf
        wanted = math.log(score / (MAX_SCORE - score)) - self.shift

        def beyond(cosine: float) -> float:
            near, far = _logarithms(cosine)
            return float(self.rise * near - self.fall * far - wanted)

        return float(brentq(beyond, lowest, highest, xtol=1e-12))


def logistic(values: "np.ndarray") -> "np.ndarray":
    """1 / (1 + exp(-x)) of each number, without overflow; SciPy's is half a second to import where a pair is scored."""
    import numpy as np

    found: np.ndarray = (1 + np.tanh(np.asarray(values) / 2)) / 2
    return found


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
            "the cosines do not rise with the labels of the pairs that the curve is fitted to, so they can't be made "
            "into scores; lower --learning-rate, train longer, or check that the labels vary"
        )
    near, far = _logarithms(cosine)
    # in units of their own mean and spread, so that the search starts near its end wherever the cosines lie
    middle, spread = np.array([near.mean(), -far.mean()]), np.array([near.std(), far.std()])
    standard = (np.stack([near, -far], axis=1) - middle) / spread

    def residuals(parameters: "np.ndarray") -> "np.ndarray":
        return MAX_SCORE * logistic(standard @ np.exp(parameters[:2]) + parameters[2]) - target

    # weights far below 0 say that one of the two logarithms is not needed
    found = least_squares(residuals, [0.0, 0.0, 0.0], bounds=([-12, -12, -np.inf], np.inf)).x
    weights = np.exp(found[:2]) / spread
    return Calibration(float(weights[0]), float(weights[1]), float(found[2] - weights @ middle))


def _logarithms(cosines: "ArrayLike") -> "tuple[np.ndarray, np.ndarray]":
    """Natural logarithms: ln c and ln(1 - c) of c = (1 + cosine) / 2."""
    import numpy as np

    share = np.clip((1 + np.asarray(cosines, dtype=np.float64)) / 2, EDGE, 1 - EDGE)
    return np.log(share), np.log1p(-share)
