"""`python -m sts.train`."""

from sts.cli import main

main("train")
