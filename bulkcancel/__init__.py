"""Cancel many queued Elastic Path Commerce jobs: a command, and this library.

    async for result in bulkcancel.cancel_jobs(ids):
        print(result.job_id, result.outcome)

How the code is laid out, each room importing only what stands above it:

- `base`: the values that flow, what ends a run, text made safe, settings, signals
- `inputs`: find the job ids in any file or pipe
- `epcc`: the Elastic Path HTTP API, every request at a rate and with a token
- `engine`: one job's life, and the pool that settles many
- `report`: rows on disk, and back again
- `console`: what people see and are asked
- `run`: one run, joined from these; `api` is the library
- `cli`: the commands; `sandbox`: the practice API
"""

from typing import TYPE_CHECKING, Any

from bulkcancel._version import __version__

if TYPE_CHECKING:
    from bulkcancel.api import cancel_jobs
    from bulkcancel.base.errors import BulkcancelError, ConfigError, GuardError, LoginError
    from bulkcancel.base.model import ClientKey, Evidence, JobResult, JobState, Outcome, ReadyToken

__all__ = [
    "BulkcancelError",
    "ClientKey",
    "ConfigError",
    "Evidence",
    "GuardError",
    "JobResult",
    "JobState",
    "LoginError",
    "Outcome",
    "ReadyToken",
    "__version__",
    "cancel_jobs",
]

_ERRORS = frozenset({"BulkcancelError", "ConfigError", "GuardError", "LoginError"})


def __dir__() -> list[str]:
    return __all__


def __getattr__(name: str) -> Any:  # noqa: ANN401
    """Import what is asked for: the command starts four times as fast without aiohttp."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module  # noqa: PLC0415

    home = "api" if name == "cancel_jobs" else "base.errors" if name in _ERRORS else "base.model"
    return getattr(import_module(f"bulkcancel.{home}"), name)
