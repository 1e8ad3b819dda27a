"""`python -m sts.pairs report`."""

from sts.cli import main

main("pairs")
