"""Scorers: saved, self-contained models that score pairs of sentences from 0 to 5."""

from sts.bundled import BUNDLED_BI, BUNDLED_CROSS
from sts.models.bi import BiScorer, Encoded
from sts.models.calibration import Calibration
from sts.models.cross import CrossScorer
from sts.models.info import DEFAULT_THRESHOLD, ScorerInfo
from sts.models.load import load_scorer
from sts.models.scorer import Scored, Scorer

__all__ = [
    "BUNDLED_BI",
    "BUNDLED_CROSS",
    "DEFAULT_THRESHOLD",
    "BiScorer",
    "Calibration",
    "CrossScorer",
    "Encoded",
    "Scored",
    "Scorer",
    "ScorerInfo",
    "load_scorer",
]
