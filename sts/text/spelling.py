"""Spelling correction."""

import re
from collections.abc import Iterator, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from io import StringIO
from itertools import groupby
from typing import TYPE_CHECKING, Any, Literal

from sts.errors import StsError, UsageError
from sts.text.numbers import numbers

if TYPE_CHECKING:
    import kiwipiepy

# which slips Kiwi looks for, and how unlikely a slip it takes into account
KIWI_TYPOS = "basic_with_continual_and_lengthening"
KIWI_THRESHOLD = 2.5
# halves of characters, which Kiwi can't give back: in a word that is written anew, U+FFFD takes their place
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


class SpellingServiceError(StsError):
    """The network service behind py-hanspell can't be reached, or answers otherwise than it used to."""


@dataclass(frozen=True)
class Spelling:
    """Correct the spelling of words.

    Attributes:
        engine: `kiwi`, built in, or `hanspell` (py-hanspell, where it is installed), which asks a network service.
        on_error: `error` stops when the service fails, `keep` leaves the sentence as it is and counts it.
    """

    engine: Literal["kiwi", "hanspell"] = "kiwi"
    on_error: Literal["error", "keep"] = "error"

    def apply(self, sentences: Sequence[str]) -> list[str]:
        """The corrected sentences, in their order.

        Raises:
            UsageError: py-hanspell is asked for and not installed.
            SpellingServiceError: its service fails, with `on_error` error.
        """
        return [text for text, _ in self.corrected(sentences)]

    def versions(self) -> dict[str, str]:
        """The packages that spelling depends on, name to version.

        Raises:
            UsageError: py-hanspell is asked for and not installed.
        """
        from importlib.metadata import PackageNotFoundError, version

        if self.engine == "kiwi":
            return {package: version(package) for package in ("kiwipiepy", "kiwipiepy_model")}
        _hanspell()
        try:
            return {"py-hanspell": version("py-hanspell")}
        except PackageNotFoundError:  # it may lie on the path without being a package
            return {"py-hanspell": "unknown"}

    def corrected(self, sentences: Sequence[str]) -> Iterator[tuple[str, bool]]:
        """Each sentence corrected, and whether the engine failed to treat it."""
        if self.engine == "kiwi":
            from sts.text.analysers.kiwi import shared_kiwi

            kiwi = shared_kiwi()
            whole = (_LONE_SURROGATE.sub("\ufffd", sentence) for sentence in sentences)
            found = kiwi.tokenize(whole, typos=KIWI_TYPOS, typo_cost_threshold=KIWI_THRESHOLD)
            for sentence, tokens in zip(sentences, found, strict=True):
                yield _respelled(kiwi, sentence, tokens), False
            return
        check = _hanspell()
        for sentence in sentences:
            try:
                yield _keeping_numbers(sentence, check(sentence)), False
            except SpellingServiceError:
                if self.on_error == "error":
                    raise
                yield sentence, True


def _respelled(kiwi: "kiwipiepy.Kiwi", sentence: str, tokens: "Sequence[kiwipiepy.Token]") -> str:
    """The sentence with those words written anew that hold a slip; all else stays letter for letter."""
    parts, end = [], 0
    for _, group in groupby(tokens, key=lambda token: (token.sent_position, token.word_position)):
        word = list(group)
        if any(token.typo_cost > 0 for token in word):
            parts += [sentence[end : word[0].start], kiwi.join([(token.form, token.tag) for token in word])]
            end = word[-1].end
    return _keeping_numbers(sentence, "".join([*parts, sentence[end:]]))


def _keeping_numbers(sentence: str, corrected: str) -> str:
    return corrected if numbers(corrected) == numbers(sentence) else sentence


def _hanspell() -> Any:
    """A function that sends a sentence to py-hanspell's service."""
    try:
        from hanspell import spell_checker
    except ImportError as error:
        raise UsageError(
            "step 'spelling': py-hanspell is not installed, and what PyPI has of it no longer builds: "
            "pip install --no-build-isolation git+https://github.com/ssut/py-hanspell.git (it needs a network "
            "service), or take engine kiwi"
        ) from error

    def check(sentence: str) -> str:
        try:
            with redirect_stdout(StringIO()):  # it prints what the service answers
                answer = spell_checker.check(sentence)
            # the library refuses more than 500 characters by an answer without text
            corrected = str(answer.checked) if answer.result else None
        # the library leaves any failure of its service unhandled: no network, another answer, a missing key
        except Exception as error:
            raise SpellingServiceError(
                f"step 'spelling': py-hanspell's service can't be used ({type(error).__name__}: {error}); check the "
                "network, set on_error to keep to leave such sentences as they are, or take engine kiwi"
            ) from error
        if corrected is None:
            raise SpellingServiceError(
                f"step 'spelling': py-hanspell refuses '{sentence:.40}' ({len(sentence):,} characters; it takes 500); "
                "set on_error to keep to leave such sentences as they are, or take engine kiwi"
            )
        return corrected

    return check
