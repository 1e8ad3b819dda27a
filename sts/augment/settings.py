"""What can be set about augmentation, and what goes together."""

from dataclasses import dataclass
from typing import Literal

from sts.augment.back_translation import DEFAULT_TRANSLATOR
from sts.errors import UsageError

# a sentence has not so many versions; without a bound, a slip of the finger fills the memory
MAX_NEW = 1000


@dataclass(frozen=True)
class AugmentSettings:
    """Augmentation settings.

    Args:
        alpha: share of a sentence's words that sr, ri, rs, rd and mlm change, above 0 and at most 1
        new_per_pair: new pairs that are made of each pair, 1 to 1000; fewer where its sentences have no more versions
        thesaurus: where sr and ri take synonyms from: kiwi, wordnet, or a table of words (.csv or .tsv)
        word_column: column of the thesaurus table that holds a word
        synonym_column: column of the thesaurus table that holds its synonym
        pos_column: column of the thesaurus table that holds the part of speech; not given: the table has none
        ko_en: checkpoint with which bt translates Korean into English, a hub id or a folder
        en_ko: checkpoint with which bt translates English into Korean; may be the same
        label_with: folder of a scorer that checks the labels of new pairs; not given: labels are copied
        label_bound: points that its score may move from a pair to a new one before the label is doubted, 0 to 5
        label_action: relabel = move such a label by as much as the score moved, drop = leave such a pair out
    """

    alpha: float = 0.1
    new_per_pair: int = 4
    thesaurus: str = "kiwi"
    word_column: str = "word"
    synonym_column: str = "synonym"
    pos_column: str | None = None
    ko_en: str = DEFAULT_TRANSLATOR
    en_ko: str = DEFAULT_TRANSLATOR
    label_with: str | None = None
    label_bound: float = 0.5
    label_action: Literal["drop", "relabel"] = "relabel"

    def __post_init__(self) -> None:
        rules = [
            ("alpha", 0 < self.alpha <= 1, "above 0 and at most 1"),
            ("new_per_pair", 1 <= self.new_per_pair <= MAX_NEW, f"1 to {MAX_NEW}"),
            ("label_bound", 0 <= self.label_bound <= 5, "0 to 5"),
        ]
        broken = [
            f"--{name.replace('_', '-')} is {getattr(self, name)}, allowed is {allowed}"
            for name, holds, allowed in rules
            if not holds
        ]
        if broken:
            raise UsageError("; ".join(broken))
