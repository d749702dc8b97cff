"""Find the job ids in any file or pipe, and refuse what is not certain.

The way of the bytes: `decoding` makes lines of them, `delimited` or `json_lists` makes
entries of the lines, `source` chooses between the two, `distinct` drops duplicates, and
`reader` (all at once) or `stream` (as they arrive) hands out rows; `facts` sums them up. This
room must not know the API, nor how a report is written.
"""

from typing import TYPE_CHECKING

from bulkcancel.base.lazy import importer
from bulkcancel.inputs.distinct import Jobs
from bulkcancel.inputs.facts import Overview, Shortage
from bulkcancel.inputs.job_ids import Entry, problem_of
from bulkcancel.inputs.reader import Input, read_inputs, stdin_is_pipe
from bulkcancel.inputs.source import STDIN, Source

if TYPE_CHECKING:
    from bulkcancel.inputs.stream import Listed, Streamed

__all__ = [
    "STDIN",
    "Entry",
    "Input",
    "Jobs",
    "Listed",
    "Overview",
    "Shortage",
    "Source",
    "Streamed",
    "problem_of",
    "read_inputs",
    "stdin_is_pipe",
]

__getattr__ = importer(__name__, __all__, "stream")
