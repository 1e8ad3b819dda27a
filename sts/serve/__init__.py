"""Serving: a REST API over scorers and an index, and a web page."""

from sts.serve.settings import ServeSettings

__all__ = ["ServeSettings"]
