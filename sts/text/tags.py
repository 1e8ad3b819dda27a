"""Sejong tags, and those that pipelines drop."""

# the Sejong corpus's set, and what Kiwi (brackets, list marks, web addresses, emoji, stray finals) and khaiii add
TAGS = frozenset(
    "NNG NNP NNB NR NP VV VA VX VCP VCN MM MAG MAJ IC JKS JKC JKG JKO JKB JKV JKQ JX JC EP EF EC ETN ETM "
    "XPN XSN XSV XSA XR SF SP SS SE SO SW SL SH SN NA NF NV "
    "XSM SSO SSC SB UN W_URL W_EMAIL W_HASHTAG W_MENTION W_SERIAL W_EMOJI Z_CODA Z_SIOT SWK ZN ZV ZZ".split()
)
# the original work's list: bound nouns, particles, endings, copula-like and derivational affixes
ORIGINAL_DROPPED_TAGS = frozenset("NNB JKS JKC JKG JKO JKB JKV JKQ JX JC EP EC EF ETN ETM XSN XSV XSA".split())
