"""The practice API: a store's jobs in memory, behind the documented HTTP interface.

Must not know the client: it shares no code with it, so that each shows the other's faults.
"""

from bulkcancel.sandbox.queue import Job, Queue, Rules, seeds_of
from bulkcancel.sandbox.server import Sandbox

__all__ = ["Job", "Queue", "Rules", "Sandbox", "seeds_of"]
