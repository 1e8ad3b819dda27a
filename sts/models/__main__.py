"""`python -m sts.models`."""

from sts.cli import main

main("models")
