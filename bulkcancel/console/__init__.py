"""What people see and are asked on the terminal: lines, display, summary, the queue's table.

Given plain values. Must not know the API, the engine, or any file.
"""

from typing import TYPE_CHECKING

from bulkcancel.base.lazy import importer
from bulkcancel.console.effective_settings import effective_settings
from bulkcancel.console.output import STYLES, Output, log_line, shell_command
from bulkcancel.console.progress import display_for
from bulkcancel.console.prompt import ask, require_terminal
from bulkcancel.console.snapshot import Conditions, by_count, explained, statuses
from bulkcancel.console.watch import Watch

if TYPE_CHECKING:
    from bulkcancel.console.page import MOST_ROWS, PAGE_BEGINNING, page_of
    from bulkcancel.console.queue_table import QueueView, print_queue

__all__ = [
    "MOST_ROWS",
    "PAGE_BEGINNING",
    "STYLES",
    "Conditions",
    "Output",
    "QueueView",
    "Watch",
    "ask",
    "by_count",
    "display_for",
    "effective_settings",
    "explained",
    "log_line",
    "page_of",
    "print_queue",
    "require_terminal",
    "shell_command",
    "statuses",
]

__getattr__ = importer(__name__, __all__, "page", "queue_table")
