"""Settings: what click's parameters become, group by group."""

import dataclasses
from operator import attrgetter
from pathlib import Path
from typing import Any

import pytest

from bulkcancel.base.errors import ConfigError
from bulkcancel.base.model import Outcome
from bulkcancel.base.settings import (
    GROUPS,
    DisplayOptions,
    JobOptions,
    PaceOptions,
    ReportOptions,
    Settings,
    StoreOptions,
)
from bulkcancel.cli.cancel import command
from bulkcancel.cli.options import CANCEL


def settings(*arguments: str) -> Settings:
    """Return what the command line makes of the arguments, and of the environment as it is."""
    with command.make_context("bulkcancel", list(arguments)) as context:
        return Settings.from_parameters(context.params)


@pytest.mark.parametrize(
    ("group", "options"), list(zip(GROUPS.values(), CANCEL.values(), strict=True)), ids=CANCEL
)
def test_the_groups_of_settings_are_those_of_the_help(
    group: type[Any], options: tuple[Any, ...]
) -> None:
    """Each group of options in --help is a group of the settings, with a field for each."""
    assert {option.name for option in options} == {
        field.name for field in dataclasses.fields(group) if field.name != "files"
    }


@pytest.mark.parametrize(
    ("field", "variable", "option", "values"),
    [
        ("jobs.column", "BULKCANCEL_COLUMN=3", "--column=key", (None, "3", "key")),
        ("jobs.yes", "BULKCANCEL_YES=0", "--yes", (False, False, True)),
        ("report.output", "BULKCANCEL_OUTPUT=a.csv", "--output=-", (None, "a.csv", "-")),
        ("pace.rate", "BULKCANCEL_RATE=0.5", "--rate=7", (20.0, 0.5, 7.0)),
        ("pace.concurrency", "BULKCANCEL_CONCURRENCY=2", "--concurrency=3", (None, 2, 3)),
        ("pace.retries", "BULKCANCEL_RETRIES=0", "--retries=1", (4, 0, 1)),
        ("pace.timeout", "BULKCANCEL_TIMEOUT=1.5", "--timeout=9", (30.0, 1.5, 9.0)),
        ("pace.max_failures", "BULKCANCEL_MAX_FAILURES=0", "--max-failures=1", (100, 0, 1)),
        ("store.profile", "EPCC_PROFILE=night", "--profile=day", (None, "night", "day")),
        ("store.base_url", "EPCC_API_BASE_URL=https://e", "--base-url=https://o/",
         (None, "https://e", "https://o")),
    ],
)  # fmt: skip
def test_an_option_wins_over_its_variable(
    field: str,
    variable: str,
    option: str,
    values: tuple[object, ...],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An option wins over its variable, and that over the default."""
    name, _, value = variable.partition("=")
    monkeypatch.delenv(name, raising=False)
    default = settings("jobs.csv")
    monkeypatch.setenv(name, value)
    found = (default, settings("jobs.csv"), settings("jobs.csv", option))
    assert tuple(map(attrgetter(field), found)) == values


def test_options_become_settings() -> None:
    """Options arrive in the field of their name, made into values."""
    loaded = settings(
        *("a", "-", "-c2", "-y", "-or.csv", "--format=jsonl", "--overwrite", "--split=by"),
        *("--summary=s.json", "--reason=INC-7", "--allow=failed", "-r5.5", "-j7", "-H", "X-T: t-1"),
        *("--progress=bar", "-vv", "--log-format=json"),
    )
    assert loaded == Settings(
        JobOptions(("a", "-"), column="2", yes=True),
        ReportOptions(
            *("r.csv", "jsonl"),
            overwrite=True,
            split=Path("by"),
            summary=(Path("s.json"),),
            reason="INC-7",
            allow=frozenset({Outcome.FAILED}),
        ),
        PaceOptions(5.5, 7),
        StoreOptions(headers={"X-T": "t-1"}),
        DisplayOptions("bar", verbose=2, log_format="json"),
    )


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ("--resume --overwrite", "--resume and --overwrite exclude each other"),
        ("--resume --dry-run", "--resume and --dry-run exclude each other"),
        ("--resume --check", "--resume and --check exclude each other"),
        ("--check --dry-run", "--check and --dry-run exclude each other"),
        ("--sandbox --dry-run", "--sandbox and --dry-run exclude each other"),
        ("--quiet --verbose", "--quiet and --verbose exclude each other"),
        ("--resume", "--resume needs a report; name it with --output FILE"),
        ("--resume -o -", "--resume needs a report; name it with --output FILE"),
        ("--allow-other-store", "--allow-other-store goes with --resume"),
    ],
)
def test_options_that_contradict_each_other(arguments: str, why: str) -> None:
    """What can't both be meant is refused, and what needs another option."""
    with pytest.raises(ConfigError, match=why):
        settings(*arguments.split())
    assert settings("--allow-other-store", "--resume", "-o", "r.csv").report.allow_other_store


@pytest.mark.parametrize(
    ("arguments", "asks"),
    [([], True), (["-y"], False), (["--check"], False), (["-n"], False), (["--sandbox"], False)],
)
def test_nothing_is_asked_where_no_store_changes(arguments: list[str], asks: bool) -> None:
    """Dry runs, checks and practice runs need no confirmation."""
    assert settings("jobs.csv", *arguments).asks is asks


def test_settings_show_no_value_of_a_header() -> None:
    """What settings look like has no header's value, which may be a secret."""
    assert "of-the-night" not in repr(settings("jobs.csv", "-H", "X-Note: of-the-night"))
