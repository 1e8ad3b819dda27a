"""`python -m sts.serve`."""

from sts.cli import main

main("serve")
