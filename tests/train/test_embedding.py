import pytest
import torch
from torch import nn

from sts.train.embedding import UsedRows


@pytest.fixture
def table():
    torch.manual_seed(0)
    return nn.Embedding(10, 4, padding_idx=1)


@pytest.fixture
def rows(table):
    return UsedRows(table, torch.tensor([0, 1, 4, 7]))


def test_it_reads_as_the_whole_table_does(table, rows):
    ids = torch.tensor([[4, 7], [0, 1]])
    assert torch.equal(rows(ids), table(ids))
    assert rows.weight.shape == (4, 4)
    with pytest.raises(IndexError):
        rows(torch.tensor([5]))


def test_a_step_changes_the_rows_that_it_would_change_in_the_whole_table(table, rows):
    before, ids = table.weight.detach().clone(), torch.tensor([4, 7, 1, 4])
    for module in (table, rows):
        optimizer = torch.optim.AdamW(module.parameters(), lr=0.1, weight_decay=0.0)
        module(ids).pow(2).sum().backward()
        optimizer.step()
    after = rows.state_dict()["weight"]
    torch.testing.assert_close(after, table.weight.detach())
    changed = (after != before).any(dim=1)
    assert changed.tolist() == [False] * 4 + [True] + [False] * 2 + [True] + [False] * 2


def test_its_state_is_the_whole_tables(table, rows):
    assert list(rows.state_dict()) == ["weight"]
    assert torch.equal(rows.state_dict()["weight"], table.weight.detach())
    other = torch.arange(40.0).view(10, 4)
    rows.load_state_dict({"weight": other})
    assert torch.equal(rows(torch.tensor([7])), other[[7]])
    assert torch.equal(rows.state_dict()["weight"], other)
