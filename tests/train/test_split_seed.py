"""Trainings with different seeds that hold out the same pairs."""

import pytest
import torch

from sts.encoders import find_encoder
from sts.errors import UsageError
from sts.pairs import load_pairs
from sts.train.data import hold_out
from sts.train.prepare import prepare
from sts.train.record import Recipe
from sts.train.settings import TrainSettings
from sts.tune.space import SEARCHABLE


@pytest.fixture(scope="module")
def data():
    return load_pairs(["sample"], announce=lambda line: None)


def held_by(data, **settings):
    held = hold_out(data.pairs, TrainSettings(**settings))
    assert list(held.validation) == ["hard", "random"]
    return {name: part["sentence1"][:] for name, part in {"train": held.train, **held.validation}.items()}


def test_the_split_is_its_own_seeds_or_else_the_seeds(data):
    alone = held_by(data, seed=7)
    assert held_by(data, seed=1, split_seed=7) == held_by(data, seed=2, split_seed=7) == alone
    assert held_by(data, seed=1) != alone
    assert held_by(data, seed=7, split_seed=0) == held_by(data, seed=0) != alone


def test_everything_else_is_the_seeds(data, tiny_encoder, tmp_path):
    encoder = find_encoder(str(tiny_encoder), lambda line: None, "cross")
    ready = []
    for seed in (1, 2):
        settings = TrainSettings(seed=seed, split_seed=7, max_steps=4, max_length=48, precision="fp32")
        recipe = Recipe("cross", encoder, data, settings)
        ready.append(prepare(recipe, work=tmp_path / str(seed), say=lambda line: None))
    first, second = ready
    parts = [{name: part[:] for name, part in made.held.validation.items()} for made in ready]
    assert list(parts[0]) == ["hard", "random"]
    assert parts[0] == parts[1]
    assert first.plan.batches != second.plan.batches
    weights = [made.network.state_dict() for made in ready]
    head = next(name for name in weights[0] if name.endswith("classifier.weight"))
    assert not torch.equal(weights[0][head], weights[1][head])
    assert first.info.settings["split_seed"] == 7


@pytest.mark.parametrize("value", [-1, 2**32])
def test_a_seed_out_of_range(value):
    with pytest.raises(UsageError, match=f"--split-seed is {value}, allowed is 0 to 4294967295"):
        TrainSettings(split_seed=value)


def test_both_modes_use_it_and_no_study_searches_it():
    assert "split_seed" in TrainSettings().used("cross")
    assert "split_seed" in TrainSettings().used("bi")
    assert "split_seed" not in SEARCHABLE
