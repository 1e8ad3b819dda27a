"""Augmentation: new training pairs made of the ones there are."""

from sts.augment.dataset import augment_dataset
from sts.augment.mix import METHODS, check_settings, parse_mix
from sts.augment.run import Counts, augment_pairs
from sts.augment.settings import AugmentSettings

__all__ = [
    "METHODS",
    "AugmentSettings",
    "Counts",
    "augment_dataset",
    "augment_pairs",
    "check_settings",
    "parse_mix",
]
