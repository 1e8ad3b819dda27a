"""Files: tables of rows as people have them, and results that nobody ever sees half of."""

from sts.files.columns import Columns
from sts.files.options import FileOptions
from sts.files.table import RawRow, read_table
from sts.files.write import (
    REPORT_FILE,
    check_inputs_outside,
    check_output_folder,
    replacing_file,
    replacing_folder,
    write_json,
    write_text,
)

__all__ = [
    "REPORT_FILE",
    "Columns",
    "FileOptions",
    "RawRow",
    "check_inputs_outside",
    "check_output_folder",
    "read_table",
    "replacing_file",
    "replacing_folder",
    "write_json",
    "write_text",
]
