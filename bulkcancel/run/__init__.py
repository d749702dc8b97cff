"""One run, joined from the other rooms in the order that is safe.

`prepare` refuses what can be refused without a request, `connection` logs in, `session`
cancels, `conclude` says and keeps what became of it, `exit_code` decides how the process
ends. Must not know the command line.
"""
