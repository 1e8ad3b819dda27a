"""Korean text: analysers, and pipelines that prepare sentences for a model."""

from sts.text.pipeline import PRESETS, Prepared, TextPipeline, find_pipeline

__all__ = ["PRESETS", "Prepared", "TextPipeline", "find_pipeline"]
