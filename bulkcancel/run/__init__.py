"""One run: the rooms put together in the order that is safe.

Must not know the command line.
"""
