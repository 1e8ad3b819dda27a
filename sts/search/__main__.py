"""`python -m sts.search build|add|delete|query|duplicates|info`."""

from sts.cli import main

main("search")
