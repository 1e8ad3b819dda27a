"""Scorers: saved, self-contained models that score pairs of sentences from 0 to 5."""

from sts.models.info import DEFAULT_THRESHOLD, ScorerInfo
from sts.models.scorer import CrossScorer, Scored, Scorer, load_scorer

__all__ = ["DEFAULT_THRESHOLD", "CrossScorer", "Scored", "Scorer", "ScorerInfo", "load_scorer"]
