"""Which column of a file is which."""

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sts.errors import DataError
from sts.text.form import composed

SHOWN_CHARACTERS = 200
# rows of ever new fields must not fill the memory
MAX_KNOWN = 10_000


@dataclass(frozen=True)
class Columns:
    """The columns that a reader looks for.

    Attributes:
        needed: without these a file can't be read.
        optional: these are taken where they are there.
        aliases: other names for some of them.
        others: whether further columns are kept too.
        any_of: whether one of `optional` must be there.
    """

    needed: tuple[str, ...]
    optional: tuple[str, ...] = ()
    aliases: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    others: bool = False
    any_of: bool = False

    def place(self, header: Sequence[str], named: Mapping[str, str], where: str) -> "Placed":
        """Find the columns in a header; case, spaces, underscores and hyphens in names do not matter.

        Args:
            header: the file's names.
            named: columns that the user named, see `FileOptions.named`.
            where: what messages call the place of the header.

        Raises:
            DataError: a column is missing, or two have one name.
        """
        given = [composed(str(name)).strip() for name in header]
        names: list[str | None] = [None] * len(given)
        for name, column in named.items():
            place = _find(column, given, where)
            if names[place] is not None:
                raise DataError(f"{where}: --columns names the column '{column}' for both {names[place]} and {name}")
            names[place] = _canonical(name, self)
        for wanted in (*self.needed, *self.optional):
            if wanted not in names and (found := self._search(wanted, given, names, where)) is not None:
                names[found] = wanted
        missing = [name for name in self.needed if name not in names]
        if missing:
            raise DataError(self._missing(missing, given, where))
        if self.any_of and not set(self.optional) & set(names):
            there = ", ".join(given)
            raise DataError(
                f"{where}: found the columns {there:.{SHOWN_CHARACTERS}}; one of {', '.join(self.optional)} is needed"
            )
        whole = [name or given[n] or f"column {n + 1}" for n, name in enumerate(names)]
        if self.others:
            _check_once(whole, where)
        kept = [name is not None or self.others for name in names]
        spelled = {name: given[n] or name for n, name in enumerate(whole) if kept[n]}
        return Placed(whole, kept, spelled)

    def _search(self, wanted: str, given: Sequence[str], names: Sequence[str | None], where: str) -> int | None:
        """The place of a column by its name, else by its name spelled loosely, else by another name for it."""
        free = [(n, each) for n, each in enumerate(given) if names[n] is None]
        for places in (
            [n for n, each in free if each == wanted],
            *(
                [n for n, each in free if _key(each) == _key(alias)]
                for alias in (wanted, *self.aliases.get(wanted, ()))
            ),
        ):
            if len(places) > 1:
                numbers = _listed([str(place + 1) for place in places])
                raise DataError(
                    f"{where}: columns {numbers} may both be {wanted} ({_listed([given[n] for n in places])}); say "
                    f"which: --columns {wanted}={places[0] + 1}"
                )
            if places:
                return places[0]
        return None

    def in_order(self, count: int, named: Mapping[str, str], where: str) -> "Placed":
        """The columns of a file without a header: those that the user named by number, or all known ones in order.

        Args:
            count: columns of the first row.
            named: columns that the user named, see `FileOptions.named`.
            where: what messages call the place of the first row.

        Raises:
            DataError: there are too few columns, or more than have names.
        """
        numbers = [str(number) for number in range(1, count + 1)]
        if named:
            return self.place(numbers, named, where)
        known = [*self.needed, *(name for name in self.optional if name == "label" and name not in self.needed)]
        if not len(self.needed) <= count <= len(known):
            raise DataError(
                f"{where}: has {count} column{'s' * (count != 1)} and no header; without one, columns are "
                f"{_listed(known)}, in this order, or name them by number: --columns {known[0]}=1"
            )
        return Placed(known[:count], [True] * count, dict(zip(known, numbers, strict=False)), numbered=True)

    def _missing(self, missing: Sequence[str], given: Sequence[str], where: str) -> str:
        found = ", ".join(given) or "nothing"
        named = _listed([f"'{name}'" for name in missing])
        message = (
            f"{where}: column{'s' * (len(missing) > 1)} {named} {'are' if len(missing) > 1 else 'is'} missing; found "
            f"{found:.{SHOWN_CHARACTERS}}; needed {'are' if len(self.needed) > 1 else 'is'} {_listed(self.needed)}; "
            f"name your own: --columns {missing[0]}=COLUMN"
        )
        if len(missing) == len(self.needed):
            message += "; if the first line is a row already, add --no-header"
        return message


@dataclass(frozen=True)
class Placed:
    """A file's columns.

    Attributes:
        names: of each column, in this project's terms.
        kept: for each column, whether it is read.
        spelled: what the file calls each column that is read, or its number in a file without a header.
        numbered: whether the file has no header.
    """

    names: list[str]
    kept: list[bool]
    spelled: dict[str, str]
    numbered: bool = False

    def told(self) -> list[str]:
        """The names that were recognised and not spelled as here, a phrase each."""
        kind = "column " if self.numbered else ""
        return [
            f"{kind}{repr(found) if not kind else found} as {name}"
            for name, found in self.spelled.items()
            if found != name
        ]

    def row(self, values: Sequence[Any]) -> dict[str, Any] | str:
        """A row's fields by name, or what is wrong with it."""
        if len(values) != len(self.names):
            return (
                f"the row has {len(values)} fields, the header {len(self.names)}; each row must have one field for "
                "each column"
            )
        return {name: value for name, value, kept in zip(self.names, values, self.kept, strict=True) if kept}


class ObjectColumns:
    """The columns of rows that name their own fields, as JSON's objects do.

    Args:
        columns: what is looked for; a row that lacks a field is told by whoever needs it.
        named: columns that the user named, see `FileOptions.named`.
        say: told, once each, which names were recognised.
    """

    def __init__(self, columns: Columns, named: Mapping[str, str], say: Callable[[list[str]], None]) -> None:
        self.columns = Columns((), (*columns.needed, *columns.optional), columns.aliases, others=True)
        self.named = named
        self._say = say
        self._known: dict[tuple[str, ...], Placed | str] = {}
        self._told: set[str] = set()

    def place(self, fields: Any) -> Placed | str:
        """Where a row has its columns, or what is wrong with it."""
        if not isinstance(fields, dict):
            return f"the row is {fields!r:.60}; it must be an object"
        keys = tuple(fields)
        placed = self._known.get(keys)
        if placed is None:
            placed = self._placed(keys)
            if len(self._known) < MAX_KNOWN:
                self._known[keys] = placed
        return placed

    def check_named(self, fields: dict[str, Any], where: str) -> None:
        """See whether the first row has the columns that the user named.

        Raises:
            DataError: it lacks one.
        """
        given = [composed(key).strip() for key in fields]
        for column in self.named.values():
            _find(column, given, where)

    def _placed(self, keys: tuple[str, ...]) -> Placed | str:
        # a column that only some rows have is named for those
        there = {_key(key) for key in keys}
        named = {
            name: column for name, column in self.named.items() if _key(column) in there or _is_number(column, keys)
        }
        try:
            placed = self.columns.place(keys, named, "the row")
        except DataError as error:
            return str(error).removeprefix("the row: ")
        if new := [line for line in placed.told() if line not in self._told]:
            self._told.update(new)
            self._say(new)
        return placed


def _find(column: str, given: Sequence[str], where: str) -> int:
    """The place of a column that the user named, by its name or its number."""
    exact = [n for n, each in enumerate(given) if each == column]
    places = exact or [n for n, each in enumerate(given) if _key(each) == _key(column)]
    if not places and _is_number(column, given):
        return int(column) - 1
    if len(places) != 1:
        found = f"is missing; found {', '.join(given):.{SHOWN_CHARACTERS}}"
        what = f"is there {len(places)} times; give its number" if places else found
        raise DataError(f"{where}: --columns names the column '{column}', which {what}")
    return places[0]


def _is_number(column: str, names: Sequence[str]) -> bool:
    return column.isdecimal() and 1 <= int(column) <= len(names)


def _canonical(name: str, columns: Columns) -> str:
    """A name that the user gave, in this project's spelling where it is one of the known ones."""
    return next((each for each in (*columns.needed, *columns.optional) if _key(each) == _key(name)), name)


def _check_once(names: Sequence[str], where: str) -> None:
    """Refuse two columns of one name, of which one would be lost."""
    for name, times in Counter(names).items():
        if times > 1:
            places = [str(n + 1) for n, each in enumerate(names) if each == name]
            raise DataError(
                f"{where}: columns {_listed(places)} are both called '{name}'; give one of them another name in the "
                f"file, or here: --columns {name}{places[-1]}={places[-1]}"
            )


def _key(name: str) -> str:
    """A name without what does not matter in it."""
    return re.sub(r"[\s_-]+", "", composed(name)).casefold()


def _listed(names: Sequence[str]) -> str:
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))
