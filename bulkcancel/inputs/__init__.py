"""Find the job ids in any file or pipe, and refuse what is not certain.

The way of the bytes: `decoding` makes lines of them, `delimited` or `json_lists` makes
entries of the lines, `source` chooses between the two, `jobs` drops duplicates and counts, and
`reader` (all at once) or `stream` (as they arrive) hands out rows. This room must not know the
API, nor how a report is written.
"""

from bulkcancel.inputs.job_ids import STDIN, Entry, problem_of
from bulkcancel.inputs.jobs import Jobs
from bulkcancel.inputs.reader import Input, read_inputs, stdin_is_pipe
from bulkcancel.inputs.source import Source

__all__ = [
    "STDIN",
    "Entry",
    "Input",
    "Jobs",
    "Source",
    "problem_of",
    "read_inputs",
    "stdin_is_pipe",
]
