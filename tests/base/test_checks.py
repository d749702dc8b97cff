"""The values of options, checked for the command and for callers in Python alike."""

import math
from collections.abc import Callable
from typing import Any

import pytest

from bulkcancel.base import defaults
from bulkcancel.base.checks import base_url, checked_headers, header_lines, outcomes
from bulkcancel.base.errors import ConfigError
from bulkcancel.base.model import Outcome
from bulkcancel.base.settings import PaceOptions
from bulkcancel.base.text import one_line

SECRET = "the-bearer-token"
SHAPE = f"it should look like {defaults.BASE_URL}"
BASE_URL = "the base URL (--base-url, EPCC_API_BASE_URL)"
TLS = "use https:// (http is for this machine only)"
QUOTES = "leave them out: a file for docker --env-file"


def refusal(check: Callable[..., object], *values: object, **named: object) -> tuple[str, str]:
    """Return what is wrong with values, and what to do about it."""
    with pytest.raises(ConfigError) as refused:
        check(*values, **named)
    assert SECRET not in str(refused.value)
    return refused.value.message, refused.value.hint


@pytest.mark.parametrize("option", ["rate", "timeout", "grace", "max_outage", "max_wait"])
@pytest.mark.parametrize("value", [0.0, -1.0, math.inf, math.nan, True, "5", None])
def test_a_rate_or_time_that_is_no_number_over_zero_is_refused(option: str, value: object) -> None:
    """A rate and times are finite numbers over 0, whoever gives them."""
    what = f"{option.replace('_', ' ')} is {value!r}"
    assert refusal(PaceOptions, **{option: value}) == (what, "it must be a number over 0")


@pytest.mark.parametrize(
    ("option", "value", "bounds"),
    [
        *(("concurrency", value, "from 1 to 1000") for value in (0, 1001, 2.5)),
        *(("retries", value, "from 0 to 100") for value in (-1, 101, True, "4")),
        *(("max_failures", value, "of at least 0") for value in (-1, None)),
    ],
)
def test_a_count_out_of_bounds_is_refused(option: str, value: object, bounds: str) -> None:
    """Concurrency, retries and failures are whole numbers within bounds."""
    what, hint = refusal(PaceOptions, **{option: value})
    assert what == f"{option.replace('_', ' ')} is {value!r}"
    assert hint == f"it must be a whole number {bounds}"


@pytest.mark.parametrize(
    ("allow", "expected"),
    [
        ("", set()),
        (" , ", set()),
        ("not_found", {Outcome.NOT_FOUND}),
        ("Not-Found, not_pending,", {Outcome.NOT_FOUND, Outcome.NOT_PENDING}),
        (["not_found", Outcome.FAILED], {Outcome.NOT_FOUND, Outcome.FAILED}),
        ((), set()),
    ],
)
def test_allow_takes_a_list_of_outcomes(allow: Any, expected: set[Outcome]) -> None:  # noqa: ANN401
    """Outcomes are taken as one text or as a collection, without case, `-` as good as `_`."""
    assert outcomes(allow) == expected


@pytest.mark.parametrize("allow", ["not_found,gone", ["gone"], [None]])
def test_allow_refuses_what_is_no_outcome(allow: Any) -> None:  # noqa: ANN401
    """An unknown outcome is named, and the known ones are listed."""
    with pytest.raises(ValueError, match=r"allow: '(gone|none)' is no outcome; they are cancelled"):
        outcomes(allow)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://store.example/", "https://store.example"),
        (" HTTPS://store.example:8443/ ", "https://store.example:8443"),
        ("http://LocalHost", "http://LocalHost"),
        ("http://127.8.9.10:1", "http://127.8.9.10:1"),
        ("http://[::1]:8000/", "http://[::1]:8000"),
    ],
)
def test_usable_base_urls(url: str, expected: str) -> None:
    """Usable are https to any host, and http to this machine; a trailing slash is dropped."""
    assert base_url(url) == expected


@pytest.mark.parametrize(
    "url",
    [
        *("https://a..b", f"https://{'a' * 64}.example", "https://st\u00f6re.example"),
        *("https://[::1", "https://[1:2]", "http://[::1]evil.com", "https://[::1]:8000evil.com"),
        *("https://store.example:port", "https://store.example:99999", "https://:443", "https://"),
        *("store.example", "ftp://store.example", "https://store.example?a=b"),
        *("https://me:pass@store.example", "https://@store.example"),
    ],
)
def test_unusable_base_urls(url: str) -> None:
    """A base URL that could send requests elsewhere is refused, and a login in it not shown."""
    assert refusal(base_url, url) == (f"{BASE_URL} can't be used", SHAPE)


@pytest.mark.parametrize(
    ("url", "what", "hint"),
    [
        *(
            (f"https://a.example:8443/{more}", "has a path or more in it", "use https://a.example")
            for more in ("pcm/", "?a=b", "#top", "a b")
        ),
        *(
            (f"http://{host}:8000/x", f"is http://{host}:8000", TLS)
            for host in ("store.example", "localhost.a.example", "127.0.0.1.example", "10.0.0.1")
        ),
        ("'https://store.example'", "has quotation marks around its value", QUOTES),
    ],
)
def test_unsafe_base_urls(url: str, what: str, hint: str) -> None:
    """A token crosses no network in clear; a path would make each job a 404."""
    message, way_out = refusal(base_url, url)
    assert message == f"{BASE_URL} {what}"
    assert way_out.startswith(hint)


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ((), {}),
        (("X-One:1", " X-Two : a: b "), {"X-One": "1", "X-Two": "a: b"}),
        (("X-One: 1", "X-One: 2"), {"X-One": "2"}),
        (("X-One: 1", "x-one: 2"), {"x-one": "2"}),
    ],
)
def test_header_lines(lines: tuple[str, ...], expected: dict[str, str]) -> None:
    """A header is one header in whatever case it is written, and the last one counts."""
    assert header_lines(lines) == expected


@pytest.mark.parametrize(
    "line",
    [
        *("X-One", ": 1", "X One: 1", "X-One:", "X-One: ", "X-One: a\nX-Two: b", "X-One: a\0"),
        *("\xe9: 1", f"Authorization Bearer {SECRET}", f"X-Note: {SECRET}\xe9"),
    ],
    ids=ascii,
)
def test_a_line_that_is_no_header_is_refused(line: str) -> None:
    """What is no header line, or would smuggle another one in, is refused and not repeated."""
    assert refusal(header_lines, [line])[1] == "write it as 'Name: value'"


def test_a_header_that_is_no_text_is_refused() -> None:
    """A caller's mapping holds texts."""
    for pair in (("X-One", 1), (None, "a"), (b"X-One", "a")):
        assert refusal(checked_headers, [pair])[1] == "write it as 'Name: value'"


@pytest.mark.parametrize(
    ("names", "why"),
    [
        (("Authorization", "Proxy-Authorization"), "a token goes into BULKCANCEL_TOKEN, never"),
        (("Expect", "TE", "Upgrade", "Connection", "Content-Encoding", "HOST"), "it would change"),
        (("Transfer-Encoding", "content-length", "Range", "If-None-Match"), "it would change how"),
    ],
)
def test_headers_of_http_itself_and_logins_are_refused(names: tuple[str, ...], why: str) -> None:
    """A token never comes as an argument; what frames a request is not for callers to set."""
    for name in names:
        message, hint = refusal(checked_headers, [(name, SECRET)])
        assert message == f"the header {name} can't be set"
        assert hint.startswith(why)


@pytest.mark.parametrize("name", ["X-Api-Key", "x-auth-token", "Cookie", "X-Client-SECRET"])
def test_the_value_of_a_header_that_may_be_secret_is_masked(name: str) -> None:
    """The value of a header that looks like a secret by its name is never shown, others are."""
    header_lines([f"{name}: of-the-night", "X-Trace: of-the-day"])
    assert one_line("of-the-night, of-the-day") == "[hidden], of-the-day"
