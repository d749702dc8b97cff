"""One run, joined from the other rooms in the order that is safe.

`main` is that order: `prepare` refuses what can be refused without a request, `connection` logs
in, `session` cancels, `conclude` says and keeps what became of it, `facts` decides the exit
code. Must not know the command line.
"""

from bulkcancel.run.main import run

__all__ = ["run"]
