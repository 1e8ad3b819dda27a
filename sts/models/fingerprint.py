"""What tells two models apart: their weights, and how they are shown text."""

import hashlib
import json
from dataclasses import asdict

from sts.models.info import ScorerInfo
from sts.models.runtime import Runtime

# what decides a network's outputs beside its weights
FIELDS = ("mode", "head", "pooling", "prompt", "max_length", "orders", "text_pipeline")


def fingerprint(runtime: Runtime, info: ScorerInfo) -> str:
    """SHA-256 of a network's weights and of all settings that decide its outputs."""
    settings = asdict(info)
    digest = hashlib.sha256(json.dumps({name: settings[name] for name in FIELDS}, sort_keys=True).encode())
    digest.update(runtime.digest())
    return digest.hexdigest()
