"""What people see and are asked: lines, display, question, the page, the table of the queue.

Given plain values. Must not know the API, the engine, or any file.
"""

from bulkcancel.console.effective_settings import effective_settings
from bulkcancel.console.output import STYLES, Output, log_line, shell_command, with_texts
from bulkcancel.console.page import page_of
from bulkcancel.console.progress import display_for
from bulkcancel.console.prompt import ask, require_terminal
from bulkcancel.console.queue_table import QueueView, print_queue
from bulkcancel.console.snapshot import Conditions, by_count, explained, statuses
from bulkcancel.console.watch import Watch

__all__ = [
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
    "with_texts",
]
