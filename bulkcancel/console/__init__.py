"""What people see on standard error and are asked on the terminal: lines, display, summary.

Given plain values. Must not know the API, the engine, or any file.
"""

from bulkcancel.console.output import Output
from bulkcancel.console.progress import LiveDisplay, PlainLines, display_for
from bulkcancel.console.prompt import Question, ask, require_terminal
from bulkcancel.console.snapshot import Snapshot
from bulkcancel.console.summary import Summary, by_count, print_summary

__all__ = [
    "LiveDisplay",
    "Output",
    "PlainLines",
    "Question",
    "Snapshot",
    "Summary",
    "ask",
    "by_count",
    "display_for",
    "print_summary",
    "require_terminal",
]
