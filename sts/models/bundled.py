"""The scorers that come with the package, for whoever names none; the README of each folder is its model card."""

from pathlib import Path

ASSETS = Path(__file__).parent.parent / "assets"
BUNDLED_CROSS, BUNDLED_BI = ASSETS / "cross", ASSETS / "bi"
