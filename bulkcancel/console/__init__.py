"""What people see and are asked on the terminal: lines, display, summary, the queue's table.

Given plain values. Must not know the API, the engine, or any file.
"""

from typing import TYPE_CHECKING

from bulkcancel.base.lazy import importer
from bulkcancel.console.effective_settings import effective_settings
from bulkcancel.console.output import Output, log_line, shell_command
from bulkcancel.console.progress import LiveDisplay, PlainLines, display_for
from bulkcancel.console.prompt import Question, ask, require_terminal
from bulkcancel.console.snapshot import Conditions, Snapshot, by_count
from bulkcancel.console.summary import Summary, print_summary
from bulkcancel.console.timeline import Sample, Timeline
from bulkcancel.console.watch import Watch

if TYPE_CHECKING:
    from bulkcancel.console.page import MOST_ROWS, PAGE_BEGINNING, Page
    from bulkcancel.console.queue_table import QueueView, print_queue

__all__ = [
    "MOST_ROWS",
    "PAGE_BEGINNING",
    "Conditions",
    "LiveDisplay",
    "Output",
    "Page",
    "PlainLines",
    "Question",
    "QueueView",
    "Sample",
    "Snapshot",
    "Summary",
    "Timeline",
    "Watch",
    "ask",
    "by_count",
    "display_for",
    "effective_settings",
    "log_line",
    "print_queue",
    "print_summary",
    "require_terminal",
    "shell_command",
]

__getattr__ = importer(__name__, __all__, "page", "queue_table")
