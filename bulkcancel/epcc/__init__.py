"""The Elastic Path HTTP API: build requests, send each in its turn, say what a reply means.

Must not know which jobs are to be cancelled, nor files or terminals. It imports aiohttp, which
takes a quarter of a second: a command imports this room only when it needs a connection.
"""

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
