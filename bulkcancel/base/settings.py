"""The settings of one run, in the groups of `--help`; each group is checked as it is made.

Knows neither click nor the environment: `access` finds the login.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import Any, Self, TypeVar

from bulkcancel.base import defaults
from bulkcancel.base.checks import check_positive, check_whole
from bulkcancel.base.errors import ConfigError
from bulkcancel.base.model import Outcome

_EXCLUDING = (
    ("resume", "overwrite"),
    ("resume", "dry_run"),
    ("resume", "check"),
    ("check", "dry_run"),
    ("verify", "dry_run"),
    ("sandbox", "dry_run"),
    ("quiet", "verbose"),
)


@dataclass(frozen=True, slots=True)
class JobOptions:
    """What to cancel."""

    files: tuple[str, ...]
    column: str | None = None
    allow_empty: bool = False
    dry_run: bool = False
    check: bool = False
    yes: bool = False


@dataclass(frozen=True, slots=True)
class ReportOptions:
    """The report, and what is made of it."""

    output: str | None = None
    format: str | None = None
    resume: bool = False
    allow_other_store: bool = False
    overwrite: bool = False
    split: Path | None = None
    verify: bool = False
    summary: tuple[Path, ...] = ()
    reason: str = ""
    allow: frozenset[Outcome] = frozenset()


@dataclass(frozen=True, slots=True)
class PaceOptions:
    """How fast, and when to give up; raises `ConfigError`.

    `rate` is in requests per second, `timeout` in seconds per request, `retries` per job,
    `grace` in seconds for requests in flight after TERM, `max_outage` in seconds without
    any connection, `max_wait` the longest Retry-After that is waited for;
    `concurrency` None is as much as the rate needs, `max_failures` 0 any number.
    """

    rate: float = defaults.RATE
    concurrency: int | None = None
    retries: int = defaults.RETRIES
    timeout: float = defaults.TIMEOUT
    grace: float = defaults.GRACE
    max_outage: float = defaults.MAX_OUTAGE
    max_wait: float = defaults.MAX_WAIT
    max_failures: int = defaults.MAX_FAILURES

    def __post_init__(self) -> None:
        for name in ("rate", "timeout", "grace", "max_outage", "max_wait"):
            check_positive(name.replace("_", " "), getattr(self, name))
        if self.concurrency is not None:
            check_whole("concurrency", self.concurrency, 1, 1000)
        check_whole("retries", self.retries, 0, 100)
        check_whole("max failures", self.max_failures, 0, math.inf)


@dataclass(frozen=True, slots=True)
class StoreOptions:
    """Which store, as given on the command line; `headers` go with every request."""

    base_url: str | None = None
    profile: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)  # may be secret
    sandbox: bool = False


@dataclass(frozen=True, slots=True)
class DisplayOptions:
    """What is shown; `verbose` is how often -v was given."""

    progress: str = "auto"
    quiet: bool = False
    verbose: int = 0
    log_format: str = "text"


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that one run is asked to do.

    `command` is how the program was called, with the options that a resume needs again:
    all but those about the report. `origins` says where each option's value came from.
    """

    jobs: JobOptions
    report: ReportOptions = field(default_factory=ReportOptions)
    pace: PaceOptions = field(default_factory=PaceOptions)
    store: StoreOptions = field(default_factory=StoreOptions)
    display: DisplayOptions = field(default_factory=DisplayOptions)
    command: tuple[str, ...] = ()
    origins: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def from_parameters(cls, parameters: Mapping[str, Any], **others: Any) -> Self:  # noqa: ANN401
        """Sort click's parameters into their groups; raises `ConfigError`."""
        _refuse_contradictions(parameters)
        groups = {name: group_of(group, parameters) for name, group in GROUPS.items()}
        return cls(**groups, **others)

    @property
    def asks(self) -> bool:
        """Tell whether there is a question: where jobs of a store can be cancelled."""
        jobs = self.jobs
        return not (jobs.yes or jobs.dry_run or jobs.check or self.store.sandbox)

    @property
    def proves(self) -> bool:
        """Tell whether the input are reports that are only held against the store."""
        return self.jobs.check and self.report.verify


GROUPS: Mapping[str, Any] = {
    each.name: each.type for each in fields(Settings) if is_dataclass(each.type)
}
_Group = TypeVar("_Group")


def group_of(group: type[_Group], parameters: Mapping[str, Any]) -> _Group:
    """Return a group made from those parameters that are its fields."""
    names = [each.name for each in fields(group) if each.name in parameters]  # type: ignore[arg-type]
    return group(**{name: parameters[name] for name in names})


def _refuse_contradictions(options: Mapping[str, Any]) -> None:
    for one, other in _EXCLUDING:
        if options[one] and options[other]:
            both = f"--{one} and --{other}".replace("_", "-")
            raise ConfigError(f"{both} exclude each other", "leave one of them out")
    if options["resume"] and options["output"] in {None, "", "-"}:
        raise ConfigError("--resume needs a report", "name it with --output FILE")
    proves = options["check"] and options["verify"]
    if proves and (options["sandbox"] or options["split"]):
        what = "--check --verify proves a report by its store, and writes none"
        raise ConfigError(what, "leave out --sandbox and --split")
    if options["allow_other_store"] and not (options["resume"] or proves):
        raise ConfigError("--allow-other-store goes with --resume", "leave it out")
