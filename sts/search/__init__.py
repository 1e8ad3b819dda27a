"""Similar-sentence search: an index of a collection's sentences, searched by their vectors."""

from sts.search.index import Hit, SentenceIndex

__all__ = ["Hit", "SentenceIndex"]
