"""The store's list of jobs: read it whole or not at all, tell what is new, prove a report.

Must not know what the list is for, how a request is sent, nor files or terminals.
"""

from bulkcancel.listing.arrivals import Arrivals
from bulkcancel.listing.fetch import Asks, Fetcher, ListError
from bulkcancel.listing.follow import FollowOptions, Round, follow
from bulkcancel.listing.lister import Lister
from bulkcancel.listing.page import ListedJob, epoch_of
from bulkcancel.listing.selection import Selection
from bulkcancel.listing.verify import Difference, Verification, Verifier

__all__ = [
    "Arrivals",
    "Asks",
    "Difference",
    "Fetcher",
    "FollowOptions",
    "ListError",
    "ListedJob",
    "Lister",
    "Round",
    "Selection",
    "Verification",
    "Verifier",
    "epoch_of",
    "follow",
]
