"""The settings in force, as -v shows them."""

from dataclasses import replace

from bulkcancel.base.access import Access
from bulkcancel.base.model import ReadyToken
from bulkcancel.console import effective_settings
from tests.run.runs import ACCESS, SECRET, SETTINGS
from tests.support.chosen import changed

ORIGINS = {"base_url": "profile", "credentials": "environment", "rate": "option"}


def test_effective_settings_name_their_origin() -> None:
    """Each setting that matters is told, with its origin where it is known, and no secret."""
    assert effective_settings(replace(SETTINGS, origins=ORIGINS), ACCESS) == [
        "base url: https://store.example:8443/proxy (from profile)",
        "credentials: client id nigh\u2026, client secret [hidden] (from environment)",
        "rate: 5.5 per second (from option)",
        "concurrency: 7",
        "retries: 4",
        "timeout: 30 s",
        "max failures: 100",
        "headers: X-Trace, EP-Beta-Features",
    ]


def test_effective_settings_hide_what_may_be_secret() -> None:
    """What has no value of its own is told in words, and a value that may be secret is not."""
    settings = changed(SETTINGS, concurrency=None)
    lines = effective_settings(settings, Access("", ReadyToken(SECRET), {"X-Key": SECRET}))
    assert lines[:2] == ["base url: a practice API", "credentials: a bearer token [hidden]"]
    assert (lines[3], lines[-1]) == ("concurrency: as the rate needs", "headers: X-Key")
    assert (
        effective_settings(settings, Access("", ReadyToken("t")))[-1] == "headers: none of your own"
    )
    assert SECRET not in "".join(lines)
