"""Settle each job truly, many side by side, and stop well.

Must not know files, terminals or the command line.
"""
