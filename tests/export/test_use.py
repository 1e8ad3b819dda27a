"""What commands make of exported scorers."""

import subprocess
import sys
from dataclasses import replace

from sts.cli import run
from sts.evaluate.command import evaluate
from sts.models.runtime import shared_options
from sts.search.command import build
from sts.serve import resources
from sts.serve.settings import ServeSettings

from .conftest import FIRST, exported


def test_options_for_several_scorers_are_for_those_that_have_them(make, tmp_path):
    torch_folder, exported_folder, both = make("cross"), tmp_path / "int8", tmp_path / "both"
    exported(torch_folder, exported_folder, "int8")
    exported(torch_folder, both, "int8", keep_torch=True)
    folders = [torch_folder, exported_folder, both]
    rest = ("auto", "auto")
    for given, expected in (
        (("auto", "auto"), [rest, rest, rest]),
        (("fp32", "auto"), [("fp32", "auto"), rest, rest]),
        (("int8", "auto"), [rest, ("int8", "auto"), ("int8", "auto")]),
        (("fp32", "torch"), [("fp32", "torch"), rest, ("fp32", "torch")]),
        (("int8", "onnx"), [rest, ("int8", "onnx"), ("int8", "onnx")]),
    ):
        assert list(shared_options(folders, *given).values()) == expected, given
    # what nobody has stays, and loading refuses it
    assert shared_options([exported_folder], "bf16", "torch") == {exported_folder: ("bf16", "torch")}


def test_a_comparison_takes_options_that_one_of_two_can_honour(make, tmp_path, capsys):
    source = make("cross")
    exported(source, tmp_path / "int8", "int8")
    words = ["--compare", str(source), str(tmp_path / "int8"), "--data", "sample-test", "--bootstrap", "1"]
    assert run(evaluate, "evaluate", [*words, "--precision", "fp32", "--backend", "torch", "--json"]) == 0
    capsys.readouterr()
    assert run(evaluate, "evaluate", [*words, "--precision", "bf16", "--backend", "onnx"]) == 2
    assert "--backend onnx" in capsys.readouterr().err


def test_what_is_served_may_be_exported(make, tmp_path, capsys):
    for kind in ("cross", "bi"):
        exported(make(kind), tmp_path / kind, "int8")
    (tmp_path / "sentences.txt").write_text("\n".join(FIRST), encoding="utf-8")
    words = ["--model", str(tmp_path / "bi"), "--sentences", str(tmp_path / "sentences.txt")]
    assert run(build, "search build", [*words, "--index", str(tmp_path / "index")]) == 0
    settings = ServeSettings(model=tmp_path / "cross", index=tmp_path / "index", precision="int8", port=0)
    assert settings.problems() == []
    assert replace(settings, encoder=tmp_path / "bi").problems() == []
    taken = resources.worker_bytes([tmp_path / "cross", tmp_path / "bi"])
    assert resources.ONNX_BASE_BYTES < taken < resources.BASE_BYTES
    assert settings.completed().workers >= 1
    assert "fp32: " in " ".join(replace(settings, precision="fp32").problems())
    (tmp_path / "cross" / "model.onnx").unlink()
    assert "holds no model.onnx" in settings.problems()[0]


def test_scoring_imports_neither_torch_nor_transformers(make, tmp_path):
    exported(make("cross"), tmp_path / "onnx", "int8")
    code = (
        "import sys; from sts.cli import run; from sts.score import score; "
        f"assert run(score, 'score', ['--model', {str(tmp_path / 'onnx')!r}, '네', '아니요']) == 0; "
        "heavy = {'torch', 'transformers', 'sentence_transformers', 'scipy', 'sklearn', 'datasets', 'pandas'}; "
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
