"""`python -m sts.text corrections`, `python -m sts.text compare`."""

from sts.cli import main

main("text")
