"""What turns an encoder's token states into one logit, where a linear layer is not all."""

from typing import Any, Self

import torch
from sentence_transformers.base.modules import Module
from torch import Tensor, nn


class BiLstmHead(Module):
    """A bidirectional LSTM over the token states; its two last states make the logit.

    Args:
        width: size of a token state.
        hidden: size of the LSTM's state in each direction.
        dropout: share of the last states dropped in training, 0 to 1.
    """

    config_keys = ["width", "hidden", "dropout"]  # noqa: RUF012 (the name and form that the base class reads)

    def __init__(self, width: int, hidden: int = 256, dropout: float = 0.1) -> None:
        super().__init__()
        self.width, self.hidden, self.dropout = width, hidden, dropout
        self.lstm = nn.LSTM(width, hidden, batch_first=True, bidirectional=True)
        self.drop = nn.Dropout(dropout)
        self.classifier = nn.Linear(2 * hidden, 1)

    def forward(self, features: dict[str, Tensor], **_: Any) -> dict[str, Tensor]:
        """Add `scores`, the logits (batch, 1), to features with `token_embeddings` and `attention_mask`."""
        states, lengths = features["token_embeddings"], features["attention_mask"].sum(dim=1)
        # packing leaves padding out, so that a score does not depend on the batch; it wants fp32
        with torch.autocast(states.device.type, enabled=False):
            packed = nn.utils.rnn.pack_padded_sequence(
                states.float(), lengths.cpu(), batch_first=True, enforce_sorted=False
            )
            _, (last, _) = self.lstm(packed)
            features["scores"] = self.classifier(self.drop(torch.cat([last[0], last[1]], dim=1)))
        return features

    def save(self, output_path: str, *args: Any, safe_serialization: bool = True, **kwargs: Any) -> None:
        """Write the configuration and the weights (safetensors) into `output_path`."""
        self.save_config(output_path)
        self.save_torch_weights(output_path, safe_serialization=safe_serialization)

    @classmethod
    def load(cls, model_name_or_path: str, *_: Any, **__: Any) -> Self:
        """Read what `save` wrote."""
        config = cls.load_config(model_name_or_path, local_files_only=True)
        return cls.load_torch_weights(model_name_or_path, model=cls(**config), local_files_only=True)
