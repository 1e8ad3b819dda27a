"""Sentence pairs: where they come from, what is wrong with them, and how they are split."""

from sts.pairs.load import LoadedPairs, load_pairs
from sts.pairs.rows import BadRow, Pair, read_pairs
from sts.pairs.split import Split, hard_split, random_split

__all__ = ["BadRow", "LoadedPairs", "Pair", "Split", "hard_split", "load_pairs", "random_split", "read_pairs"]
