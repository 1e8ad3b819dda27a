import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch
from transformers import BertConfig, BertModel

from sts.cli import run
from sts.encoders.albert_kor import write_wordpiece_tokenizer
from sts.errors import ScorerError, UsageError
from sts.export.command import export
from sts.models import CrossScorer, ScorerInfo, load_scorer
from sts.models.alignment import split_words, word_vectors
from sts.models.info import read_info
from sts.models.network import new_cross_network
from sts.models.torch_runtime import TorchRuntime

from .conftest import ARCHITECTURES, FIRST, SECOND, SMALL, exported


@pytest.mark.parametrize("kind", ["cross", "bilstm", "bi", "cls", *ARCHITECTURES])
def test_in_fp32_scores_cuts_and_states_are_the_originals(make, kind, tmp_path):
    source = make(kind)
    difference = exported(source, tmp_path / "onnx")
    before, after = load_scorer(source, precision="fp32"), load_scorer(tmp_path / "onnx")
    assert (after.runtime.backend, after.runtime.precision) == ("onnx", "fp32")
    assert replace(after.info, onnx=None) == before.info
    one, two = before.score(FIRST, SECOND), after.score(FIRST, SECOND)
    np.testing.assert_allclose(two.scores, one.scores, atol=1e-4)
    assert np.ptp(one.scores) > 0.02
    assert two.truncated.tolist() == one.truncated.tolist() == [False, False, False, False, True]
    assert difference.largest < 1e-4
    assert b"stack_trace" not in (tmp_path / "onnx" / "model.onnx").read_bytes()
    words = [split_words(scorer.runtime, FIRST[:4], 32) for scorer in (before, after)]
    assert words[0] == words[1]
    for expected, found in zip(
        word_vectors(before.runtime, words[0]), word_vectors(after.runtime, words[1]), strict=True
    ):
        np.testing.assert_allclose(found, expected, atol=1e-4)


@pytest.mark.parametrize("kind", ["cross", "bi", "albert"])
def test_in_int8_scores_are_near_and_do_not_depend_on_their_company(make, kind, tmp_path):
    source = make(kind)
    exported(source, tmp_path / "onnx", "int8")
    before, after = load_scorer(source, precision="fp32"), load_scorer(tmp_path / "onnx")
    together = after.score(FIRST, SECOND).scores
    np.testing.assert_allclose(together, before.score(FIRST, SECOND).scores, atol=0.15)
    alone = [after.score([a], [b], batch_size=1).scores[0] for a, b in zip(FIRST, SECOND, strict=True)]
    np.testing.assert_allclose(together, alone, atol=1e-4)


def test_a_vector_may_be_cut_as_the_originals_may(make, tmp_path):
    source = make("bi")
    exported(source, tmp_path / "onnx")
    cut = load_scorer(tmp_path / "onnx", dimension=8)
    np.testing.assert_allclose(
        cut.encode(FIRST).vectors, load_scorer(source, precision="fp32", dimension=8).encode(FIRST).vectors, atol=1e-5
    )
    assert cut.fingerprint != load_scorer(source, dimension=8).fingerprint


def test_kept_torch_weights_are_used_when_asked_for(make, tmp_path):
    source = make("cross")
    exported(source, tmp_path / "both", "int8", keep_torch=True)
    assert load_scorer(tmp_path / "both").runtime.backend == "onnx"  # this machine has no GPU
    torch_scorer = load_scorer(tmp_path / "both", backend="torch", precision="fp32")
    assert torch_scorer.runtime.backend == "torch"
    np.testing.assert_allclose(
        torch_scorer.score(FIRST, SECOND).scores, load_scorer(source, precision="fp32").score(FIRST, SECOND).scores
    )


def test_a_trimmed_vocabulary_is_smaller_and_scores_the_same(vocabulary, tmp_path):
    pieces, others = vocabulary.read_text(encoding="utf-8").split(), [f"{a}{b}" for a in "бвгдж" for b in "абвгд"]
    # what no Korean text needs comes before the rest, so that all ids change
    (tmp_path / "vocab.txt").write_text("\n".join([*pieces[:5], *others, *pieces[5:]]) + "\n", encoding="utf-8")
    torch.manual_seed(0)
    values = {**SMALL, "vocab_size": len(pieces) + len(others), "max_position_embeddings": 64, "initializer_range": 0.3}
    BertModel(BertConfig(**values)).save_pretrained(tmp_path / "encoder")
    write_wordpiece_tokenizer(tmp_path / "vocab.txt", tmp_path / "encoder")
    (tmp_path / "scorer").mkdir()
    network = new_cross_network(tmp_path / "encoder", head="linear", max_length=32)
    info = ScorerInfo("cross", "tiny", "a test", "linear", 32)
    CrossScorer(TorchRuntime(network, "fp32"), info).save(tmp_path / "scorer")
    exported(tmp_path / "scorer", tmp_path / "onnx", trim_vocabulary=["ko"])
    np.testing.assert_allclose(
        load_scorer(tmp_path / "onnx").score(FIRST, SECOND).scores,
        load_scorer(tmp_path / "scorer", precision="fp32").score(FIRST, SECOND).scores,
        atol=1e-4,
    )
    trimmed = read_info(tmp_path / "onnx").onnx["vocabulary"]
    assert trimmed == {"pieces": len(pieces), "of": len(pieces) + len(others)}


def test_what_a_folder_does_not_have_is_refused(make, tmp_path):
    source = make("cross")
    exported(source, tmp_path / "onnx", "int8")
    for options, message in (
        ({"backend": "torch"}, r"--backend torch: .*onnx holds no model\.safetensors; .*export it with --keep-torch"),
        ({"precision": "fp32"}, "--precision fp32: .*onnx was exported in int8"),
        ({"backend": "tpu"}, "--backend is 'tpu'; allowed are auto, torch, onnx"),
    ):
        with pytest.raises(UsageError, match=message):
            load_scorer(tmp_path / "onnx", **options)
    with pytest.raises(UsageError, match=r"--backend onnx: .* was not exported; python -m sts\.export"):
        load_scorer(source, backend="onnx")
    with pytest.raises(UsageError, match="--precision int8: only a scorer exported in int8"):
        load_scorer(source, precision="int8")
    with pytest.raises(UsageError, match=r"holds no model\.safetensors to export; it was exported already"):
        exported(tmp_path / "onnx", tmp_path / "again")


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda folder: (folder / "model.onnx").write_bytes(b"no model"), r"model\.onnx: can't be read"),
        (lambda folder: (folder / "model.onnx").unlink(), r"holds no model\.onnx; the scorer is incomplete"),
        (lambda folder: (folder / "tokenizer.json").write_text("{}"), r"tokenizer\.json: can't be read"),
        (lambda folder: (folder / "tokenizer.json").unlink(), r"holds no tokenizer\.json"),
    ],
)
def test_damaged_exports_are_refused(make, tmp_path, damage, message):
    exported(make("cross"), tmp_path / "onnx")
    damage(tmp_path / "onnx")
    with pytest.raises(ScorerError, match=message):
        load_scorer(tmp_path / "onnx")


def test_another_onnx_model_is_refused(make, tmp_path):
    import onnx
    from onnx import TensorProto, helper

    exported(make("cross"), tmp_path / "onnx")
    value = helper.make_tensor_value_info("input_ids", TensorProto.INT64, ["n", "m"])
    graph = helper.make_graph(
        [helper.make_node("Identity", ["input_ids"], ["other"])],
        "other",
        [value],
        [helper.make_tensor_value_info("other", TensorProto.INT64, ["n", "m"])],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=9)
    onnx.save(model, str(tmp_path / "onnx" / "model.onnx"))
    with pytest.raises(ScorerError, match="was not written by this version of sts; export the scorer again"):
        load_scorer(tmp_path / "onnx")


def test_a_model_cannot_name_other_files_for_its_weights(make, tmp_path, monkeypatch):
    import onnx

    exported(make("cross"), tmp_path / "onnx")
    path = tmp_path / "onnx" / "model.onnx"
    onnx.save(onnx.load(path), str(path), save_as_external_data=True, location="weights.bin", size_threshold=0)
    monkeypatch.chdir(tmp_path / "onnx")  # ONNX Runtime would look for them where the process stands
    assert (tmp_path / "onnx" / "weights.bin").is_file()
    with pytest.raises(ScorerError, match=r"model\.onnx: can't be read"):
        load_scorer(tmp_path / "onnx")


def test_the_command_says_what_it_did_and_replaces_only_exports(make, tmp_path, capsys):
    source, target = make("cross"), tmp_path / "out"
    words = ["--model", str(source), "--output", str(target)]
    assert run(export, "export", words) == 0
    said = capsys.readouterr().out
    assert said.startswith(f"exporting {source} to {target}: onnx, int8\n")
    assert "scores of 144 pairs differ by" in said
    assert f'next: python -m sts.score --model {target} "문장 1"' in said
    assert run(export, "export", words) == 2
    assert "the folder is not empty; name another one, or add --overwrite" in capsys.readouterr().err
    assert run(export, "export", [*words, "--overwrite", "--precision", "fp32", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["pairs"] == 144
    assert found["largest"] < 1e-4
    assert read_info(target).onnx["precision"] == "fp32"
    assert run(export, "export", ["--model", str(source), "--output", str(source.parent), "--overwrite"]) == 2
    assert "would lose" in capsys.readouterr().err
    assert run(export, "export", ["--model", str(target), "--output", str(tmp_path / "x")]) == 2
    assert run(export, "export", ["--model", str(source), "--output", str(source / "onnx")]) == 2
    assert "lies in the scorer that is exported; name a folder beside it" in capsys.readouterr().err
    (target / "texts.txt").write_text("방", encoding="utf-8")
    assert run(export, "export", [*words, "--overwrite", "--trim-vocabulary", "ko", str(target / "texts.txt")]) == 2
    assert "would lose" in capsys.readouterr().err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out"]
    assert not (source / "onnx").exists()


def test_an_export_that_strays_is_told(make, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("sts.export.command.MEAN", 0.0)
    assert run(export, "export", ["--model", str(make("cross")), "--output", str(tmp_path / "out")]) == 0
    assert (
        "that is more than 0.15 and 0, within which an export should stay; --precision fp32" in capsys.readouterr().out
    )


def test_the_labels_of_the_training_tell_what_it_costs(make, tmp_path):
    source = make("cross")
    (source / "validation").mkdir()
    rows = [f"{a},{b},{label}" for a, b, label in zip(FIRST, SECOND, (4, 5, 0, 1, 2), strict=True)]
    (source / "validation" / "hard.csv").write_text("\n".join(["sentence1,sentence2,label", *rows]), encoding="utf-8")
    difference = exported(source, tmp_path / "onnx", "int8")
    scores = load_scorer(tmp_path / "onnx").score(FIRST, SECOND).scores
    assert difference.pairs == 5
    assert difference.pearson_after == pytest.approx(np.corrcoef(scores, (4, 5, 0, 1, 2))[0, 1])
    assert read_info(tmp_path / "onnx").onnx["difference"]["pearson_before"] == difference.pearson_before


@pytest.mark.parametrize(("labels", "pairs"), [((3, 3, 3, 3, 3), 5), ((), 144)])
def test_labels_that_tell_nothing_are_not_correlated(make, tmp_path, labels, pairs):
    source = make("cross")
    (source / "validation").mkdir()
    rows = [f"{a},{b},{label}" for a, b, label in zip(FIRST, SECOND, labels, strict=False)]
    (source / "validation" / "hard.csv").write_text("\n".join(["sentence1,sentence2,label", *rows]), encoding="utf-8")
    difference = exported(source, tmp_path / "onnx")
    assert (difference.pairs, difference.pearson_before, difference.pearson_after) == (pairs, None, None)


def test_an_encoder_too_large_for_a_file_is_refused_before_the_work(make, tmp_path, monkeypatch):
    monkeypatch.setattr("sts.export.run.LARGEST_GRAPH", 1000)
    with pytest.raises(ScorerError, match=r"GB of weights, of which an ONNX file holds 2; .* --trim-vocabulary"):
        exported(make("cross"), tmp_path / "onnx")


def test_what_the_exporter_stumbled_on_is_told(make, tmp_path, monkeypatch):
    def fail(*_, **__):
        try:
            raise NotImplementedError("no such operator")
        except NotImplementedError as error:
            raise RuntimeError("\x1b[96mstep 1/3\x1b[0m\nand more") from error

    monkeypatch.setattr("torch.onnx.export", fail)
    with pytest.raises(ScorerError, match=r"tiny can't be exported to ONNX \(no such operator\); score it with torch"):
        exported(make("cross"), tmp_path / "onnx")


def test_a_model_of_the_other_mode_is_refused(make, tmp_path):
    exported(make("cross"), tmp_path / "cross")
    exported(make("bi"), tmp_path / "bi")
    for one, other in (("cross", "bi"), ("bi", "cross")):
        folder = shutil.copytree(tmp_path / one, tmp_path / f"{one} with another")
        shutil.copyfile(tmp_path / other / "model.onnx", folder / "model.onnx")
        with pytest.raises(ScorerError, match=f"its model.onnx is no {one}-encoder's"):
            load_scorer(folder)
