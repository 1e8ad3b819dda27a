"""Writing files and folders so that nobody ever sees half of one."""

import contextlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Any

from sts.errors import UsageError

# what every folder of results holds
REPORT_FILE = "report.md"


@contextlib.contextmanager
def replacing_file(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; on success it is renamed to `path`, else removed.

    Parent folders are made. An existing file is replaced in one step.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".partial")
    os.close(handle)
    partial = Path(name)
    try:
        yield partial
        partial.chmod(0o644)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


@contextlib.contextmanager
def replacing_folder(path: Path) -> Iterator[Path]:
    """Yield an empty temporary folder beside `path`; on success it takes the place of `path`.

    An existing folder at `path` stays untouched until the new one is complete.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(dir=path.parent, prefix=f".{path.name}.", suffix=".partial"))
    try:
        yield partial
        partial.chmod(0o755)
        if path.exists():
            retired = partial.with_suffix(".old")
            path.rename(retired)
            partial.rename(path)
            shutil.rmtree(retired)
        else:
            partial.rename(path)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def open_for_excel(path: Path) -> IO[str]:
    """Open a CSV file for writing, with a byte order mark, without which Excel does not read Korean."""
    return path.open("w", encoding="utf-8-sig", newline="")


def write_text(path: Path, text: str) -> None:
    """Write `text` as UTF-8 to `path`, all of it or nothing."""
    with replacing_file(path) as partial:
        partial.write_text(text, encoding="utf-8")


def write_json(path: Path, value: Any) -> None:
    """Write `value` as indented JSON with Korean text left readable, all of it or nothing."""
    write_text(path, json.dumps(value, ensure_ascii=False, indent=2) + "\n")


def check_output_folder(path: Path, marker: str, inputs: Iterable[str | Path | None], *, overwrite: bool) -> None:
    """Refuse an output folder that holds something, unless that is an earlier result to `overwrite`.

    Args:
        path: the folder.
        marker: the file that, beside the report, every result of this kind holds and no other kind does.
        inputs: what the command reads: files, folders, names of data sets, or None where an option is not given.
        overwrite: whether an earlier result may be replaced.

    Raises:
        UsageError: `path` is a file; or holds an input; or is not empty and `overwrite` is false, or it is no
            result of this kind, so that it may be anything.
    """
    if path.exists() and not path.is_dir():
        raise UsageError(f"--output {path}: is a file; name a folder that does not exist yet")
    check_inputs_outside(path, inputs)
    if not path.is_dir() or not any(path.iterdir()):
        return
    if not overwrite:
        raise UsageError(
            f"--output {path}: the folder is not empty; name another one, or add --overwrite to replace it"
        )
    missing = [name for name in (REPORT_FILE, marker) if not (path / name).is_file()]
    if missing:
        raise UsageError(
            f"--overwrite: {path} holds no {' and no '.join(missing)}, so it is no earlier result of this command; "
            "remove it by hand, or name another folder"
        )


def check_inputs_outside(folder: Path, inputs: Iterable[str | Path | None]) -> None:
    """Refuse to put a result in the place of what it is made from.

    Raises:
        UsageError: one of `inputs` is `folder` or lies in it.
    """
    for source in inputs:
        # a name of a data set or of a model on the hub is no path that exists
        if source is not None and Path(source).exists() and Path(source).resolve().is_relative_to(folder.resolve()):
            raise UsageError(f"--output: replacing {folder} would lose {source}, an input; name another folder")
