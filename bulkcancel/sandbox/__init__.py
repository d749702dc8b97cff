"""The practice API: a store's jobs in memory, behind the documented HTTP interface.

Shares no code with the client, so that each can show the other's faults.
"""
