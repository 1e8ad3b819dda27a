"""`python -m sts.evaluate`."""

from sts.cli import main

main("evaluate")
