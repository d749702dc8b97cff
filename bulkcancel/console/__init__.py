"""Lines, display, question and summary as people read them.

Must not know the API, nor files.
"""
