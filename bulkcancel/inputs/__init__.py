"""Find the job ids in any file or pipe, and refuse what is not certain.

Must not know the API, nor how a report is written.
"""
