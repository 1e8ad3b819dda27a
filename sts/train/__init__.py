"""Training scorers on sentence pairs."""

from sts.train.run import TrainingResult, train_scorer
from sts.train.settings import TrainSettings

__all__ = ["TrainSettings", "TrainingResult", "train_scorer"]
