"""The `sts` command: every command behind one entry point."""

from sts.cli import main

main()
