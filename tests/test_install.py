"""The package as it is installed: a wheel that scores by itself, with no network to reach."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
# every call that would leave the process fails, and is written down
NO_NETWORK = """
import sys

def refuse(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto", "socket.sendmsg"):
        with open({log!r}, "a") as log:
            log.write(f"{{event}} {{arguments}}\\n")
        raise OSError("there is no network")

sys.addaudithook(refuse)
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """Built from a copy, so that nothing is written into the checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    files = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    for name in files:
        if (ROOT / name).is_file():
            (folder / "source" / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / "source" / name).write_bytes((ROOT / name).read_bytes())
    words = ["pip", "wheel", "--no-deps", "--no-build-isolation", "--quiet", "--wheel-dir", str(folder), "./source"]
    subprocess.run([sys.executable, "-m", *words], cwd=folder, check=True)
    (found,) = folder.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """Runs the installed `sts` command, away from the checkout and without a network."""
    folder = tmp_path_factory.mktemp("installed")
    words = ["pip", "install", "--no-deps", "--no-index", "--quiet", "--target", str(folder / "packages"), str(wheel)]
    subprocess.run([sys.executable, "-m", *words], check=True)
    log = folder / "network.log"
    (folder / "hook").mkdir()
    (folder / "hook" / "sitecustomize.py").write_text(NO_NETWORK.format(log=str(log)), encoding="utf-8")

    def call(*words):
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("HF_", "STS_"))}
        environment |= {"PYTHONPATH": f"{folder / 'hook'}:{folder / 'packages'}", "HOME": str(folder)}
        done = subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True)
        assert not log.exists(), log.read_text(encoding="utf-8")
        return done

    call.folder = folder
    return call


def test_the_wheel_holds_both_scorers_and_their_cards(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    files = ("README.md", "config.json", "model.onnx", "sts.json", "tokenizer.json")
    assert {f"sts/assets/{folder}/{name}" for folder in ("cross", "bi") for name in files} <= names
    assert "sts/assets/README.md" in names


def test_the_network_is_really_refused(installed):
    code = "import urllib.request; urllib.request.urlopen('http://127.0.0.1:9/')"
    environment = {**os.environ, "PYTHONPATH": str(installed.folder / "hook")}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)
    assert "there is no network" in done.stderr
    (installed.folder / "network.log").unlink()


def test_it_scores_two_sentences_right_away(installed):
    where = installed(sys.executable, "-c", "import sts; print(sts.__file__)")
    assert where.stdout.startswith(str(installed.folder / "packages"))
    done = installed(
        str(installed.folder / "packages" / "bin" / "sts"),
        "score",
        "방이 정말 깨끗했어요.",
        "객실이 매우 청결했습니다.",
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith("  similar (threshold 3)\n")
    assert 3 <= float(done.stdout.split()[0]) <= 5


def test_it_indexes_and_finds_without_a_model(installed):
    path = installed.folder / "sentences.txt"
    path.write_text("거실 불을 꺼 줘.\n객실이 매우 청결했습니다.\n정부가 정책을 발표했다.\n", encoding="utf-8")
    sts = [sys.executable, "-m", "sts.search"]
    assert installed(*sts, "build", "--sentences", path.name, "--index", "index").returncode == 0
    done = installed(*sts, "query", "방이 정말 깨끗했어요.", "--index", "index", "--top-k", "1", "--json")
    assert "객실이 매우 청결했습니다." in done.stdout
