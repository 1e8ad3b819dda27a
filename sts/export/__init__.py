"""Scorers made small and fast: exported to ONNX, in 8 bits if wanted."""

from sts.export.run import Difference, export_scorer

__all__ = ["Difference", "export_scorer"]
