"""What `config` makes of options and environment: precedence, refusals, masked secrets."""

import dataclasses
import os
import re
from pathlib import Path
from typing import Any

import pytest

from bulkcancel.base.errors import ConfigError
from bulkcancel.base.model import ClientKey, Outcome, ReadyToken
from bulkcancel.base.settings import DEFAULT_BASE_URL, SANDBOX_KEY, Settings, load
from bulkcancel.base.text import one_line
from bulkcancel.cli.argv import origin
from bulkcancel.cli.cancel import command
from tests.conftest import KeepProfile

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
    "dry_run": False,
    "check": False,
    "profile": None,
    "header": (),
    "verbose": 0,
    "progress": "auto",
    "log_format": "text",
    "command": ("bulkcancel",),
    "origins": {},
}
SHAPE = f"it should look like {DEFAULT_BASE_URL}"
BASE_URL = "the base URL (--base-url, EPCC_API_BASE_URL)"


def settings(environ: dict[str, str] | None = None, **options: object) -> Settings:
    """Load the options given over the defaults, with a login unless told otherwise."""
    return load(OPTIONS | options, LOGIN if environ is None else environ)


def from_command_line(*arguments: str) -> Settings:
    """Load what click makes of the arguments and of the environment as it is."""
    with command.make_context("bulkcancel", list(arguments)) as context:
        origins = {name: origin(context, name) for name in context.params}
        return load(context.params | {"command": (), "origins": origins}, os.environ | LOGIN)


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
        return getattr(from_command_line(*arguments), field)

    monkeypatch.delenv(name, raising=False)
    assert loaded("jobs.csv") == default
    monkeypatch.setenv(name, value)
    assert loaded("jobs.csv") == from_environment
    assert loaded("jobs.csv", option) == from_option


def test_options_become_settings() -> None:
    """Every option arrives in the field of its name."""
    given: dict[str, Any] = {
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
        "dry_run": False,
        "check": False,
        "progress": "bar",
        "log_format": "json",
        "command": ("bulkcancel", "--yes"),
    }
    expected = given | {
        "headers": {"X-Trace": "t-1"},
        "verbosity": 0,
        "origins": {"base_url": "", "credentials": "environment", "header": "option"},
        "form": "jsonl",
        "split": Path("by-outcome"),
        "summary": Path("s.json"),
        "allow": frozenset({Outcome.FAILED}),
        "base_url": "https://h",
        "credentials": ClientKey(ID, SECRET),
        "sandbox": False,
    }
    loaded = settings(format="jsonl", header=("X-Trace: t-1",), **given)
    assert loaded == Settings(**expected)
    assert settings(verbose=2).verbosity == 2


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("resume", "overwrite"), ("resume", "dry-run"), ("resume", "check"),
        ("check", "dry-run"), ("sandbox", "dry-run"),
    ],
)  # fmt: skip
def test_options_that_exclude_each_other(one: str, other: str) -> None:
    """What can't both be meant, as to go on with a report and to replace it, is refused."""
    both: dict[str, Any] = dict.fromkeys((name.replace("-", "_") for name in (one, other)), True)
    refusal = refusal_of(output="r.csv", **both)
    assert refusal == (f"--{one} and --{other} exclude each other", "leave one of them out")


def test_silence_and_talk_exclude_each_other() -> None:
    """A run can't show nothing and more than usual."""
    assert refusal_of(quiet=True, verbose=1)[0] == "--quiet and --verbose exclude each other"


@pytest.mark.parametrize("option", ["dry_run", "check"])
def test_nothing_is_asked_where_nothing_is_cancelled(option: str) -> None:
    """A rehearsal and a look at the jobs need no confirmation."""
    assert settings(LOGIN, **{option: True}).yes


def test_a_dry_run_needs_no_login() -> None:
    """Without a network there is nothing to log in to."""
    assert settings({}, dry_run=True).dry_run


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
    ways = "EPCC_CLIENT_ID and EPCC_CLIENT_SECRET, or BULKCANCEL_TOKEN, or .*--profile.*--sandbox"
    assert re.search(ways, hint)


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


PROFILES = """
[default]
EPCC_API_BASE_URL=https://default.example
[night]
EPCC_API_BASE_URL=https://night.example
EPCC_BETA_API_FEATURES=of-the-profile
"""
URL_SOURCES = {
    # arguments, environment: URL, where it is from
    "option": (["--base-url=https://option.example"], {}, "https://option.example"),
    "environment": (
        [], {"EPCC_API_BASE_URL": "https://variable.example"}, "https://variable.example",
    ),
    "profile": (["--profile=night"], {}, "https://night.example"),
}  # fmt: skip


@pytest.mark.parametrize("origin", URL_SOURCES)
def test_precedence_of_the_store(
    origin: str, monkeypatch: pytest.MonkeyPatch, keep_profile: KeepProfile
) -> None:
    """An option wins over its variable, that over the profile; each is said to be the origin."""
    keep_profile(PROFILES)
    arguments = ["jobs.csv"]
    monkeypatch.delenv("EPCC_API_BASE_URL", raising=False)
    for weaker in list(URL_SOURCES)[list(URL_SOURCES).index(origin) :]:
        options, variables, _ = URL_SOURCES[weaker]
        arguments += options
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
    loaded = from_command_line(*arguments)
    assert (loaded.base_url, loaded.origins["base_url"]) == (URL_SOURCES[origin][2], origin)


def test_no_origin_but_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    """A store that nobody named is the vendor's."""
    monkeypatch.delenv("EPCC_API_BASE_URL", raising=False)
    loaded = from_command_line("jobs.csv")
    assert (loaded.base_url, loaded.origins["base_url"]) == (DEFAULT_BASE_URL, "default")


@pytest.mark.parametrize(
    ("arguments", "variable", "url"),
    [
        (["--profile=night"], "default", "https://night.example"),
        ([], "night", "https://night.example"),
        ([], "", "https://default.example"),
    ],
    ids=["option", "variable", "default"],
)
def test_precedence_of_the_profile(
    arguments: list[str],
    variable: str,
    url: str,
    monkeypatch: pytest.MonkeyPatch,
    keep_profile: KeepProfile,
) -> None:
    """--profile wins over EPCC_PROFILE, and that over the default section."""
    keep_profile(PROFILES)
    monkeypatch.delenv("EPCC_API_BASE_URL", raising=False)
    monkeypatch.setenv("EPCC_PROFILE", variable)
    assert from_command_line("jobs.csv", *arguments).base_url == url


BROKEN = "this is no INI file\n"


@pytest.mark.parametrize("environ", [LOGIN, {"BULKCANCEL_TOKEN": TOKEN}], ids=["key", "token"])
def test_a_broken_profile_that_nobody_needs(
    environ: dict[str, str], keep_profile: KeepProfile
) -> None:
    """Where the environment has a whole login, a file that can't be read is no matter."""
    keep_profile(BROKEN)
    assert settings(environ).origins["credentials"] == "environment"


@pytest.mark.parametrize(
    ("environ", "name"),
    [({}, None), ({"EPCC_CLIENT_ID": ID}, None), (LOGIN | {"EPCC_CLIENT_ID": ""}, None),
     (LOGIN, "default")],
    ids=["no login", "half a login", "a blank id", "named"],
)  # fmt: skip
def test_a_broken_profile_that_is_needed(
    environ: dict[str, str], name: str | None, keep_profile: KeepProfile
) -> None:
    """A file that was asked for, or that the login would have to come from, must be readable."""
    keep_profile(BROKEN)
    assert refusal_of(environ, profile=name)[0].endswith("can't be read: not an INI file")


IN_PROFILE = "[default]\nEPCC_CLIENT_ID=profile-id\nEPCC_CLIENT_SECRET=profile-secret\n"


@pytest.mark.parametrize(
    ("environ", "expected", "origin"),
    [
        (LOGIN | {"BULKCANCEL_TOKEN": TOKEN}, ReadyToken(TOKEN), "environment"),
        (LOGIN, ClientKey(ID, SECRET), "environment"),
        ({}, ClientKey("profile-id", "profile-secret"), "profile"),
    ],
    ids=["token", "variables", "profile"],
)
def test_precedence_of_the_login(
    environ: dict[str, str],
    expected: ClientKey | ReadyToken,
    origin: str,
    keep_profile: KeepProfile,
) -> None:
    """A token wins over the key of the environment, and that over the profile's."""
    keep_profile(IN_PROFILE)
    loaded = settings(environ)
    assert (loaded.credentials, loaded.origins["credentials"]) == (expected, origin)


@pytest.mark.parametrize("name", LOGIN)
def test_half_a_login_is_not_completed_from_elsewhere(name: str, keep_profile: KeepProfile) -> None:
    """An id of the environment never goes with a secret of the profile, nor the reverse."""
    keep_profile(IN_PROFILE)
    (missing,) = LOGIN.keys() - {name}
    assert refusal_of({name: LOGIN[name]})[0] == f"no login: {missing} not set"


@pytest.mark.parametrize(
    ("environ", "in_profile", "lines", "expected"),
    [
        ("", "", (), {}),
        ("", "a", (), {"EP-Beta-Features": "a"}),
        ("b", "a", (), {"EP-Beta-Features": "b"}),
        (" ", "a", (), {"EP-Beta-Features": "a"}),
        ("b", "a", ("EP-Beta-Features: c",), {"EP-Beta-Features": "c"}),
        ("", "", ("X-One:1", " X-Two : a: b "), {"X-One": "1", "X-Two": "a: b"}),
        ("", "", ("X-One: 1", "X-One: 2"), {"X-One": "2"}),
    ],
)
def test_headers(
    environ: str,
    in_profile: str,
    lines: tuple[str, ...],
    expected: dict[str, str],
    keep_profile: KeepProfile,
) -> None:
    """A header option wins over the variable for beta features, and that over the profile."""
    keep_profile(f"[default]\nEPCC_BETA_API_FEATURES={in_profile}\n")
    variables = LOGIN | {"EPCC_BETA_API_FEATURES": environ}
    assert settings(variables, header=lines).headers == expected


@pytest.mark.parametrize(
    "line",
    [
        "X-One",
        ": 1",
        "X One: 1",
        "X-One:",
        "X-One: ",
        "X-One: a\nX-Two: b",
        "X-One: a\0",
        "\xe9: 1",
    ],
    ids=ascii,
)
def test_a_header_that_is_none(line: str) -> None:
    """What is no header line, or would smuggle another one in, is refused."""
    message, hint = refusal_of(header=(line,))
    assert message.startswith("--header ")
    assert hint == "write it as 'Name: value'"


@pytest.mark.parametrize("name", ["Authorization", "HOST", "content-length", "Proxy-Authorization"])
def test_a_header_that_is_ours(name: str) -> None:
    """A token never comes as an argument, and what frames a request is not to be set."""
    message, hint = refusal_of(header=(f"{name}: {SECRET}",))
    assert message == f"--header can't set {name}"
    assert "never into an argument" in hint


def test_a_header_has_one_value() -> None:
    """A header is one header in whatever case it is written; the last one counts."""
    variables = LOGIN | {"EPCC_BETA_API_FEATURES": "of-the-variable"}
    assert list(settings(variables, header=("ep-beta-features: mine",)).headers.values()) == [
        "mine"
    ]


@pytest.mark.parametrize("line", [f"Authorization Bearer {TOKEN}", f"Authorization: {TOKEN}\xe9"])
def test_a_token_in_a_header_is_not_repeated(line: str) -> None:
    """A token that was given as a header after all does not come back in the refusal."""
    assert TOKEN not in " ".join(refusal_of(header=(line,)))


@pytest.mark.parametrize("origin", ["environment", "profile"])
def test_where_a_header_comes_from(
    origin: str, monkeypatch: pytest.MonkeyPatch, keep_profile: KeepProfile
) -> None:
    """A header of the environment, or of the profile, is said to come from there."""
    if origin == "environment":
        monkeypatch.setenv("EPCC_BETA_API_FEATURES", "b-1")
    else:
        keep_profile("[default]\nEPCC_BETA_API_FEATURES=b-1\n")
    assert from_command_line("jobs.csv").origins["header"] == origin


@pytest.mark.parametrize(
    ("environ", "in_profile", "lines", "origin"),
    [
        ("", "", (), ""),
        ("", "", ("X-One: 1",), "option"),
        ("b", "a", (), "environment"),
        (" ", "a", (), "profile"),
        ("b", "", ("X-One: 1",), "environment and option"),
        ("", "a", ("X-One: 1",), "profile and option"),
    ],
)
def test_where_headers_come_from(
    environ: str, in_profile: str, lines: tuple[str, ...], origin: str, keep_profile: KeepProfile
) -> None:
    """Every place that headers came from is told."""
    keep_profile(f"[default]\nEPCC_BETA_API_FEATURES={in_profile}\n")
    loaded = settings(LOGIN | {"EPCC_BETA_API_FEATURES": environ}, header=lines)
    assert loaded.origins["header"] == origin


@pytest.mark.parametrize(
    "name", ["X-Api-Key", "x-auth-token", "Cookie", "X-Client-SECRET", "X-Signature", "Password"]
)
def test_a_header_that_may_be_secret(name: str) -> None:
    """The value of a header that looks like a secret by its name is never shown."""
    settings(header=(f"{name}: of-the-night",))
    assert one_line("you sent of-the-night") == "you sent [hidden]"


def test_a_header_that_is_no_secret() -> None:
    """The value of any other header may stand in what a store says."""
    settings(header=("X-Trace: of-the-night",))
    assert one_line("you sent of-the-night") == "you sent of-the-night"
