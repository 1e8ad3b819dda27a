"""khaiii (https://github.com/kakao/khaiii), by its own Python binding."""

import ctypes
import ctypes.util
import hashlib
from collections.abc import Iterable, Iterator
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from sts.errors import UsageError
from sts.text.analysers.base import Morpheme

# what khaiii's C++ side converts text in; without it, the first sentence ends the whole process
LOCALE = "en_US.UTF-8"
HOW_TO_BUILD = (
    "build it in a virtual environment from https://github.com/kakao/khaiii: mkdir build && cd build && cmake .. && "
    "make "
    "package_python && cd package_python && pip install . (cmake fetches its libraries; on Debian: apt-get install "
    "cmake g++ git locales)"
)
# glibc's; other systems number theirs otherwise
LC_ALL_MASK = 0x1FBF


class KhaiiiAnalyser:
    """khaiii, which must be built from source; Sejong tags.

    Raises:
        UsageError: it, its resources or the locale that it needs is missing.
    """

    name = "khaiii"
    sejong = True

    def __init__(self) -> None:
        self._api, self.versions = shared_khaiii()

    def analyse(self, text: str) -> list[Morpheme]:
        """The morphemes of a text, in text order."""
        # C text ends at the first NUL, and UTF-8 has no halves of characters
        clean = "".join(_acceptable(letter) for letter in text)
        if not clean.strip():
            return []
        return [
            Morpheme(morph.lex, morph.tag, morph.begin, morph.length)
            for word in self._api.analyze(clean)
            for morph in word.morphs
        ]

    def analyse_many(self, texts: Iterable[str]) -> Iterator[list[Morpheme]]:
        """The morphemes of each text, one after the other."""
        return map(self.analyse, texts)


@lru_cache(maxsize=1)
def shared_khaiii() -> tuple[Any, dict[str, str]]:
    """The one khaiii of this process, for it does not give its memory back; and the versions of its parts.

    Raises:
        UsageError: it, its resources or the locale that it needs is missing.
    """
    try:
        import khaiii

        opened, failed = khaiii.KhaiiiApi, khaiii.KhaiiiExcept
    except (ImportError, AttributeError) as error:  # AttributeError: another module of that name
        raise UsageError(f"analyser 'khaiii': not installed, and not on PyPI; {HOW_TO_BUILD}, or take kiwi") from error
    if not has_locale(LOCALE):
        raise UsageError(
            f"analyser 'khaiii': needs the locale {LOCALE}, which this system does not have; make it with "
            "`localedef -i en_US -f UTF-8 en_US.UTF-8` (on Debian: apt-get install locales), or take kiwi"
        )
    try:
        api = opened()
    # an empty or foreign library: ctypes' errors (OSError, AttributeError); missing resources: the binding's own
    except (failed, OSError, AttributeError) as error:
        raise UsageError(
            f"analyser 'khaiii': its library or resources can't be opened ({error}); {HOW_TO_BUILD}, or take kiwi"
        ) from error
    try:
        found = version("khaiii")
    except PackageNotFoundError:  # the binding may lie on the path without being a package
        found = str(api.version())
    versions = {"khaiii": found}
    # both of its models have the version 0.4
    if resources := fingerprint(Path(khaiii.__file__).parent / "share" / "khaiii"):
        versions["khaiii-resources"] = resources
    return api, versions


def has_locale(name: str) -> bool:
    """Whether the C library can take a locale; where there is no way to ask, it is taken to."""
    library = ctypes.util.find_library("c")
    if (
        library is None
        or not hasattr(libc := ctypes.CDLL(library), "newlocale")
        or not hasattr(libc, "gnu_get_libc_version")
    ):
        return True
    libc.newlocale.restype = ctypes.c_void_p
    libc.newlocale.argtypes = [ctypes.c_int, ctypes.c_char_p, ctypes.c_void_p]
    libc.freelocale.argtypes = [ctypes.c_void_p]
    handle = libc.newlocale(LC_ALL_MASK, name.encode(), None)
    if not handle:
        return False
    libc.freelocale(handle)
    return True


def fingerprint(folder: Path) -> str:
    """What tells khaiii's resources from others': 12 digits of a SHA-256 of a folder's files; empty without any."""
    digest = hashlib.sha256()
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    for path in files:
        digest.update(f"{path.relative_to(folder)}\0".encode())
        with path.open("rb") as stream:
            digest.update(hashlib.file_digest(stream, "sha256").digest())
    return digest.hexdigest()[:12] if files else ""


def _acceptable(letter: str) -> str:
    if letter == "\0":
        return " "
    return "\ufffd" if "\ud800" <= letter <= "\udfff" else letter
