"""The Elastic Path HTTP API: build requests, send each in its turn, say what a reply means.

Must not know which jobs are to be cancelled, nor files or terminals. Its names are imported
when asked for: aiohttp, which takes a quarter of a second, only where a connection is needed.
"""

from typing import TYPE_CHECKING

from bulkcancel.base.lazy import importer

if TYPE_CHECKING:
    from bulkcancel.epcc.messages import (
        Exchange,
        NoReply,
        Reply,
        Request,
        cancel_request,
        read_request,
    )
    from bulkcancel.epcc.rate_limit import MAX_REFUSALS
    from bulkcancel.epcc.sender import Call, Sender, connect
    from bulkcancel.epcc.verdicts import (
        Step,
        Verdict,
        body_of,
        date_of,
        describe,
        interpret_any,
        interpret_cancel,
        interpret_read,
        job_state,
        mapping,
    )

__all__ = [
    "MAX_REFUSALS",
    "Call",
    "Exchange",
    "NoReply",
    "Reply",
    "Request",
    "Sender",
    "Step",
    "Verdict",
    "body_of",
    "cancel_request",
    "connect",
    "date_of",
    "describe",
    "interpret_any",
    "interpret_cancel",
    "interpret_read",
    "job_state",
    "mapping",
    "read_request",
]

__getattr__ = importer(__name__, __all__, "messages", "verdicts", "rate_limit", "sender")
