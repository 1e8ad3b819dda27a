"""What a number is in running text, so that no step changes one."""

import re

# between digits: points and commas, also in full width; the middle dot, which many type as U+318D; tildes and dashes
_JOINTS = ".,\uff0e\uff0c:/\u00b7\u318d~\u223c\u301c\uff5e\u2013-"
# digits, held together by these ("3.5", "1,000", "10:30", "2020-01-02", "6·25"), with a sign and a decimal point
# in front that follow no letter, digit or such mark ("-3", ".5", but 19 in "COVID-19"), and with a percent sign
NUMBER = re.compile(rf"(?:(?<![\w+\u2212\u2026{_JOINTS}])(?:[-+\u2212]\.?|\.))?\d+(?:[{_JOINTS}]\d+)*[%\u2030]?")


def numbers(text: str) -> list[str]:
    """The numbers of a text, in its order, as they are written."""
    return NUMBER.findall(text)
