"""Store and login: from options, environment and profile, in that order."""

import re
from pathlib import Path
from typing import Any

import pytest

from bulkcancel.base import defaults
from bulkcancel.base.access import Access, find_access
from bulkcancel.base.errors import ConfigError
from bulkcancel.base.model import ClientKey, ReadyToken
from bulkcancel.base.settings import StoreOptions
from tests.conftest import KeepProfile

ID, SECRET, TOKEN = "the-client-id", "the-client-secret", "the-bearer-token"
LOGIN = {"EPCC_CLIENT_ID": ID, "EPCC_CLIENT_SECRET": SECRET}
PROFILES = """
[default]
EPCC_API_BASE_URL=https://default.example/
EPCC_CLIENT_ID=profile-id
EPCC_CLIENT_SECRET=profile-secret
[night]
EPCC_API_BASE_URL=https://night.example
"""
BROKEN = "this is no INI file\n"


def access(environ: dict[str, str] | None = None, **options: object) -> Access:
    """Find the access of these options, with a login unless told otherwise."""
    return find_access(StoreOptions(**options), LOGIN if environ is None else environ)  # type: ignore[arg-type]


def refusal_of(environ: dict[str, str], **options: object) -> tuple[str, str]:
    with pytest.raises(ConfigError) as refused:
        access(environ, **options)
    return refused.value.message, refused.value.hint


@pytest.mark.parametrize(
    ("profile", "options", "expected", "origin"),
    [
        (PROFILES, {"base_url": "https://option.example"}, "https://option.example", None),
        (PROFILES, {"base_url": ""}, "https://default.example", "profile"),
        (PROFILES, {"profile": "night"}, "https://night.example", "profile"),
        ("", {}, defaults.BASE_URL, "default"),
    ],
)
def test_precedence_of_the_base_url(
    profile: str,
    options: dict[str, Any],
    expected: str,
    origin: str | None,
    keep_profile: KeepProfile,
) -> None:
    """An option or its variable wins over the profile, and that over the vendor's host."""
    keep_profile(profile)
    found = access(**options)
    assert (found.base_url, found.origins.get("base_url")) == (expected, origin)


def test_a_base_url_in_a_profile_is_checked(keep_profile: KeepProfile) -> None:
    """A profile's URL must be as good as an option."""
    keep_profile("[default]\nEPCC_API_BASE_URL=http://store.example\n")
    assert refusal_of(LOGIN)[1] == "use https:// (http is for this machine only)"


def test_a_practice_run_needs_no_login() -> None:
    """A practice run has the practice key and no store, whatever the environment holds."""
    practice = Access("", ClientKey("practice", "practice-secret"))
    for environ in ({}, LOGIN):
        assert access(environ, sandbox=True, base_url="https://store.example") == practice


@pytest.mark.parametrize(
    ("environ", "expected", "origin"),
    [
        (
            {"EPCC_CLIENT_ID": f" {ID}\n", "EPCC_CLIENT_SECRET": f"{SECRET} "},
            *(ClientKey(ID, SECRET), "environment"),
        ),
        (LOGIN | {"BULKCANCEL_TOKEN": TOKEN}, ReadyToken(TOKEN), "environment"),
        ({"BULKCANCEL_TOKEN": f" Bearer  {TOKEN}\n"}, ReadyToken(TOKEN), "environment"),
        (LOGIN | {"BULKCANCEL_TOKEN": " "}, ClientKey(ID, SECRET), "environment"),
        ({}, ClientKey("profile-id", "profile-secret"), "profile"),
    ],
)
def test_precedence_of_credentials(
    environ: dict[str, str],
    expected: ClientKey | ReadyToken,
    origin: str,
    keep_profile: KeepProfile,
) -> None:
    """A token wins over a key, both over the profile; both are trimmed."""
    keep_profile(PROFILES)
    found = access(environ)
    assert (found.credentials, found.origins["credentials"]) == (expected, origin)


def test_half_a_login_is_not_completed_from_elsewhere(keep_profile: KeepProfile) -> None:
    """An id of the environment never goes with a secret of the profile, nor the reverse."""
    keep_profile(PROFILES)
    for half, missing in (("ID", "SECRET"), ("SECRET", "ID")):
        refused = refusal_of({f"EPCC_CLIENT_{half}": SECRET, f"EPCC_CLIENT_{missing}": " "})
        assert refused[0] == f"no login: EPCC_CLIENT_{missing} not set"


def test_missing_variables_are_named() -> None:
    """Without any login the variables are named, and the ways out."""
    message, hint = refusal_of({})
    assert message == "no login: EPCC_CLIENT_ID and EPCC_CLIENT_SECRET not set"
    ways = "EPCC_CLIENT_ID and EPCC_CLIENT_SECRET, or BULKCANCEL_TOKEN, or .*--profile.*--sandbox"
    assert re.search(ways, hint)


@pytest.mark.parametrize("token", ["two words", "a\nb", "a\x7f", "\u00e9"], ids=ascii)
def test_a_token_that_could_not_stand_in_a_header_is_refused(token: str) -> None:
    """What could not stand in a header is refused without being repeated."""
    assert refusal_of({"BULKCANCEL_TOKEN": token}) == (
        "BULKCANCEL_TOKEN is not a token",
        "set it to the token alone",
    )


def test_an_access_shows_no_secret() -> None:
    """Neither secret, token nor the value of a header is in what an access looks like."""
    for environ in (LOGIN, {"BULKCANCEL_TOKEN": TOKEN}):
        found = access(environ, headers={"X-Note": "of-the-night"})
        assert not re.search(f"{SECRET}|{TOKEN}|of-the-night", f"{found} {found.credentials}")


@pytest.mark.parametrize(
    ("environ", "name", "is_needed"),
    [
        (LOGIN, None, False),
        ({"BULKCANCEL_TOKEN": TOKEN}, None, False),
        (LOGIN | {"EPCC_CLIENT_ID": ""}, None, True),
        (LOGIN, "default", True),
    ],
)
def test_broken_profile_matters_where_it_is_needed(
    environ: dict[str, str], name: str | None, *, is_needed: bool, keep_profile: KeepProfile
) -> None:
    """A file must be readable if it was asked for, or if the login would have to come from it."""
    keep_profile(BROKEN)
    if is_needed:
        assert refusal_of(environ, profile=name)[0].endswith("can't be read: not an INI file")
    else:
        assert access(environ, profile=name).origins["credentials"] == "environment"


BETA = "EP-Beta-Features"


@pytest.mark.parametrize(
    ("environ", "in_profile", "option", "expected", "origin"),
    [
        ("", "", {}, {}, ""),
        ("b", "a", {}, {BETA: "b"}, "environment"),
        (" ", "a", {}, {BETA: "a"}, "profile"),
        ("b", "a", {BETA.lower(): "c"}, {BETA.lower(): "c"}, "environment and option"),
        ("", "a", {"X-One": "1"}, {BETA: "a", "X-One": "1"}, "profile and option"),
    ],
)
def test_headers_and_where_they_come_from(
    environ: str,
    in_profile: str,
    option: dict[str, str],
    expected: dict[str, str],
    origin: str,
    keep_profile: KeepProfile,
) -> None:
    """A header option wins over the variable for beta features, and that over the profile."""
    keep_profile(f"[default]\nEPCC_BETA_API_FEATURES={in_profile}\n")
    found = access(LOGIN | {"EPCC_BETA_API_FEATURES": environ}, headers=option)
    assert (found.headers, found.origins["headers"]) == (expected, origin)


@pytest.mark.parametrize(
    "name", ["BULKCANCEL_TOKEN", *LOGIN, "EPCC_BETA_API_FEATURES", "EPCC_CLI_READ_ONLY"]
)
def test_quotation_marks_in_a_variable_are_named(name: str) -> None:
    """Quotes that docker --env-file leaves in a value are told before any request."""
    message, hint = refusal_of(LOGIN | {name: f'"{SECRET}"'})
    assert message == f"{name} has quotation marks around its value"
    assert "docker --env-file" in hint


@pytest.mark.parametrize(
    ("environ", "in_profile", "read_only"),
    [
        ({}, "", ""),
        ({"EPCC_READ_ONLY": " perhaps"}, "", "EPCC_READ_ONLY"),
        ({"EPCC_READ_ONLY": "False", "EPCC_CLI_READ_ONLY": "0"}, "", ""),
        ({}, "epcc_read_only=on", "EPCC_READ_ONLY"),
        ({"EPCC_READ_ONLY": "off"}, "EPCC_READ_ONLY=on", ""),
        ({"EPCC_READ_ONLY": "off"}, "EPCC_CLI_READ_ONLY=on", "EPCC_CLI_READ_ONLY"),
    ],
)
def test_a_read_only_switch_forbids_cancels(
    environ: dict[str, str], in_profile: str, read_only: str, keep_profile: KeepProfile
) -> None:
    """The vendor's switch counts in environment and profile; a value that says neither is on."""
    keep_profile(f"[default]\n{in_profile}\n")
    found = access(LOGIN | environ)
    assert found.read_only == read_only
    if read_only:
        with pytest.raises(ConfigError, match=f"{read_only} is set: nothing may be cancelled"):
            found.check_cancels_allowed()
    else:
        found.check_cancels_allowed()


def test_key_log_that_can_not_be_written_is_named(tmp_path: Path) -> None:
    """A file for the keys of TLS, which Python opens first, is no traceback if it can't be had."""
    assert access(LOGIN | {"SSLKEYLOGFILE": str(tmp_path / "keys")}).read_only == ""
    message, hint = refusal_of(LOGIN | {"SSLKEYLOGFILE": str(tmp_path)})
    assert message == f"SSLKEYLOGFILE names {tmp_path}, which can't be written: Is a directory"
    assert hint == "unset it"
