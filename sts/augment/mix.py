"""The methods by name, and mixes of them."""

from collections.abc import Mapping, Sequence
from dataclasses import fields

from sts.augment.method import Method
from sts.augment.settings import AugmentSettings
from sts.errors import UsageError

# order swap: the sentences of a pair change places; all other methods vary one sentence
SWAP = "swap"
EDA = ("sr", "ri", "rs", "rd")
METHODS = {
    "sr": "synonym replacement",
    "ri": "random insertion of synonyms",
    "rs": "random swap of words",
    "rd": "random deletion of words",
    "aeda": "punctuation between words",
    "mlm": "words that a masked language model inserts",
    "bt": "back-translation by way of English",
    SWAP: "order swap of the two sentences",
}
# what a setting is for: it may be changed only where one of these methods is in the mix
_USED_BY = {
    "alpha": (*EDA, "mlm"),
    "thesaurus": ("sr", "ri"),
    "word_column": ("sr", "ri"),
    "synonym_column": ("sr", "ri"),
    "pos_column": ("sr", "ri"),
    "ko_en": ("bt",),
    "en_ko": ("bt",),
}


def parse_mix(words: Sequence[str]) -> dict[str, float]:
    """Read methods with their weights.

    Args:
        words: names of `METHODS`, each with a weight after a colon where that is not 1; `eda` stands
            for `sr ri rs rd`, and `eda:2` for `sr:2 ri:2 rs:2 rd:2`.

    Returns:
        Weight by method, in the order given.

    Raises:
        UsageError: no method, an unknown one, one that is given twice, or a weight that is not above 0.
    """
    mix: dict[str, float] = {}
    for word in words:
        name, colon, weight = word.partition(":")
        if name != "eda" and name not in METHODS:
            raise UsageError(
                f"method '{word}' is not known; allowed are eda (sr ri rs rd), {', '.join(METHODS)}, "
                "each with a weight if wanted; and for sts.augment, in a run of their own, contrast, numbers, roles, "
                "spelling"
            )
        for method in EDA if name == "eda" else (name,):
            if method in mix:
                raise UsageError(f"method '{method}' is given twice in '{' '.join(words)}'; give each once")
            mix[method] = _weight(word, weight) if colon else 1.0
    if not mix:
        raise UsageError(f"no method is given; allowed are eda (sr ri rs rd), {', '.join(METHODS)}")
    return mix


def check_settings(mix: Mapping[str, float], settings: AugmentSettings) -> None:
    """Refuse settings that a mix has no use for, so that no option is given in vain.

    Raises:
        UsageError: a setting was changed that none of the methods reads.
    """
    changed = {field.name for field in fields(settings) if getattr(settings, field.name) != field.default}
    for name, methods in _USED_BY.items():
        if name in changed and not set(methods) & set(mix):
            raise UsageError(
                f"{_flag(name)} goes with the methods {', '.join(methods)}; the mix is {', '.join(mix)}: "
                "add one of them or leave the option out"
            )
    columns = changed & {"word_column", "synonym_column", "pos_column"}
    if columns and settings.thesaurus in ("kiwi", "wordnet"):
        raise UsageError(
            f"{', '.join(map(_flag, sorted(columns)))}: only for a table of words; "
            f"--thesaurus is {settings.thesaurus}, so give it a file or leave them out"
        )
    judging = changed & {"label_bound", "label_action"}
    if judging and settings.label_with is None:
        raise UsageError(f"{', '.join(map(_flag, sorted(judging)))}: goes with --label-with, the scorer's folder")


def make_methods(mix: Mapping[str, float], settings: AugmentSettings) -> dict[str, Method]:
    """Load the methods of a mix that vary sentences, by name; not `swap`, which takes a whole pair.

    Raises:
        StsError: what a method needs is not installed, not there or not readable.
    """
    made: list[Method] = []
    if "sr" in mix or "ri" in mix:
        from sts.augment.eda import RandomInsertion, SynonymReplacement
        from sts.augment.thesauri import Columns, find_thesaurus

        columns = Columns(settings.word_column, settings.synonym_column, settings.pos_column)
        thesaurus = find_thesaurus(settings.thesaurus, columns)
        made += [SynonymReplacement(thesaurus, settings.alpha), RandomInsertion(thesaurus, settings.alpha)]
    if "rs" in mix or "rd" in mix:
        from sts.augment.eda import RandomDeletion, RandomSwap

        made += [RandomSwap(settings.alpha), RandomDeletion(settings.alpha)]
    if "aeda" in mix:
        from sts.augment.aeda import Punctuation

        made.append(Punctuation())
    if "mlm" in mix:
        from sts.augment.mlm import MaskedInsertion

        made.append(MaskedInsertion(alpha=settings.alpha))
    if "bt" in mix:
        from sts.augment.back_translation import BackTranslation

        made.append(BackTranslation(ko_en=settings.ko_en, en_ko=settings.en_ko))
    return {method.name: method for method in made if method.name in mix}


def _weight(word: str, text: str) -> float:
    try:
        weight = float(text)
    except ValueError:
        weight = 0.0
    if not 0 < weight < float("inf"):
        raise UsageError(f"method '{word}': the weight is '{text}'; it must be a number above 0")
    return weight


def _flag(name: str) -> str:
    return "--" + name.replace("_", "-")
