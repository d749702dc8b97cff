"""The store's queue: its list of jobs, whole or not at all, shown, followed, and used as proof.

`command` is `bulkcancel-jobs`, `verify` holds a report against it. Must not know click, nor how
the rate is held, and cancels nothing. The store's own name is read here, too.
"""

from bulkcancel.listing.command import QueueSettings, list_queue
from bulkcancel.listing.follow import FollowOptions
from bulkcancel.listing.selection import Selection
from bulkcancel.listing.store_info import store_name
from bulkcancel.listing.verify import LAG, Verification, Verifier

__all__ = [
    "LAG",
    "FollowOptions",
    "QueueSettings",
    "Selection",
    "Verification",
    "Verifier",
    "list_queue",
    "store_name",
]
