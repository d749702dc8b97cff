"""The Elastic Path HTTP API: build requests, send each in its turn, say what a reply means.

Must not know what is to be cancelled, nor files or terminals.
"""
