"""Losses of ranges: nothing pulls inside, labels are as ever, and an order counts only where ranges say it."""

from types import SimpleNamespace

import pytest
import torch
from sentence_transformers.sentence_transformer.losses import CoSENTLoss

from sts.train.ranges import RangeCoSENTLoss, RangeCrossEntropyLoss


class Network(torch.nn.Module):
    """Stands for a cross-encoder whose logits are its only weights."""

    def __init__(self, logits):
        super().__init__()
        self.logits = torch.nn.Parameter(torch.tensor(logits))
        self.device = torch.device("cpu")

    def preprocess(self, pairs, **_):
        assert pairs == [("가", "나")] * len(self.logits)
        return {}

    def forward(self, features):
        return {"scores": self.logits}


def cross_entropy(logits, ranges):
    network = Network(logits)
    loss = RangeCrossEntropyLoss.__new__(RangeCrossEntropyLoss)
    torch.nn.Module.__init__(loss)
    loss.model = network
    value = loss([["가"] * len(logits), ["나"] * len(logits)], list(torch.tensor(ranges)))
    value.backward()
    return value.item(), network.logits.grad


def test_inside_the_range_nothing_pulls_and_outside_it_the_nearest_end_does():
    value, gradient = cross_entropy([0.0, 2.0, -2.0, 2.0], [[0.4, 0.6], [0.0, 0.5], [0.5, 1.0], [0.8, 1.0]])
    assert gradient[[0, 3]].tolist() == [0, 0]
    # d/dlogit of the cross-entropy is probability less target, over four pairs
    assert gradient[1].item() == pytest.approx((torch.tensor(2.0).sigmoid().item() - 0.5) / 4)
    assert gradient[2].item() == pytest.approx((torch.tensor(-2.0).sigmoid().item() - 0.5) / 4)
    assert value > 0
    assert cross_entropy([0.0], [[0.4, 0.6]])[0] == pytest.approx(0, abs=1e-6)


def test_a_label_pulls_as_its_cross_entropy_does():
    logits, labels = [0.3, -1.0, 4.0], [0.0, 1.0, 0.7]
    _, gradient = cross_entropy(logits, [[label, label] for label in labels])
    weights = torch.tensor(logits, requires_grad=True)
    torch.nn.functional.binary_cross_entropy_with_logits(weights, torch.tensor(labels)).backward()
    torch.testing.assert_close(gradient, weights.grad)


@pytest.fixture
def cosent():
    return [kind(SimpleNamespace()) for kind in (RangeCoSENTLoss, CoSENTLoss)]


def vectors(*cosines):
    first = torch.tensor([[1.0, 0.0]] * len(cosines))
    second = torch.tensor([[cosine, (1 - cosine**2) ** 0.5] for cosine in cosines])
    return [first, second]


def test_labels_are_ordered_as_cosent_orders_them(cosent):
    ours, theirs = cosent
    labels = torch.tensor([0.2, 0.9, 0.2, 0.5, 0.0])
    found = ours.compute_loss_from_embeddings(vectors(0.9, 0.1, 0.3, 0.5, 0.7), torch.stack([labels, labels], 1))
    expected = theirs.compute_loss_from_embeddings(vectors(0.9, 0.1, 0.3, 0.5, 0.7), labels)
    torch.testing.assert_close(found, expected)


def test_ranges_that_overlap_say_nothing_of_the_order(cosent):
    ours, _ = cosent
    overlapping = torch.tensor([[0.0, 0.6], [0.5, 1.0]])
    assert ours.compute_loss_from_embeddings(vectors(0.9, 0.1), overlapping).item() == 0
    apart = torch.tensor([[0.0, 0.4], [0.5, 1.0]])
    # the one that must score lower scores 0.8 higher, times 20
    assert ours.compute_loss_from_embeddings(vectors(0.9, 0.1), apart).item() == pytest.approx(16, abs=1e-3)
