"""What a number is in running text, so that no step changes one."""

import re

# digits, held together by . , : / - ~ between them ("3.5", "1,000", "10:30", "2020-01-02"), with a sign that
# follows no letter or digit and with a percent or permille sign
NUMBER = re.compile(r"(?:(?<![\w.,:/~-])[-+\u2212])?\d+(?:[.,:/~-]\d+)*[%\u2030]?")


def numbers(text: str) -> list[str]:
    """The numbers of a text, in its order, as they are written."""
    return NUMBER.findall(text)
