import numpy as np
import pytest
from datasets import Dataset

from sts.errors import UsageError
from sts.train.data import rows_to_train_on
from sts.train.plan import Plan, make_plan
from sts.train.settings import TrainSettings


def make_pairs(labels, prefix=""):
    return Dataset.from_dict(
        {
            "sentence1": [f"{prefix}a{number}" for number in range(len(labels))],
            "sentence2": [f"{prefix}b{number}" for number in range(len(labels))],
            "label": [float(label) for label in labels],
        }
    )


def plan_of(pairs, first_epoch, settings, lengths) -> Plan:
    generator = np.random.default_rng(settings.seed)
    kept = rows_to_train_on(pairs, settings, generator)
    return make_plan(pairs, kept, first_epoch, settings, lengths, generator)


def texts(plan, start, end):
    rows = [row for batch in plan.batches[start:end] for row in batch]
    return [(plan.rows[row]["sentence1"], plan.rows[row]["sentence2"], plan.rows[row]["label"]) for row in rows]


def test_each_pair_comes_once_an_epoch_and_in_the_other_order_the_next_time():
    settings = TrainSettings(epochs=2, batch_size=4, zero_label_fraction=1)
    plan = plan_of(make_pairs([0, 1, 2, 3, 4, 5, 5]), None, settings, [9] * 7)
    assert plan.epoch_ends == [2, 4]
    first, second = texts(plan, 0, 2), texts(plan, 2, 4)
    assert len(first) == len(set(first)) == 7
    assert {(b, a, label) for a, b, label in first} == set(second)
    assert {label for *_, label in first} == {0, 0.2, 0.4, 0.6, 0.8, 1.0}


def test_batches_hold_pairs_of_similar_length():
    lengths = list(np.random.default_rng(0).integers(5, 100, 400))
    plan = plan_of(make_pairs([3] * 400), None, TrainSettings(epochs=1, batch_size=10), lengths)
    spread = [
        max(lengths[row % 400] for row in batch) - min(lengths[row % 400] for row in batch) for batch in plan.batches
    ]
    assert np.mean(spread) < 5
    first = [lengths[batch[0] % 400] for batch in plan.batches]
    assert first != sorted(first)


def test_intermediate_pairs_come_in_the_first_epoch_only():
    settings = TrainSettings(epochs=2, batch_size=3)
    plan = plan_of(make_pairs([1, 2, 3]), make_pairs([4, 5], "x"), settings, [5] * 5)
    first, second = texts(plan, 0, plan.epoch_ends[0]), texts(plan, *plan.epoch_ends)
    assert sum("x" in a for a, *_ in first) == 2
    assert len(first) == 5
    assert not any("x" in a for a, *_ in second)
    assert len(second) == 3


def test_a_share_of_the_zero_labels_is_left_out():
    labels = [0] * 1000 + [3] * 10
    plan = plan_of(make_pairs(labels), None, TrainSettings(epochs=1, zero_label_fraction=0.25), [5] * 1010)
    kept = sorted(row % 1010 for batch in plan.batches for row in batch)
    assert kept[-10:] == list(range(1000, 1010))
    assert 200 < len(kept) - 10 < 300


def test_the_most_steps_end_a_plan_within_an_epoch():
    whole = plan_of(make_pairs([1] * 8), None, TrainSettings(epochs=2, batch_size=2), [5] * 8)
    plan = plan_of(
        make_pairs([1] * 8),
        None,
        TrainSettings(epochs=2, batch_size=2, max_steps=3, gradient_accumulation=2),
        [5] * 8,
    )
    assert len(whole.batches) == 8
    assert plan.batches == whole.batches[:6]
    assert [plan.epoch_at(batch) for batch in (4, 6)] == [1, 1.5]


def test_the_seed_decides_all():
    def batches(seed):
        return plan_of(make_pairs([0, 1, 2, 3] * 20), None, TrainSettings(seed=seed), [5] * 80).batches

    assert batches(1) == batches(1) != batches(2)


def test_epochs_are_counted_where_they_differ_in_length():
    plan = plan_of(make_pairs([1] * 4), make_pairs([2] * 4, "x"), TrainSettings(epochs=2, batch_size=2), [5] * 8)
    assert plan.epoch_ends == [4, 6]
    assert [plan.epoch_at(batch) for batch in (0, 2, 4, 5, 6)] == [0, 0.5, 1, 1.5, 2]


def test_settings_are_checked_together():
    with pytest.raises(
        UsageError, match=r"--epochs is 0, allowed is 1 or more; --warmup-ratio is 1\.5, allowed is 0 or"
    ):
        TrainSettings(epochs=0, warmup_ratio=1.5)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("max_steps", -1),
        ("batch_size", 0),
        ("gradient_accumulation", 0),
        ("learning_rate", 0.0),
        ("weight_decay", 1.0),
        ("max_length", 7),
        ("freeze_layers", -1),
        ("zero_label_fraction", 1.1),
        ("validation_fraction", 0.0),
        ("evaluations_per_epoch", 0),
        ("patience", 0),
        ("seed", -1),
    ],
)
def test_each_setting_names_its_flag_and_value(name, value):
    with pytest.raises(UsageError, match=f"--{name.replace('_', '-')} is {value}, allowed is "):
        TrainSettings(**{name: value})
