"""The store's queue: its list of jobs, whole or not at all, shown, followed, and used as proof.

`command` is `bulkcancel-jobs`, `verify` holds a report against it. Must not know click, nor how
the rate is held, and cancels nothing. The store's own name is read here, too.
"""

from bulkcancel.listing.store_info import store_name
from bulkcancel.listing.verify import LAG, Verification, Verifier

__all__ = ["LAG", "Verification", "Verifier", "store_name"]
