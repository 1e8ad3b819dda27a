"""What a spelling or spacing engine would change in sentences, so that a person can decide whether it should."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Literal

from sts.text.spacing import Spacing, gaps
from sts.text.spelling import Spelling

Kind = Literal["spelling", "spacing", "both"]
# sentences that are corrected at once
CHUNK = 1000


@dataclass(frozen=True)
class Correction:
    """A sentence before and after.

    Attributes:
        before: as it stands in the data.
        after: as the engine would have it.
        changes: places where the two differ: runs of words, and of characters where only spaces differ.
        failed: whether the engine could not treat it.
    """

    before: str
    after: str
    changes: int
    failed: bool

    @property
    def in_letters(self) -> bool:
        """Whether more than spaces changed."""
        return "".join(self.before.split()) != "".join(self.after.split())


def corrections(sentences: Iterable[str], kind: Kind, *, spelling: Spelling, spacing: Spacing) -> Iterator[Correction]:
    """Correct sentences and count what changed, in constant memory.

    Args:
        sentences: any number.
        kind: what to correct; `both` spaces first.
        spelling: the spelling engine.
        spacing: the spacing engine.

    Raises:
        UsageError: an engine is not installed.
        SpellingServiceError: its service fails, and it is not to go on.
    """
    chunk: list[str] = []
    for sentence in sentences:
        chunk.append(sentence)
        if len(chunk) == CHUNK:
            yield from _corrected(chunk, kind, spelling, spacing)
            chunk = []
    yield from _corrected(chunk, kind, spelling, spacing)


def _corrected(sentences: Sequence[str], kind: Kind, spelling: Spelling, spacing: Spacing) -> Iterator[Correction]:
    spaced = list(sentences) if kind == "spelling" else spacing.apply(sentences)
    spelled = [(text, False) for text in spaced] if kind == "spacing" else list(spelling.corrected(spaced))
    for before, (after, failed) in zip(sentences, spelled, strict=True):
        yield Correction(before, after, count_changes(before, after), failed)


def count_changes(before: str, after: str) -> int:
    """In how many places two versions of a sentence differ.

    A place is a run of words that differ in their letters, or a space that was put in or taken out.
    """
    if before.split() == after.split():
        return 0
    letters = [text.replace(" ", "") for text in (before, after)]
    if letters[0] == letters[1]:
        return len(gaps(before) ^ gaps(after))
    matcher = SequenceMatcher(a=before.split(), b=after.split(), autojunk=False)
    return sum(tag != "equal" for tag, *_ in matcher.get_opcodes())
