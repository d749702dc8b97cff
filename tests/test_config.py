"""What `config` makes of options and environment: precedence, refusals, masked secrets."""

import dataclasses
import re
from pathlib import Path
from typing import Any

import pytest

from bulkcancel.cli import command
from bulkcancel.config import DEFAULT_BASE_URL, SANDBOX_KEY, Settings, load
from bulkcancel.errors import ConfigError
from bulkcancel.model import ClientKey, Outcome, ReadyToken

ID, SECRET, TOKEN = "the-client-id", "the-client-secret", "the-bearer-token"
LOGIN = {"EPCC_CLIENT_ID": ID, "EPCC_CLIENT_SECRET": SECRET}
OPTIONS: dict[str, Any] = {
    "files": ("jobs.csv",),
    "column": None,
    "output": None,
    "format": None,
    "resume": False,
    "overwrite": False,
    "split": None,
    "summary": None,
    "reason": "",
    "yes": False,
    "rate": 20.0,
    "concurrency": None,
    "retries": 4,
    "max_failures": 100,
    "timeout": 30.0,
    "allow": "",
    "base_url": None,
    "sandbox": False,
    "quiet": False,
    "command": ("bulkcancel",),
}
SHAPE = f"it should look like {DEFAULT_BASE_URL}"
BASE_URL = "the base URL (--base-url, EPCC_API_BASE_URL)"


def settings(environ: dict[str, str] | None = None, **options: object) -> Settings:
    """Load the options given over the defaults, with a login unless told otherwise."""
    return load(OPTIONS | options, LOGIN if environ is None else environ)


def refusal_of(environ: dict[str, str] | None = None, **options: object) -> tuple[str, str]:
    """Return what is wrong, and what to do about it."""
    with pytest.raises(ConfigError) as refused:
        settings(environ, **options)
    return refused.value.message, refused.value.hint


@pytest.mark.parametrize(
    ("field", "default", "variable", "from_environment", "option", "from_option"),
    [
        ("column", None, "BULKCANCEL_COLUMN=3", "3", "--column=key", "key"),
        ("output", None, "BULKCANCEL_OUTPUT=a.csv", "a.csv", "--output=-", "-"),
        ("yes", False, "BULKCANCEL_YES=0", False, "--yes", True),
        ("rate", 20.0, "BULKCANCEL_RATE=0.5", 0.5, "--rate=7", 7.0),
        ("concurrency", None, "BULKCANCEL_CONCURRENCY=2", 2, "--concurrency=3", 3),
        ("retries", 4, "BULKCANCEL_RETRIES=0", 0, "--retries=1", 1),
        ("timeout", 30.0, "BULKCANCEL_TIMEOUT=1.5", 1.5, "--timeout=9", 9.0),
        ("max_failures", 100, "BULKCANCEL_MAX_FAILURES=0", 0, "--max-failures=1", 1),
        (
            "base_url",
            DEFAULT_BASE_URL,
            "EPCC_API_BASE_URL=https://environment",
            "https://environment",
            "--base-url=https://option",
            "https://option",
        ),
    ],
)
def test_precedence(
    monkeypatch: pytest.MonkeyPatch,
    field: str,
    default: object,
    variable: str,
    from_environment: object,
    option: str,
    from_option: object,
) -> None:
    """An option wins over its variable, and that over the default."""
    name, _, value = variable.partition("=")

    def loaded(*arguments: str) -> object:
        with command.make_context("bulkcancel", list(arguments)) as context:
            return getattr(load(context.params | {"command": ()}, LOGIN), field)

    monkeypatch.delenv(name, raising=False)
    assert loaded("jobs.csv") == default
    monkeypatch.setenv(name, value)
    assert loaded("jobs.csv") == from_environment
    assert loaded("jobs.csv", option) == from_option


def test_options_become_settings() -> None:
    """Every option arrives in the field of its name."""
    given: dict[str, object] = {
        "files": ("a", "-"),
        "column": "2",
        "output": "r.csv",
        "resume": False,
        "overwrite": True,
        "split": "by-outcome",
        "summary": "s.json",
        "reason": "INC-7",
        "yes": True,
        "rate": 5.5,
        "concurrency": 7,
        "retries": 0,
        "timeout": 1.0,
        "max_failures": 7,
        "allow": "failed",
        "base_url": "https://h/",
        "quiet": True,
        "command": ("bulkcancel", "--yes"),
    }
    expected = given | {
        "form": "jsonl",
        "split": Path("by-outcome"),
        "summary": Path("s.json"),
        "allow": frozenset({Outcome.FAILED}),
        "base_url": "https://h",
        "credentials": ClientKey(ID, SECRET),
        "sandbox": False,
    }
    assert settings(format="jsonl", **given) == Settings(**expected)  # type: ignore[arg-type]


def test_resuming_and_overwriting_exclude_each_other() -> None:
    """To go on with a report and to replace it can't both be meant."""
    refusal = refusal_of(resume=True, overwrite=True, output="r.csv")
    assert refusal == ("--resume and --overwrite exclude each other", "leave one of them out")


@pytest.mark.parametrize("output", [None, "", "-"])
def test_resuming_needs_a_report(output: str | None) -> None:
    """There is no going on without a file to go on with."""
    refusal = ("--resume needs a report", "name it with --output FILE")
    assert refusal_of(resume=True, output=output) == refusal
    assert settings(resume=True, output="r.csv").resume


@pytest.mark.parametrize("environ", [{}, LOGIN], ids=["no-login", "login"])
def test_sandbox_needs_no_login_and_asks_nothing(environ: dict[str, str]) -> None:
    """A practice run has the practice key and no store, whatever the environment holds."""
    practice = settings(environ, sandbox=True, base_url="http://store.example")
    assert (practice.credentials, practice.base_url) == (SANDBOX_KEY, "")
    assert practice.yes


@pytest.mark.parametrize("option", ["rate", "timeout"])
@pytest.mark.parametrize("value", [0.0, -1.0, float("inf"), float("nan")])
def test_numbers_are_over_zero_and_finite(option: str, value: float) -> None:
    """A rate or timeout that is not a finite number over 0 is refused by its name."""
    assert refusal_of(LOGIN, **{option: value}) == (
        f"--{option} is {value}",
        "it must be a number over 0",
    )


@pytest.mark.parametrize(
    ("allow", "expected"),
    [
        ("", set()),
        (" , ", set()),
        ("not_found", {Outcome.NOT_FOUND}),
        ("Not-Found, not_pending,", {Outcome.NOT_FOUND, Outcome.NOT_PENDING}),
    ],
)
def test_allow_takes_a_list_of_outcomes(allow: str, expected: set[Outcome]) -> None:
    """--allow is a comma-separated list, without case, with `-` as good as `_`."""
    assert settings(allow=allow).allow == expected


def test_allow_refuses_what_is_no_outcome() -> None:
    """An unknown outcome is named, and the known ones are listed."""
    assert refusal_of(allow="not_found,gone") == (
        "--allow names 'gone'",
        f"the outcomes are {', '.join(Outcome)}",
    )


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        (None, DEFAULT_BASE_URL),
        ("", DEFAULT_BASE_URL),
        ("https://store.example/", "https://store.example"),
        (" HTTPS://store.example:8443/proxy/ ", "https://store.example:8443/proxy"),
        ("http://localhost:8000", "http://localhost:8000"),
        ("http://LocalHost", "http://LocalHost"),
        ("http://127.0.0.1:1", "http://127.0.0.1:1"),
        ("http://127.8.9.10", "http://127.8.9.10"),
        ("http://[::1]:8000/", "http://[::1]:8000"),
    ],
)
def test_usable_base_urls(url: str | None, expected: str) -> None:
    """Usable are https to any host, and http to this machine; a trailing slash is dropped."""
    assert settings(base_url=url).base_url == expected


@pytest.mark.parametrize(
    ("url", "what"),
    [
        ("https://a..b", "has no valid host name"),
        (f"https://{'a' * 64}.example", "has no valid host name"),
        ("https://[::1", "can't be read"),
        ("https://store.example:port", "can't be read"),
        ("https://store.example:99999", "can't be read"),
        ("store.example", "does not start with https:// and a host"),
        ("ftp://store.example", "does not start with https:// and a host"),
        ("https://", "does not start with https:// and a host"),
        ("https://:443", "does not start with https:// and a host"),
        ("https://me:pass@store.example", "has a login, a query or a fragment in it"),
        ("https://@store.example", "has a login, a query or a fragment in it"),
        ("https://store.example?a=b", "has a login, a query or a fragment in it"),
        ("https://store.example/#top", "has a login, a query or a fragment in it"),
        ("https://store.example/a b", "has characters that don't belong in a URL"),
        ("https://st\u00f6re.example", "has characters that don't belong in a URL"),
    ],
)
def test_unusable_base_urls(url: str, what: str) -> None:
    """A base URL that could send requests elsewhere is refused, with an example."""
    assert refusal_of(base_url=url) == (f"{BASE_URL} {what}", SHAPE)


@pytest.mark.parametrize(
    "host",
    ["store.example", "localhost.store.example", "127.0.0.1.example", "10.0.0.1", "192.0.2.1"],
)
def test_http_is_for_this_machine_only(host: str) -> None:
    """A token never crosses a network in clear."""
    assert refusal_of(base_url=f"http://{host}:8000/x") == (
        f"{BASE_URL} is http://{host}:8000",
        "use https:// (http is for this machine only)",
    )


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        (LOGIN, ClientKey(ID, SECRET)),
        ({"EPCC_CLIENT_ID": f" {ID}\n", "EPCC_CLIENT_SECRET": f"{SECRET} "}, ClientKey(ID, SECRET)),
        ({"BULKCANCEL_TOKEN": TOKEN}, ReadyToken(TOKEN)),
        ({"BULKCANCEL_TOKEN": f" Bearer  {TOKEN}\n"}, ReadyToken(TOKEN)),
        (LOGIN | {"BULKCANCEL_TOKEN": TOKEN}, ReadyToken(TOKEN)),
        (LOGIN | {"BULKCANCEL_TOKEN": " "}, ClientKey(ID, SECRET)),
    ],
    ids=["key", "key-trimmed", "token", "token-trimmed", "token-wins", "blank-token"],
)
def test_credentials(environ: dict[str, str], expected: ClientKey | ReadyToken) -> None:
    """A ready token wins over the client id and secret; both are trimmed."""
    assert settings(environ).credentials == expected


@pytest.mark.parametrize(
    ("environ", "missing"),
    [
        ({}, "EPCC_CLIENT_ID and EPCC_CLIENT_SECRET"),
        ({"EPCC_CLIENT_ID": ID}, "EPCC_CLIENT_SECRET"),
        ({"EPCC_CLIENT_SECRET": SECRET}, "EPCC_CLIENT_ID"),
        ({"EPCC_CLIENT_ID": " ", "EPCC_CLIENT_SECRET": SECRET}, "EPCC_CLIENT_ID"),
    ],
    ids=["both", "secret", "id", "blank-id"],
)
def test_missing_variables_are_named(environ: dict[str, str], missing: str) -> None:
    """A login that is not complete names the variables that are missing, and the ways out."""
    message, hint = refusal_of(environ)
    assert message == f"no login: {missing} not set"
    assert re.search("EPCC_CLIENT_ID and EPCC_CLIENT_SECRET, or BULKCANCEL_TOKEN;.*--sandbox", hint)


@pytest.mark.parametrize("token", ["two words", "bearer x", "a\nb", "a\x7f", "\u00e9"], ids=ascii)
def test_a_token_that_is_none_is_refused(token: str) -> None:
    """What could not stand in a header is refused without being repeated."""
    assert refusal_of({"BULKCANCEL_TOKEN": token}) == (
        "BULKCANCEL_TOKEN is not a token",
        "set it to the token alone",
    )


@pytest.mark.parametrize("environ", [LOGIN, {"BULKCANCEL_TOKEN": TOKEN}], ids=["key", "token"])
def test_secrets_are_masked(environ: dict[str, str]) -> None:
    """Neither the client secret nor the token is in what settings look like."""
    loaded = settings(environ)
    for text in (repr(loaded), str(loaded), f"{loaded.credentials}"):
        assert SECRET not in text
        assert TOKEN not in text


def test_a_refused_login_in_a_url_is_not_repeated() -> None:
    """A password in the base URL does not come back in the refusal."""
    assert "pass" not in " ".join(refusal_of(base_url="http://me:pass@store.example"))


def test_settings_are_frozen() -> None:
    """Settings can't be changed during a run."""
    with pytest.raises(dataclasses.FrozenInstanceError):
        settings().rate = 1.0  # type: ignore[misc]
