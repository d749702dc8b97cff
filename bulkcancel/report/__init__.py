"""Write one row per job so that none is lost, and read back what earlier runs wrote.

The room owns the columns, the formats, every file that a run writes, and the rules for
files that are there already. It must not know the API, the terminal, or how the ids of
the input were found.
"""

from bulkcancel.report.destination import (
    STDOUT,
    name_of,
    open_stream,
    standard_output,
)
from bulkcancel.report.past import Past, read_report, require_same_store, row_key
from bulkcancel.report.places import (
    check_places,
    choose_target,
    format_of,
    is_pipe,
    is_stream,
    stdout_is_null,
)
from bulkcancel.report.regular_file import read_regular, write_atomically
from bulkcancel.report.rows import Format, Layout, Row, inert, new_run_id, store_text
from bulkcancel.report.run_log import RunSpan
from bulkcancel.report.writer import EarlierReport, Recorder, open_earlier, open_recorder

__all__ = [
    "STDOUT",
    "EarlierReport",
    "Format",
    "Layout",
    "Past",
    "Recorder",
    "Row",
    "RunSpan",
    "check_places",
    "choose_target",
    "format_of",
    "inert",
    "is_pipe",
    "is_stream",
    "name_of",
    "new_run_id",
    "open_earlier",
    "open_recorder",
    "open_stream",
    "read_regular",
    "read_report",
    "require_same_store",
    "row_key",
    "standard_output",
    "stdout_is_null",
    "store_text",
    "write_atomically",
]
