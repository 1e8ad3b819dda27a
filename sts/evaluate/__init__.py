"""Measuring scores against labels: metrics with intervals, comparisons, prediction files, reports."""

from sts.evaluate.comparison import Comparison, compare
from sts.evaluate.metrics import Estimate, Metrics, measure

__all__ = ["Comparison", "Estimate", "Metrics", "compare", "measure"]
