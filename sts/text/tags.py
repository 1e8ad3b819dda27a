"""Sejong tags that pipelines drop."""

# the original work's list: bound nouns, particles, endings, copula-like and derivational affixes
ORIGINAL_DROPPED_TAGS = frozenset("NNB JKS JKC JKG JKO JKB JKV JKQ JX JC EP EC EF ETN ETM XSN XSV XSA".split())
