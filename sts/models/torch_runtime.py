"""Scorers computed with torch: what sentence-transformers trains."""

import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sts.models.batches import Lanes, Tokens, tokenize
from sts.models.coverage import unknown_id
from sts.models.precision import computing
from sts.quiet import quiet_libraries

if TYPE_CHECKING:
    import numpy as np

    from sts.models.network import Network
    from sts.models.runtime import Offsets

# of the encoder's layers, those below the one whose states alignment reads
DEPTH = 2 / 3
# tokens of a batch on a processor: of 256, 512, 1,024 and 2,048, and of 64 rows of any length, the fastest or near it
# for albert-kor and e5-small in bf16 and fp32
TOKENS = 1024


class TorchRuntime:
    """A sentence-transformers model; see `sts.models.runtime.Runtime`.

    Args:
        network: a cross- or bi-encoder.
        precision: `fp32` or `bf16`.
    """

    backend = "torch"

    def __init__(self, network: "Network", precision: str) -> None:
        self.network: Any = network
        self.precision = precision
        # on a processor, what is between two layers then stays in its cache
        self.lanes = Lanes() if self.network.device.type == "cuda" else Lanes(tokens=TOKENS)
        # its tokenizer is told anew with each text whether to cut
        self._tokenizer_lock = threading.Lock()
        self.unknown_id = unknown_id(self.network.tokenizer.backend_tokenizer)

    def tokenize(self, columns: list[list[str]], limit: int) -> tuple[Tokens, "np.ndarray"]:
        """See `Runtime`."""

        def encode(texts: list[list[str]], cut: int | None) -> Tokens:
            with self._tokenizer_lock:
                if cut is None:
                    return dict(self.network.tokenizer(*texts, verbose=False))
                return dict(self.network.tokenizer(*texts, truncation=True, max_length=cut))

        return tokenize(encode, columns, limit)

    def offsets(self, sentences: list[str], limit: int | None) -> tuple[Tokens, "list[Offsets]"]:
        """See `Runtime`."""
        cut = {} if limit is None else {"truncation": True, "max_length": limit}
        with self._tokenizer_lock:
            encoded = self.network.tokenizer(
                sentences,
                **cut,
                return_offsets_mapping=True,
                return_special_tokens_mask=True,
                verbose=False,
            )
        places, special = encoded.pop("offset_mapping"), encoded.pop("special_tokens_mask")
        offsets = [
            [(0, 0) if mark else tuple(place) for place, mark in zip(*row, strict=True)]
            for row in zip(places, special, strict=True)
        ]
        return dict(encoded), offsets

    def run(self, tokens: Tokens, *, alone: bool = True) -> "np.ndarray":
        """See `Runtime`."""
        import torch

        if self.network.training:
            self.network.eval()
        batch = self._padded(tokens)
        with torch.inference_mode(), computing(self.precision, self.network.device):
            features = self.network(batch)
            found = features["scores"].view(-1) if "scores" in features else features["sentence_embedding"]
        values: np.ndarray = found.float().cpu().numpy()
        return values

    def states(self, tokens: Tokens, *, alone: bool = True) -> "np.ndarray":
        """See `Runtime`."""
        import torch

        if self.network.training:
            self.network.eval()
        encoder = self.network[0].model
        encoder = getattr(encoder, encoder.base_model_prefix, encoder)  # without a classification head
        layer = states_layer(encoder.config)
        with torch.inference_mode(), computing(self.precision, self.network.device):
            states = encoder(**self._padded(tokens), output_hidden_states=True).hidden_states[layer]
        values: np.ndarray = states.float().cpu().numpy()
        return values

    def _padded(self, tokens: Tokens) -> dict[str, Any]:
        batch = self.network.tokenizer.pad(tokens, return_tensors="pt")
        return {name: tensor.to(self.network.device) for name, tensor in batch.items()}

    def digest(self) -> bytes:
        """SHA-256 of the weights, their names and shapes."""
        import hashlib

        digest = hashlib.sha256()
        for name, tensor in sorted(self.network.state_dict().items()):
            digest.update(f"{name} {tuple(tensor.shape)} {tensor.dtype}".encode())
            digest.update(tensor.detach().cpu().contiguous().numpy().data)
        return digest.digest()

    def save(self, folder: Path) -> None:
        """Write safetensors, tokenizer and configuration."""
        with quiet_libraries():
            self.network.save_pretrained(str(folder), create_model_card=False)
        for weights in folder.rglob("*.safetensors"):
            weights.chmod(0o644)  # as the other files; they are written readable by their owner alone


def states_layer(config: Any) -> int:
    """The layer whose states alignment reads, of an encoder with this configuration.

    Of layers 4, 6, 8, 10 and 12 of 12 in e5-small and albert-kor, 8 paired the words of eight pairs of sentences best,
    by eye.
    """
    return round(DEPTH * int(config.num_hidden_layers))
