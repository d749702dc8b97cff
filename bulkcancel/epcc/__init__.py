"""The Elastic Path HTTP API: build requests, send each in its turn, say what a reply means.

Must not know which jobs are to be cancelled, nor files or terminals. Its names are imported
when asked for: aiohttp, which takes a quarter of a second, only where a connection is needed.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bulkcancel.epcc.messages import (
        Exchange,
        NoReply,
        Reply,
        Request,
        cancel_request,
        read_request,
    )
    from bulkcancel.epcc.rate_limit import MAX_REFUSALS, Pacer
    from bulkcancel.epcc.sender import Sender, connect
    from bulkcancel.epcc.verdicts import (
        Step,
        Verdict,
        describe,
        interpret_any,
        interpret_cancel,
        interpret_read,
        job_state,
    )

__all__ = [
    "MAX_REFUSALS",
    "Exchange",
    "NoReply",
    "Pacer",
    "Reply",
    "Request",
    "Sender",
    "Step",
    "Verdict",
    "cancel_request",
    "connect",
    "describe",
    "interpret_any",
    "interpret_cancel",
    "interpret_read",
    "job_state",
    "read_request",
]

_MODULES = ("messages", "verdicts", "rate_limit", "sender")  # the last loads aiohttp


def __getattr__(name: str) -> Any:  # noqa: ANN401
    for module in _MODULES if name in __all__ else ():
        found = vars(import_module(f"{__name__}.{module}"))
        if name in found:
            return found[name]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
