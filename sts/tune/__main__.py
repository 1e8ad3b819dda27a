"""`python -m sts.tune`."""

from sts.cli import main

main("tune")
