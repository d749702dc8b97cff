"""Settle each job truly, many side by side, and stop well.

Must not know files, terminals or the command line.
"""

from bulkcancel.engine.guards import Guards
from bulkcancel.engine.job import Policy
from bulkcancel.engine.pool import Engine, Rows, concurrency_for

__all__ = ["Engine", "Guards", "Policy", "Rows", "concurrency_for"]
