"""Training scorers on sentence pairs."""

from sts.train.record import Recipe
from sts.train.run import TrainingResult, train_scorer
from sts.train.settings import TrainSettings

__all__ = ["Recipe", "TrainSettings", "TrainingResult", "train_scorer"]
