"""The scorers that come with the package, for whoever names none; the README of each folder is its model card."""

from pathlib import Path

ASSETS = Path(__file__).parent.parent / "assets"
BUNDLED_CROSS, BUNDLED_BI = ASSETS / "cross", ASSETS / "bi"
NAMES = {"bundled-cross": BUNDLED_CROSS, "bundled-bi": BUNDLED_BI}


def scorer_folder(name: str | Path) -> Path:
    """The folder that a scorer's name stands for: one of the bundled ones', or the name itself."""
    return NAMES.get(str(name), Path(name))


def scorer_name(folder: Path) -> str:
    """What to remember a scorer by: the name of a bundled one, wherever the package lies, else its whole path."""
    here = folder.resolve()
    return next((name for name, bundled in NAMES.items() if bundled.resolve() == here), str(here))
