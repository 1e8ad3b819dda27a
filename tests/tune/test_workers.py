"""Several real processes on one study, one of them killed in the middle of a trial."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import optuna
import pytest

from sts.tune.storage import open_storage
from sts.tune.trials import counted, superseded

TRIALS = 5
PATIENCE = 240


def start(words, output, storage, *more):
    command = [sys.executable, "-m", "sts.tune", *words, "--study", "many", "--storage", storage, "--worker"]
    command += ["--output", str(output), "--trials", str(TRIALS), *more]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, encoding="utf-8", env=environment
    )


def wait_for(condition, processes):
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, "waited too long"
        assert any(process.poll() is None for process in processes), [process.stdout.read() for process in processes]
        time.sleep(0.2)


def trials_in(storage, folder):
    with open_storage(storage, folder) as opened:
        try:
            return optuna.load_study(study_name="many", storage=opened).get_trials()
        except KeyError:  # not made yet
            return []


def running(storage, folder, process):
    """The numbers of the trials that a process runs."""
    return [
        trial.number
        for trial in trials_in(storage, folder)
        if trial.state.name == "RUNNING" and trial.user_attrs.get("worker", {}).get("pid") == process.pid
    ]


def run_two_and_kill_one(words, folder, storage):
    """Start two processes, kill one in the middle of a trial; its trials then, and what the other one said."""
    with start(words, folder / "first", storage) as first, start(words, folder / "second", storage) as second:
        try:
            wait_for(lambda: all(running(storage, folder, each) for each in (first, second)), [first, second])
            lost = []
            while not lost:  # stopped, or its trial might end before it is killed; between two trials there is none
                first.send_signal(signal.SIGSTOP)
                lost = running(storage, folder, first)
                if not lost:
                    first.send_signal(signal.SIGCONT)
            first.kill()
            first.wait()
            told, _ = second.communicate(timeout=PATIENCE)
        finally:
            first.kill()
            second.kill()
        assert second.returncode == 0, told
    return lost, told


@pytest.mark.parametrize("kept_in", ["journal", "postgres"])
def test_a_killed_process_costs_the_study_nothing(words, tmp_path, request, kept_in):
    storage = str(tmp_path / "many.journal") if kept_in == "journal" else request.getfixturevalue("postgres")
    lost, told = run_two_and_kill_one(words, tmp_path, storage)
    trials = trials_in(storage, tmp_path)
    assert len(counted(trials)) == TRIALS
    assert {trial.state.name for trial in counted(trials)} <= {"COMPLETE", "PRUNED"}
    assert superseded(trials) == set(lost)
    for number in lost:
        assert f"trial {number}: the process that ran it is no more; it is run again" in told
        (repeat,) = [trial for trial in trials if trial.system_attrs.get("retry_history") == [number]]
        assert repeat.params.items() >= trials[number].params.items()


@pytest.fixture
def postgres():
    """The URL of a PostgreSQL server that lives as long as the test."""
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not programs:
        if os.environ.get("CI"):
            pytest.fail("PostgreSQL is not installed: apt-get install postgresql")
        pytest.skip("PostgreSQL is not installed: apt-get install postgresql")
    folder = Path(tempfile.mkdtemp(prefix="sts-postgres-"))  # pytest's own is closed to other users
    # the server refuses to run as root
    user = ["runuser", "-u", "postgres", "--"] if os.getuid() == 0 else []
    if user:
        shutil.chown(folder, "postgres")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]

    def call(program, *words):
        command = [*user, str(programs[-1].with_name(program)), "-D", str(folder / "data"), *words]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd=folder)

    try:
        call("initdb", "-A", "trust", "-U", "sts", "-E", "UTF8", "--no-sync")
        call("pg_ctl", "-w", "-l", str(folder / "log"), "-o", f"-p {port} -h 127.0.0.1 -k {folder} -F", "start")
        try:
            yield f"postgresql+pg8000://sts@127.0.0.1:{port}/postgres"
        finally:
            call("pg_ctl", "-w", "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
