"""The store's queue: its list of jobs, whole or not at all, shown, followed, and used as proof.

`command` is `bulkcancel-jobs`, `prove` is `--check --verify`. Must not know click, nor how a
request is sent, and cancels nothing. The store's own name is read here, too.
"""

from bulkcancel.listing.arrivals import Arrivals
from bulkcancel.listing.fetch import Asks, Fetcher, ListError
from bulkcancel.listing.follow import FollowOptions, Round, follow
from bulkcancel.listing.lister import Lister
from bulkcancel.listing.page import ListedJob, epoch_of
from bulkcancel.listing.selection import Selection
from bulkcancel.listing.store_info import store_name
from bulkcancel.listing.verify import LAG, Difference, Verification, Verifier

__all__ = [
    "LAG",
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
    "store_name",
]
