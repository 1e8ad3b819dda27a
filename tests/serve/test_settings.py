import json
import shutil
from dataclasses import fields, replace

import pytest

from sts import machine
from sts.bundled import BUNDLED_BI, BUNDLED_CROSS
from sts.cli import run
from sts.errors import UsageError
from sts.serve import resources
from sts.serve.command import serve
from sts.serve.environment import settings_from_environment
from sts.serve.settings import ServeSettings, check

GB = 1_000_000_000


@pytest.mark.parametrize(
    ("cores", "memory", "worker", "expected"),
    [
        (1, 4 * GB, GB, 1),
        (2, 4 * GB, GB, 1),
        (4, 16 * GB, GB, 2),
        (64, 256 * GB, GB, 32),
        (64, 10 * GB, GB, 8),  # 8 GB of 10
        (8, GB, 4 * GB, 1),  # too little for one: it may still swap
    ],
)
def test_workers_are_chosen_by_cores_and_memory(cores, memory, worker, expected):
    assert resources.choose_workers(cores, memory, worker) == expected


def test_a_control_groups_limits_count(tmp_path):
    before = machine.cores(tmp_path), machine.memory_limit(tmp_path)
    (tmp_path / "cpu.max").write_text("max 100000\n")
    (tmp_path / "memory.max").write_text("max\n")
    assert (machine.cores(tmp_path), machine.memory_limit(tmp_path)) == before
    (tmp_path / "cpu.max").write_text("150000 100000\n")
    (tmp_path / "memory.max").write_text("3000000\n")
    assert machine.cores(tmp_path) == 1
    assert machine.memory_limit(tmp_path) == 3_000_000


def test_a_control_group_of_version_1_counts(tmp_path):
    (tmp_path / "cpu").mkdir()
    (tmp_path / "memory").mkdir()
    (tmp_path / "cpu/cpu.cfs_quota_us").write_text("50000")
    (tmp_path / "cpu/cpu.cfs_period_us").write_text("100000")
    (tmp_path / "memory/memory.limit_in_bytes").write_text("2000000")
    assert machine.cores(tmp_path) == 1
    assert machine.memory_limit(tmp_path) == 2_000_000


def test_a_worker_takes_its_models_and_index_twice(cross_folder, bi_folder, index_folder):
    sizes = sum((folder / "model.safetensors").stat().st_size for folder in (cross_folder, bi_folder))
    assert resources.worker_bytes([cross_folder, bi_folder]) == resources.BASE_BYTES + 2 * sizes
    vectors = (index_folder / "vectors.f32").stat().st_size
    assert resources.worker_bytes([], index_folder) == resources.BASE_BYTES + 2 * vectors


def test_good_settings_have_no_problems_and_are_completed(settings):
    assert settings.problems() == []
    check(settings)
    chosen = settings.completed()
    assert chosen.workers >= 1
    assert chosen.compute_threads >= 1
    assert replace(settings, workers=3).completed().workers == 3


def test_all_problems_are_told_at_once(settings, tmp_path):
    wrong = replace(settings, model=tmp_path / "none", port=70_000, max_batch=0, cors_origins=["example.com"])
    problems = wrong.problems()
    assert len(problems) == 4
    with pytest.raises(UsageError) as raised:
        check(wrong)
    for words in ("--port is 70000", "--max-batch is 0", "none: no such scorer folder", "--cors-origins example.com"):
        assert words in str(raised.value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"orders": "one"}, None),
        ({"max_queue": 10}, "--max-queue is 10; allowed is 2,000 to 1,000,000"),
        ({"timeout": 0.0}, "--timeout is 0"),
        ({"writable": True}, "--writable: changing the index needs a write key"),
        ({"writable": True, "index": None}, "--writable: there is no index to change"),
    ],
)
def test_a_problem_says_what_is_allowed(settings, change, message):
    problems = replace(settings, **change).problems()
    assert (problems == []) if message is None else any(message in problem for problem in problems)


def test_folders_of_the_wrong_kind_are_told(settings, cross_folder, bi_folder, tmp_path):
    def problem(**change):
        return " ".join(replace(settings, **change).problems())

    assert "is a cross-encoder, which makes no vectors" in problem(encoder=cross_folder)
    assert "holds no sentences.sqlite3" in problem(index=tmp_path)
    assert "which knows no order" in problem(model=bi_folder, orders="both")
    broken = shutil.copytree(cross_folder, tmp_path / "broken")
    weights = (broken / "model.safetensors").read_bytes()
    (broken / "model.safetensors").write_bytes(weights[: len(weights) // 2])
    assert "the weights can't be read" in problem(model=broken)


def test_a_server_that_others_reach_without_a_key_is_warned_of(settings, tmp_path):
    assert settings.warnings() == []
    assert "--host 0.0.0.0" in replace(settings, host="0.0.0.0").warnings()[0]
    keys = tmp_path / "keys"
    keys.write_text("0123456789abcdef\n")
    assert replace(settings, host="0.0.0.0", api_keys_file=keys).warnings() == []


def test_a_variable_that_is_no_setting_is_told(settings, monkeypatch):
    monkeypatch.setenv("STS_MODLE", "runs/cross")
    assert "STS_MODLE in the environment is no setting" in settings.warnings()


def test_an_empty_variable_is_as_good_as_none(cross_folder, monkeypatch):
    monkeypatch.setenv("STS_MODEL", str(cross_folder))
    monkeypatch.setenv("STS_INDEX", "")
    assert settings_from_environment().index is None


def test_the_environment_a_file_and_options_set_the_same(cross_folder, tmp_path, monkeypatch, capsys):
    file = tmp_path / "serve.yaml"
    file.write_text(
        f"model: {cross_folder}\nport: 8001\nworkers: 3\ncompute_threads: 1\ncors_origins: [https://a.kr]\n"
    )
    monkeypatch.setenv("STS_CONFIG", str(file))
    assert settings_from_environment().port == 8001
    monkeypatch.setenv("STS_PORT", "8002")
    monkeypatch.setenv("STS_LOG_SENTENCES", "true")
    monkeypatch.setenv("STS_TIMEOUT", "5.5")
    found = settings_from_environment()
    assert (found.model, found.port, found.workers, found.log_sentences, found.timeout, found.cors_origins) == (
        cross_folder, 8002, 3, True, 5.5, ["https://a.kr"],
    )  # fmt: skip
    assert run(serve, "serve", ["--check", "--port", "8003"], "STS") == 0
    printed = capsys.readouterr().out
    assert "8003" in printed
    assert "all good" in printed
    for field in fields(ServeSettings):
        assert field.name in printed


@pytest.mark.parametrize(("name", "value"), [("STS_PORT", "many"), ("STS_PRECISION", "fp8"), ("STS_CONFIG", "none")])
def test_a_wrong_environment_is_one_line(cross_folder, monkeypatch, name, value):
    monkeypatch.setenv("STS_MODEL", str(cross_folder))
    monkeypatch.setenv(name, value)
    with pytest.raises(UsageError, match="the environment's settings: ") as raised:
        settings_from_environment()
    assert "\n" not in str(raised.value)


def test_without_a_model_the_bundled_ones_are_served(monkeypatch):
    monkeypatch.delenv("STS_MODEL", raising=False)
    assert settings_from_environment().model == BUNDLED_CROSS
    assert settings_from_environment().encoder_folder() == BUNDLED_BI


def test_check_prints_what_is_wrong(tmp_path, capsys):
    words = ["--check", "--model", str(tmp_path / "none"), "--port", "70000"]
    assert run(serve, "serve", words, "STS") == 2
    output = capsys.readouterr()
    assert output.out.count("wrong: ") == 2
    assert "2 settings to correct" in output.err


def test_an_index_names_the_encoder(settings, bi_folder, cross_folder):
    assert settings.encoder_folder() == bi_folder
    assert replace(settings, index=None).encoder_folder() is None
    assert replace(settings, index=None, model=bi_folder).encoder_folder() == bi_folder


def test_format_of_another_version_is_told(settings, cross_folder, tmp_path):
    other = shutil.copytree(cross_folder, tmp_path / "other")
    info = json.loads((other / "sts.json").read_text())
    (other / "sts.json").write_text(json.dumps(info | {"format": 99}))
    assert any("format is 99" in problem for problem in replace(settings, model=other).problems())
