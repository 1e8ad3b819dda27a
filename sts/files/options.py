"""What a user can say about the files that are read."""

import codecs
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from sts.errors import UsageError
from sts.text.form import composed

DELIMITERS = {"comma": ",", "semicolon": ";", "tab": "\t", "pipe": "|"}
Delimiter = Literal["auto", "comma", "semicolon", "tab", "pipe"]
Quoting = Literal["auto", "double", "none"]
# Korean Windows calls its superset of EUC-KR by the smaller one's name
CODECS = {
    "euc-kr": "cp949",
    "euc_kr": "cp949",
    "euckr": "cp949",
    "ks_c_5601-1987": "cp949",
    "utf-8": "utf-8-sig",
    "utf8": "utf-8-sig",
}


@dataclass(frozen=True)
class FileOptions:
    """How files are read.

    Args:
        encoding: auto = UTF-8, or what a byte order mark says; or a name, such as cp949 (Korean Windows) or utf-16
        columns: which column of the file is which, as name=column, such as sentence1=question1 label=is_duplicate; a
            column may also be given by its number, from 1 on
        no_header: the first line is a row; its columns are those that --columns names, or else sentence1, sentence2 and
            label (sentence, for sentences) in this order
        delimiter: what stands between the columns of CSV and TSV; auto = the one that gives the first line the columns
            that are needed
        quoting: quotation marks in CSV and TSV: double = they enclose fields, and "" stands for one within, none = they
            are characters like any other; auto = double for CSV, and for TSV none but for fields that can only have
            been written the other way
    """

    encoding: str = "auto"
    columns: list[str] | None = None
    no_header: bool = False
    delimiter: Delimiter = "auto"
    quoting: Quoting = "auto"

    def __post_init__(self) -> None:
        if self.encoding != "auto":
            _ = self.codec
        _ = self.named

    @cached_property
    def codec(self) -> str:
        """Python's name of the encoding.

        Raises:
            UsageError: there is no such encoding of text.
        """
        name = CODECS.get(self.encoding.lower(), self.encoding)
        try:
            # also refuses what turns bytes into bytes, such as zip
            codecs.decode(b"", name, "strict")
            text = codecs.lookup(name)._is_text_encoding
        except Exception:  # codecs of bytes raise whatever their libraries raise
            text = False
        if not text:
            raise UsageError(
                f"--encoding is '{self.encoding}'; allowed are auto, utf-8, cp949, utf-16 and other names that Python "
                "knows"
            )
        return name

    @cached_property
    def named(self) -> dict[str, str]:
        """The columns that were named: this project's name to the file's, or its number.

        Raises:
            UsageError: one is not of the form name=column, or a name is given twice.
        """
        found: dict[str, str] = {}
        for each in self.columns or []:
            name, equals, column = (part.strip() for part in composed(each).partition("="))
            if not equals or not name or not column:
                raise UsageError(f"--columns {each}: must be name=column, such as sentence1=question1")
            if name in found:
                raise UsageError(f"--columns names {name} twice; name each column once")
            found[name] = column
        return found


# as the files themselves show how they are to be read
AS_FOUND = FileOptions()
