"""The settings in force, as -v shows them."""

from dataclasses import replace
from typing import Any

import pytest

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


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"credentials": ReadyToken(SECRET)}, "credentials: a bearer token [hidden]"),
        ({"base_url": ""}, "base url: a practice API"),
        ({"concurrency": None}, "concurrency: as the rate needs"),
        ({"headers": {}}, "headers: none of your own"),
        ({"headers": {"X-Key": SECRET}}, "headers: X-Key"),
    ],
    ids=["a token", "practice", "concurrency", "no header", "a header's value"],
)
def test_effective_settings_hide_what_may_be_secret(changes: dict[str, Any], line: str) -> None:
    """What has no value of its own is told in words, and a value that may be secret is not."""
    names = {"base_url", "credentials", "headers"} & changes.keys()
    access = replace(ACCESS, **{name: changes.pop(name) for name in names})
    lines = effective_settings(changed(SETTINGS, **changes), access)
    assert line in lines
    assert SECRET not in "".join(lines)
