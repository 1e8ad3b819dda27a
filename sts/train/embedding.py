"""Embedding tables of which only the rows that a training meets are trained.

A multilingual table has 250,000 rows, of which Korean pairs meet a few thousand; filling, clipping
and applying a gradient for all of them takes a third of a step on a CPU. Rows that never occur have
no gradient, so that leaving them out changes nothing but their weight decay, which they are spared.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from sts.models.network import Network


class UsedRows(nn.Embedding):
    """Stands in for a table during training; its state is the whole table's, before and after.

    Args:
        table: the table it stands in for.
        used: numbers of the rows (k,) that occur, without repetition.
    """

    place: Tensor
    used: Tensor
    table: Tensor

    def __init__(self, table: nn.Embedding, used: Tensor) -> None:
        whole = table.weight.detach()
        place = torch.full((len(whole),), -1)
        place[used] = torch.arange(len(used))
        padding = None if table.padding_idx is None else int(place[table.padding_idx])
        super().__init__(len(used), table.embedding_dim, padding_idx=padding, _weight=whole[used].clone())
        self.register_buffer("place", place, persistent=False)
        self.register_buffer("used", used, persistent=False)
        self.register_buffer("table", whole, persistent=False)

    def forward(self, input: Tensor) -> Tensor:
        """Rows of the table, by their numbers in it; a number that is not among `used` is an IndexError."""
        return super().forward(self.place[input])

    def _save_to_state_dict(self, destination: dict[str, Any], prefix: str, keep_vars: bool) -> None:
        destination[f"{prefix}weight"] = self.table.index_copy(0, self.used, self.weight.detach())

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *_: Any) -> None:
        with torch.no_grad():
            self.table.copy_(state_dict[f"{prefix}weight"])
            self.weight.copy_(self.table[self.used])


def train_used_rows(network: "Network", ids: Iterable[int]) -> None:
    """Train only those rows of the word embeddings that occur; the others stay as they are.

    Args:
        network: a network whose embeddings are not frozen.
        ids: every token id that training or validation will see, repeated or not.
    """
    encoder: Any = network[0]
    table = encoder.model.get_input_embeddings()
    if not table.weight.requires_grad:
        return
    special = [number for number in network.tokenizer.all_special_ids if number < table.num_embeddings]
    used = torch.tensor(sorted({*ids, *special}))
    encoder.model.set_input_embeddings(UsedRows(table, used))
