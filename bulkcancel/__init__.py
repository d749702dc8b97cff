"""Cancel many queued Elastic Path Commerce jobs, with a report that is true."""

from bulkcancel._version import __version__

__all__ = ["__version__"]
