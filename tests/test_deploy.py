"""The examples in deploy/: read by what they are for, where that is at hand, and held against the code."""

import configparser
import json
import os
import re
import shlex
import shutil
import socket
import struct
import subprocess
import sys
from collections import defaultdict
from dataclasses import fields
from pathlib import Path

import pytest
import torch

from sts.models import CrossScorer, ScorerInfo
from sts.models.network import new_cross_network
from sts.models.torch_runtime import TorchRuntime
from sts.serve.settings import ServeSettings
from sts.serve.workers import GRACE_SECONDS

ROOT = Path(__file__).parents[1]
DEPLOY = ROOT / "deploy"
DEFAULTS = {entry.name: entry.default for entry in fields(ServeSettings)}
VARIABLES = {f"STS_{name.upper()}" for name in DEFAULTS} | {"STS_API_KEYS", "STS_WRITE_KEYS", "STS_CONFIG"}


@pytest.fixture(scope="module")
def model(tiny_encoder, tmp_path_factory):
    torch.manual_seed(1)
    folder = tmp_path_factory.mktemp("deploy") / "model"
    folder.mkdir()
    info = ScorerInfo("cross", "tiny", "a test", "linear", max_length=32, orders="one")
    CrossScorer(TorchRuntime(new_cross_network(tiny_encoder, head="linear", max_length=32), "fp32"), info).save(folder)
    return folder


def environment(**variables):
    """This process's, with these settings of the server alone."""
    return {name: value for name, value in os.environ.items() if not name.startswith("STS_")} | variables


# gunicorn.conf.py


def gunicorn(*words, **variables):
    command = [sys.executable, "-m", "gunicorn", "-c", str(DEPLOY / "gunicorn.conf.py"), *words, "wsgi:app"]
    return subprocess.run(
        command, cwd=ROOT, env=environment(**variables), capture_output=True, text=True, timeout=60, check=False
    )


def test_gunicorn_takes_its_settings_and_the_application(model):
    done = gunicorn("--print-config", STS_MODEL=str(model), STS_PORT="8123", STS_WORKERS="2", STS_TIMEOUT="20")
    assert done.returncode == 0, done.stderr
    found = dict(re.findall(r"^(\w+) += (.*)$", done.stdout, re.M))
    assert found["bind"] == "['127.0.0.1:8123']"
    assert (found["workers"], found["worker_class"], found["threads"]) == (
        "2",
        "sts.serve.worker.Worker",
        str(DEFAULTS["threads"]),
    )
    assert found["graceful_timeout"] == str(20 + GRACE_SECONDS)
    assert found["preload_app"] == "False"
    assert found["on_starting"] != found["when_ready"]  # ours, and one that does nothing


def test_every_name_in_gunicorns_settings_is_known_to_it(model):
    # Gunicorn passes over a name that it does not know, so that a mistake would go unseen
    script = (
        "import runpy; from gunicorn.config import Config; names = {name for name in "
        f"runpy.run_path({str(DEPLOY / 'gunicorn.conf.py')!r}) if not name.startswith('_')}}; "
        "print(len(names)); print(sorted(names - set(Config().settings)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT, env=environment(STS_MODEL=str(model)), capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    count, unknown = done.stdout.splitlines()
    assert int(count) > 10
    assert unknown == "[]"


@pytest.mark.parametrize(
    ("variables", "told"),
    [
        ({"STS_MODEL": "missing"}, "--model: missing: no such scorer folder"),
        ({"STS_MODEL": "MODEL", "STS_PORT": "many"}, "port"),
        ({"STS_MODEL": "MODEL", "STS_MAX_BATCH": "0"}, "--max-batch is 0"),
        ({"STS_MODEL": "MODEL", "STS_INDEX": "missing"}, "--index: missing"),
        ({"STS_CONFIG": "missing.yaml"}, "missing.yaml"),
    ],
)
def test_a_wrong_setting_is_one_line_from_gunicorn(model, variables, told):
    variables = {name: str(model) if value == "MODEL" else value for name, value in variables.items()}
    done = gunicorn(**variables)
    assert done.returncode == 2
    (line,) = done.stderr.strip().splitlines()
    assert line.startswith("gunicorn.conf.py: ")
    assert told in line
    assert done.stdout == ""


# Dockerfile


def instructions():
    """(instruction, rest) of the Dockerfile, lines that go on joined."""
    lines = [line for line in (DEPLOY / "Dockerfile").read_text().splitlines() if not line.lstrip().startswith("#")]
    joined = "\n".join(lines).replace("\\\n", " ")
    return [tuple(line.split(maxsplit=1)) for line in joined.splitlines() if line.strip()]


def of(name):
    return [rest for instruction, rest in instructions() if instruction == name]


def test_the_image_has_known_instructions_and_a_python_that_the_package_allows():
    known = {
        "FROM", "WORKDIR", "COPY", "ARG", "RUN", "ENV", "USER", "VOLUME", "EXPOSE", "STOPSIGNAL", "HEALTHCHECK", "CMD",
    }  # fmt: skip
    assert {instruction for instruction, _ in instructions()} == known
    settings = configparser.ConfigParser()
    settings.read(ROOT / "setup.cfg")
    least = tuple(map(int, settings["options"]["python_requires"].removeprefix(">=").split(".")))
    versions = [re.match(r"python:(\d+)\.(\d+)-slim\b", image) for image in of("FROM")]
    assert len(versions) == 2
    assert all(tuple(map(int, version.groups())) >= least for version in versions)
    assert len({version.group() for version in versions}) == 1  # a virtual environment belongs to one Python
    classified = settings["metadata"]["classifiers"]
    assert "Python :: " + ".".join(versions[0].groups()) in classified


def test_what_the_image_copies_is_there_and_not_ignored():
    copied = [word for rest in of("COPY") if "--from" not in rest for word in rest.split()[:-1]]
    assert "sts" in copied
    assert "constraints.txt" in copied
    ignored = (DEPLOY / "Dockerfile.dockerignore").read_text().split("\n")
    kept = [line[1:] for line in ignored if line.startswith("!")]
    assert "*" in ignored
    assert sorted(copied) == sorted(kept)
    assert all((ROOT / name).exists() for name in copied)
    # all that setup.cfg reads while the package is built
    text = (ROOT / "setup.cfg").read_text()
    needed = [*re.findall(r"file: (\S+)", text), *re.findall(r"^license_files = (\S+)", text, re.M), "pyproject.toml"]
    needed += re.findall(r"(data/sample)/\S+\.csv", text)
    assert set(needed) <= set(copied)
    assert "-c constraints.txt" in " ".join(of("RUN"))


def test_the_container_runs_the_server_as_nobody_in_particular():
    order = [instruction for instruction, _ in instructions()]
    assert of("USER")[-1].split(":")[0] not in ("0", "root")
    assert order.index("USER") < order.index("CMD")
    assert json.loads(of("CMD")[-1]) == ["python", "-m", "sts.serve"]
    assert of("STOPSIGNAL") == ["SIGTERM"]
    assert order.index("USER") > max(place for place, name in enumerate(order) if name == "RUN")
    values = dict(word.split("=", 1) for word in shlex.split(of("ENV")[0]))
    assert {name for name in values if name.startswith("STS_")} <= VARIABLES
    assert (values["STS_HOST"], values["HF_HUB_OFFLINE"]) == ("0.0.0.0", "1")
    assert of("EXPOSE") == [values["STS_PORT"]]
    assert "STS_MODEL" not in values  # the bundled scorers, unless another is named


# sts.service and sts.env


def unit():
    """The unit's values by section and name; names may come again."""
    found = defaultdict(lambda: defaultdict(list))
    section = ""
    for line in (DEPLOY / "sts.service").read_text().splitlines():
        if line.startswith("["):
            section = line.strip("[]")
        elif line and not line.startswith("#"):
            name, value = line.split("=", 1)
            found[section][name].append(value)
    return found


def test_the_unit_is_read_as_systemd_files_are():
    parser = configparser.ConfigParser(interpolation=None, strict=False, delimiters="=", comment_prefixes="#")
    parser.optionxform = str
    parser.read(DEPLOY / "sts.service")
    assert parser.sections() == list(unit()) == ["Unit", "Service", "Install"]


def test_the_unit_starts_reloads_and_stops_the_server():
    service = unit()["Service"]
    assert service["ExecStart"] == ["/opt/sts/.venv/bin/python -m sts.serve"]
    assert service["ExecReload"] == ["/bin/kill -HUP $MAINPID"]
    assert service["KillSignal"] == ["SIGTERM"]
    assert service["Restart"] == ["on-failure"]
    assert service["EnvironmentFile"] == ["/etc/sts/sts.env"]
    assert int(service["TimeoutStopSec"][0]) > DEFAULTS["timeout"] + GRACE_SECONDS
    # hardening, and what would be too much of it
    for name in "NoNewPrivileges PrivateTmp ProtectHome DynamicUser ProtectKernelModules RestrictSUIDSGID".split():
        assert service[name] == ["yes"]
    assert service["ProtectSystem"] == ["strict"]
    assert service["CapabilityBoundingSet"] == [""]
    assert "MemoryMax" in service
    assert "MemoryDenyWriteExecute" not in service
    assert {"AF_UNIX", "AF_INET", "AF_INET6"} == set(service["RestrictAddressFamilies"][0].split())


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")
def test_systemd_finds_nothing_wrong_with_the_unit(tmp_path):
    text = (DEPLOY / "sts.service").read_text().replace("/opt/sts/.venv/bin/python", sys.executable)
    (tmp_path / "sts.service").write_text(text)
    command = ["systemd-analyze", "verify", str(tmp_path / "sts.service")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    # other units of the machine may be told of as well
    assert "sts.service" not in done.stdout + done.stderr


def test_the_server_tells_systemd_that_it_listens(model, tmp_path):
    """Type=notify with NotifyAccess=main: the message must come from the very process that was started."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        listening.bind(str(tmp_path / "notify"))
        listening.settimeout(30)
        variables = {"NOTIFY_SOCKET": str(tmp_path / "notify"), "STS_MODEL": str(model), "STS_PORT": "0"}
        with subprocess.Popen(
            [sys.executable, "-m", "sts.serve"],
            env=environment(**variables), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        ) as running:  # fmt: skip
            try:
                message, told, *_ = listening.recvmsg(1_000, socket.CMSG_SPACE(struct.calcsize("3i")))
            finally:
                running.terminate()
                # it is loading its model still, and ends all the same
                assert running.wait(30) == 0
    sender, *_ = struct.unpack("3i", told[0][2])
    assert message.splitlines()[0] == b"READY=1"
    assert sender == running.pid


def test_the_environment_file_names_settings_and_their_defaults(model):
    lines = (DEPLOY / "sts.env").read_text().splitlines()
    named = [re.fullmatch(r"(#?)(\w+)=(.*)", line) for line in lines]
    rows = [row.groups() for row in named if row]
    assert {name for _, name, _ in rows} <= VARIABLES
    assert {name for mark, name, _ in rows if not mark} == {"STS_MODEL", "STS_HOST", "STS_PORT"}
    assert all(row or not line or line.startswith("# ") for row, line in zip(named, lines, strict=True))
    # docker takes quotation marks as part of a value
    assert not any(value.startswith(('"', "'")) for *_, value in rows)
    examples = {"model", "encoder", "index", "workers", "compute_threads", "api_keys_file", "writable", "cors_origins"}
    examples |= {"watch", "api_keys", "write_keys"}
    for _, name, value in rows:
        setting = name.removeprefix("STS_").lower()
        if setting not in examples:
            read = json.loads(value) if value in ("true", "false") else type(DEFAULTS[setting])(value)
            assert read == DEFAULTS[setting]


def test_every_line_of_the_environment_file_is_understood(model):
    """Also those that are commented out, all at once."""
    rows = re.findall(r"^#?(STS_\w+)=(.*)$", (DEPLOY / "sts.env").read_text(), re.M)
    script = "from sts.serve.environment import settings_from_environment as read; print(read())"
    done = subprocess.run(
        [sys.executable, "-c", script],
        env=environment(**dict(rows)), capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    assert "watch=True" in done.stdout
    assert "cors_origins=['https://example.com']" in done.stdout
