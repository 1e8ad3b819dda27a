"""`python -m sts.export`."""

from sts.cli import main

main("export")
