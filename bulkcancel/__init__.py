"""Cancel many queued Elastic Path Commerce jobs: a command, and this library.

    async for result in bulkcancel.cancel_jobs(ids):
        print(result.job_id, result.outcome)

How the code is laid out, from what comes in to what goes out:

- input: `source` opens it, `decode` makes lines of it, `table` and `jsonlist` entries, `ids`
  knows what an id is, `jobs` keeps distinct ones, `inputs` and `feed` hand them to the run
- requests: `engine` has the pool, `life` one job's decisions, `calls` its requests, `wire`
  what goes over the wire and what it means, `client` aiohttp, `auth` the token, `pacer` the
  rate, `load` and `guards` when to do more, and when to stop
- records: `report` makes rows, `sheet`, `lock` and `room` put them on disk, `split` and
  `review` are the files beside, `earlier` reads a report back, `record` joins them
- the terminal: `cli`, `invocation` and `config` (with `profile`) what is asked for,
  `completion` what shells complete, `opening` and `terminal` the question, `console`, `log`,
  `pulse` and `display` the progress, `closing` the summary, `signals` and `loading` Ctrl-C
- `run` and `session` join all that; `api` is the library; `sandbox` is the practice API
- `model`, `errors` and `text` are known to everybody
"""

from typing import TYPE_CHECKING, Any

from bulkcancel._version import __version__

if TYPE_CHECKING:
    from bulkcancel.api import cancel_jobs
    from bulkcancel.errors import BulkcancelError, ConfigError, GuardError, LoginError
    from bulkcancel.model import ClientKey, Evidence, JobResult, JobState, Outcome, ReadyToken

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

    home = "api" if name == "cancel_jobs" else "errors" if name in _ERRORS else "model"
    return getattr(import_module(f"bulkcancel.{home}"), name)
