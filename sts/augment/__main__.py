"""`python -m sts.augment`."""

from sts.cli import main

main("augment")
