"""Rows that are never lost, and what an earlier run left behind.

Must not know the API or the terminal.
"""
