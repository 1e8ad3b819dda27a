"""Real encoders, trained for a minute: each exported format is held to its torch original on 500 pairs.

The bundled scorers, which are trained in earnest, are held to theirs in tests/models/test_bundled.py.
"""

from pathlib import Path

import numpy as np
import pytest

from sts.cli import run
from sts.export import export_scorer
from sts.models import load_scorer
from sts.models.info import read_info
from sts.train.command import train

SAMPLE = Path(__file__).parents[2] / "data" / "sample" / "train.csv"


@pytest.fixture(scope="module", params=["cross", "bi"])
def trained(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp(request.param) / "scorer"
    base = {"cross": "albert-kor", "bi": "e5-small"}[request.param]
    words = ["--mode", request.param, "--base-model", base, "--data", "sample", "--output", str(folder)]
    words += ["--max-steps", "40", "--batch-size", "16", "--evaluations-per-epoch", "1", "--epochs", "3"]
    assert run(train, "train", words) == 0
    return folder


def cosines(scorer, pairs):
    first, second = (scorer.encode(column).vectors for column in pairs)
    return (first * second).sum(axis=1)


@pytest.fixture(scope="module")
def original(trained, pairs):
    scores = load_scorer(trained, precision="fp32", backend="torch").score(*pairs).scores
    assert scores.std() > 0.5  # scores that hardly differ would be easy to keep
    return scores


@pytest.mark.parametrize(("precision", "largest", "mean"), [("fp32", 0.001, 0.0001), ("int8", 0.15, 0.03)])
def test_an_exported_format_is_near_its_original(trained, original, pairs, precision, largest, mean, tmp_path):
    export_scorer(trained, tmp_path, precision=precision, trim_vocabulary=["ko", str(SAMPLE)], say=lambda line: None)
    exported = load_scorer(tmp_path)
    difference = np.abs(exported.score(*pairs).scores - original)
    if (exported.info.mode, precision) == ("bi", "int8"):
        # after a minute all cosines lie so close together that the curve to scores is steep, and so is any error
        difference = np.abs(cosines(exported, pairs) - cosines(load_scorer(trained, precision="fp32"), pairs))
        largest, mean = 0.02, 0.004
    assert difference.max() <= largest
    assert difference.mean() <= mean
    kept = read_info(tmp_path).onnx["vocabulary"]
    assert kept["pieces"] < 0.96 * kept["of"]
    if read_info(trained).mode == "bi":
        assert kept["pieces"] < 0.1 * kept["of"]
        bytes_of = {
            folder: sum(path.stat().st_size for path in folder.glob("model.*")) for folder in (trained, tmp_path)
        }
        assert bytes_of[tmp_path] < bytes_of[trained] * {"fp32": 0.3, "int8": 0.08}[precision]
