"""What a number is in running text, so that no step changes one."""

import re

# digits, held together by . , : / - ~ · between them ("3.5", "1,000", "10:30", "2020-01-02", "6·25"; many type the
# middle dot as "ㆍ"), with a sign and a decimal point in front that follow no letter, digit or such mark ("-3", ".5",
# but 19 in "COVID-19"), and with a percent or permille sign
NUMBER = re.compile(
    r"(?:(?<![\w.,:/~\u00b7\u2026+\u2212-])(?:[-+\u2212]\.?|\.))?\d+(?:[.,:/~\u00b7\u318d-]\d+)*[%\u2030]?"
)


def numbers(text: str) -> list[str]:
    """The numbers of a text, in its order, as they are written."""
    return NUMBER.findall(text)
