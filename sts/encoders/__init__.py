"""Base models: wherever they come from, they become a local checkpoint with safetensors weights."""

from sts.encoders.checkpoint import fit_tokenizer, usable_positions
from sts.encoders.find import BUNDLED, KNOWN_HUB_MODELS, Encoder, find_encoder
from sts.encoders.hub import hub_has
from sts.encoders.trim import KOREAN, Trimming, trim_checkpoint

__all__ = [
    "BUNDLED",
    "KNOWN_HUB_MODELS",
    "KOREAN",
    "Encoder",
    "Trimming",
    "find_encoder",
    "fit_tokenizer",
    "hub_has",
    "trim_checkpoint",
    "usable_positions",
]
