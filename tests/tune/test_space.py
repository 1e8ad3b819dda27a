"""The space: what can be searched, and every way to write it wrongly."""

import optuna
import pytest

from sts.errors import DataError, UsageError
from sts.train.settings import TrainSettings
from sts.tune.space import default_values, read_space, with_values


def written(tmp_path, text):
    path = tmp_path / "space.yaml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(("mode", "losses"), [("cross", ["bce", "mse"]), ("bi", ["mse", "cosent", "angle"])])
def test_the_default_space_has_every_setting_and_the_modes_losses(mode, losses):
    only = "head" if mode == "cross" else "pooling"
    names = ["loss", "scheduler", only, "freeze_layers", "augment", "text_pipeline"]
    space = read_space(None, names, mode)
    always = ["learning_rate", "epochs", "batch_size", "weight_decay", "warmup_ratio"]
    assert list(space.entries) == [*always, *names]
    assert space.entries["loss"] == {"choices": losses}
    assert not space.outside(default_values(TrainSettings().for_mode(mode), space)), "the defaults can be tried"


def test_optional_settings_are_searched_only_where_asked_for():
    assert "loss" not in read_space(None, [], "cross").entries


def test_values_come_from_the_ranges_and_are_settings_of_a_training():
    space = read_space(None, ["augment", "freeze_layers"], "cross")
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    seen = {"augment": set(), "epochs": set()}
    for _ in range(60):
        values = space.suggest(study.ask())
        settings, augmentation = with_values(TrainSettings(), values)
        assert 1e-5 <= settings.learning_rate <= 3e-4
        assert isinstance(settings.epochs, int)
        assert (augmentation is None) == (values["augment"] == "none")
        assert not space.outside(values)
        for name, found in seen.items():
            found.add(values[name])
    assert seen == {"augment": {"none", "eda", "aeda", "swap"}, "epochs": {1, 2, 3, 4}}


def test_a_choice_of_several_methods():
    _, augmentation = with_values(TrainSettings(), {"augment": "sr rd:2"})
    assert augmentation.mix == {"sr": 1.0, "rd": 2.0}


def test_values_outside_are_named(tmp_path):
    space = read_space(written(tmp_path, "always: {epochs: {low: 2, high: 3}, batch_size: {choices: [8]}}"), [], "bi")
    assert space.outside({"epochs": 2, "batch_size": 8}) == []
    assert space.outside({"epochs": 1}) == ["epochs", "batch_size"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[1, 2]", r"space\.yaml: found a list; a space is a mapping with the parts 'always' and 'optional'"),
        ("learning_rate: {low: 1, high: 2}", r"found a mapping; a space is"),
        ("", r"found nothing"),
        ("always: [", r"space\.yaml: not YAML"),
        ("always: [epochs]", r"'always' is a list"),
        ("optional: {epochs: {low: 1, high: 2}}", r"nothing to search"),
        ("always: {epochs: {low: 1, high: 2}}\noptional: {epochs: {low: 1, high: 2}}", r"epochs stands in both parts"),
        ("always: {seed: {low: 1, high: 2}}", r"seed: can't be searched; what can is learning_rate"),
        ("always: {epochs: {low: 3, high: 1}}", r"epochs: 3 to 1 is no range"),
        ("always: {epochs: {low: 0, high: 2}}", r"epochs: --epochs is 0, allowed is 1 or more"),
        ("always: {epochs: {low: 1.5, high: 2}}", r"epochs: 1\.5 is no whole number"),
        ("always: {epochs: {low: 1}}", r"epochs: is .*; allowed is \{low"),
        ("always: {epochs: 3}", r"epochs: is 3; allowed"),
        ("always: {learning_rate: {low: 1e-5, high: 0.1}}", r"'1e-5' is no number \(YAML needs 1\.0e-5"),
        ("always: {learning_rate: {low: 0, high: 0.1, log: true}}", r"a logarithm needs low above 0"),
        ("always: {learning_rate: {low: 0.1, high: 0.2, log: 1}}", r"log is 1; allowed is true or false"),
        ("always: {learning_rate: {low: 0.1, high: .inf}}", r"inf is no number"),
        ("always: {loss: {low: 1, high: 2}}", r"loss: is .*; allowed is \{choices"),
        ("always: {loss: {choices: []}}", r"loss: is .*; allowed is \{choices"),
        ("always: {loss: {choices: [hinge]}}", r"loss: 'hinge' is unknown; a training knows auto, bce"),
        ("always: {loss: {choices: [cosent]}}", r"loss has no choice for --mode cross"),
        ("always: {batch_size: {choices: [8, 8]}}", r"a choice stands there twice"),
        ("always: {batch_size: {choices: [yes]}}", r"batch_size: True is yes or no; a training takes int"),
        ("always: {augment: {choices: [magic]}}", r"augment: .*magic"),
        ("always: {text_pipeline: {choices: [nowhere.yaml]}}", r"text_pipeline: .*nowhere\.yaml"),
    ],
)
def test_a_wrong_file_is_told_by_place_and_rule(tmp_path, text, message):
    with pytest.raises(DataError, match=message):
        read_space(written(tmp_path, text), [], "cross")


def test_what_the_mode_has_no_use_for_is_refused():
    with pytest.raises(UsageError, match=r"pooling can be searched with --mode bi only"):
        read_space(None, ["pooling"], "cross")


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(DataError, match=r"gone\.yaml: can't be read"):
        read_space(tmp_path / "gone.yaml", [], "cross")
