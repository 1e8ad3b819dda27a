"""What the tests of studies share: small trainings."""

import pytest

from sts.cli import run
from sts.tune.command import tune

SMALL = "--data sample --max-length 48 --validation-fraction 0.2 --precision fp32 --batch-size 16".split()
# one epoch, and a learning rate at which a tiny network learns at all
SPACE = """
always:
  learning_rate: {low: 5.0e-5, high: 5.0e-3, log: true}
  batch_size: {choices: [8, 16]}
optional:
  loss: {choices: [bce, mse, cosent, angle]}
  augment: {choices: [none, swap]}
  freeze_layers: {low: 0, high: 1}
"""


@pytest.fixture(scope="session")
def space_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("space") / "space.yaml"
    path.write_text(SPACE, encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def words(tiny_encoder, space_file):
    """The words of a command for a small study, its name and output apart."""
    return [*SMALL, "--epochs", "1", "--base-model", str(tiny_encoder), "--space", str(space_file), "--fraction", "0.3"]


@pytest.fixture(scope="session")
def call(words):
    """Call `sts.tune` for a small study; further words may follow."""

    def called(*more):
        return run(tune, "tune", [*words, *map(str, more)])

    return called
