"""`sts`: Korean sentence similarity, trained, measured and used."""

__version__ = "0.1.0"
