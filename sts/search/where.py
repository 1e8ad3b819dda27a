"""Filters on metadata: `source=airbnb`."""

import json
from collections.abc import Sequence

from sts.errors import UsageError

MAX_FILTERS = 20


def parse_where(filters: Sequence[str]) -> dict[str, str]:
    """Filters as the command line has them, by name.

    Raises:
        UsageError: a filter is not of the form name=value, or there are too many.
    """
    if len(filters) > MAX_FILTERS:
        raise UsageError(f"--where has {len(filters)} filters; at most {MAX_FILTERS} are allowed")
    parsed: dict[str, str] = {}
    for each in filters:
        name, equals, value = each.partition("=")
        if not equals or not name or name in parsed:
            raise UsageError(f"--where {each}: must be name=value, each name once, such as source=airbnb")
        parsed[name] = value
    return parsed


def condition(where: dict[str, str]) -> tuple[str, list[str]]:
    """An SQL condition that all filters hold, and its parameters.

    A value is compared with the metadata's text, and with its number, true, false or null as JSON writes it.

    Raises:
        UsageError: a name that no path in JSON can spell.
    """
    parts, parameters = [], []
    for name, value in where.items():
        if '"' in name or "\\" in name:
            raise UsageError(f"--where {name}={value}: the name must not hold a quotation mark or a backslash")
        parts.append("metadata -> ? IN (?, ?)")
        parameters += [f'$."{name}"', json.dumps(value, ensure_ascii=False), value]
    return " AND ".join(parts), parameters
