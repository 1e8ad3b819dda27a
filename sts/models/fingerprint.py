"""What tells two models apart: their weights, and how they are shown text."""

import hashlib
import json
from dataclasses import asdict
from typing import Any

from sts.models.info import ScorerInfo

# what decides a network's outputs beside its weights
FIELDS = ("mode", "head", "pooling", "prompt", "max_length", "orders", "text_pipeline")


def fingerprint(network: Any, info: ScorerInfo) -> str:
    """SHA-256 of a network's weights and of all settings that decide its outputs."""
    settings = asdict(info)
    digest = hashlib.sha256(json.dumps({name: settings[name] for name in FIELDS}, sort_keys=True).encode())
    for name, tensor in sorted(network.state_dict().items()):
        digest.update(f"{name} {tuple(tensor.shape)} {tensor.dtype}".encode())
        digest.update(tensor.detach().cpu().contiguous().numpy().data)
    return digest.hexdigest()
