"""Cancel many queued Elastic Path Commerce jobs: a command, and this library.

    async for result in bulkcancel.cancel_jobs(ids):
        print(result.job_id, result.outcome)

The code stands in rooms, each of which imports only those above it:

- `base`: values, errors, settings, safe text, signals; known to all
- `inputs`: find the job ids in any file or pipe
- `epcc`: the Elastic Path HTTP API, each request at a rate and with a token
- `engine`: settle each job, many side by side, and stop well
- `report`: results as rows on disk, and read back
- `console`: what people see and are asked
- `listing`: the store's queue: its list of jobs, shown, followed, and used as proof
- `run`: one run, from settings to exit code; `api` is the same for Python
- `cli`: the commands; `sandbox`: the practice API
"""

from typing import TYPE_CHECKING

from bulkcancel._version import __version__
from bulkcancel.base.lazy import importer

if TYPE_CHECKING:
    from bulkcancel.api import cancel_jobs, cancel_jobs_sync
    from bulkcancel.base.errors import (
        BulkcancelError,
        ConfigError,
        GuardError,
        LoginError,
        StoreError,
    )
    from bulkcancel.base.model import (
        ClientKey,
        Earlier,
        Evidence,
        JobResult,
        JobRow,
        JobState,
        Outcome,
        ReadyToken,
    )

__all__ = [
    "BulkcancelError",
    "ClientKey",
    "ConfigError",
    "Earlier",
    "Evidence",
    "GuardError",
    "JobResult",
    "JobRow",
    "JobState",
    "LoginError",
    "Outcome",
    "ReadyToken",
    "StoreError",
    "__version__",
    "cancel_jobs",
    "cancel_jobs_sync",
]


def __dir__() -> list[str]:
    return __all__


# the command starts four times as fast without aiohttp, which `api` needs
__getattr__ = importer(__name__, __all__, "base.errors", "base.model", "api")
