"""The scorers that come with the package, for whoever names none; the README of each folder is its model card."""

from pathlib import Path
from typing import NewType

# a command's option that names a scorer: its folder, or one of the names below
ScorerPath = NewType("ScorerPath", Path)

ASSETS = Path(__file__).parent / "assets"
BUNDLED_CROSS, BUNDLED_BI = ScorerPath(ASSETS / "cross"), ScorerPath(ASSETS / "bi")
NAMES = {"bundled-cross": BUNDLED_CROSS, "bundled-bi": BUNDLED_BI}


def scorer_folder(name: str | Path) -> ScorerPath:
    """The folder that a scorer's name stands for: one of the bundled ones', or the name itself."""
    return NAMES.get(str(name), ScorerPath(Path(name)))


def scorer_name(folder: Path) -> str:
    """What to remember a scorer by: the name of a bundled one, wherever the package lies, else its path."""
    here = folder.resolve()
    return next((name for name, bundled in NAMES.items() if bundled.resolve() == here), str(folder))
