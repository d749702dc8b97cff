"""Check the values of options, whether they come from the command line or a caller in Python."""

import ipaddress
import math
import re
from collections.abc import Iterable, Mapping
from urllib.parse import urlsplit

from bulkcancel.base import defaults
from bulkcancel.base.errors import ConfigError
from bulkcancel.base.model import Outcome
from bulkcancel.base.text import hide_header

_URL = re.compile(r"[!-\[\]-~]+")  # printable ASCII but for the backslash
_HOST = re.compile(r"(?=.{1,253}$)[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*\.?")
_NETLOC = re.compile(r"(\[[^\[\]]+\]|[^\[\]:]+)(:\d*)?")
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # a token: RFC 9110, 5.6.2
_HEADER_VALUE = re.compile(r"[\t\x20-\x7e]+")
_MAY_BE_SECRET = re.compile(r"(?i)key|token|secret|auth|pass|cookie|sign|credential")
_LOGIN_HEADERS = frozenset({"authorization", "proxy-authorization"})
# these frame a message, choose the method or make a reply conditional: RFC 9110 and 9112
_HTTP_HEADERS = frozenset(
    {
        *("accept", "accept-encoding", "connection", "content-encoding", "content-length"),
        *("content-range", "content-type", "expect", "host", "http2-settings", "if-match"),
        *("if-modified-since", "if-none-match", "if-range", "if-unmodified-since", "keep-alive"),
        *("proxy-connection", "range", "te", "trailer", "transfer-encoding", "upgrade"),
        *("x-http-method", "x-http-method-override", "x-method-override"),
    }
)


def check_positive(name: str, value: object) -> None:
    """Raise `ConfigError` for all but a finite number over 0."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ConfigError(f"{name} is {value!r}", "it must be a number over 0")
    if not (math.isfinite(value) and value > 0):
        raise ConfigError(f"{name} is {value}", "it must be a number over 0")


def check_whole(name: str, value: object, least: int, most: float) -> None:
    """Raise `ConfigError` for all but a whole number within bounds."""
    bounds = f"from {least} to {most}" if math.isfinite(most) else f"of at least {least}"
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise ConfigError(f"{name} is {value!r}", f"it must be a whole number {bounds}")


def header_lines(lines: Iterable[str]) -> Mapping[str, str]:
    """Return the headers of lines like `Name: value`; raises `ConfigError`."""
    parts = [line.partition(":") for line in lines]
    if not all(colon for _, colon, _ in parts):
        raise _no_header()
    return checked_headers((name, value) for name, _, value in parts)


def checked_headers(pairs: Iterable[tuple[str, str]]) -> Mapping[str, str]:
    """Return headers of the caller's own by name, the last of each name.

    Raises `ConfigError` for what is no header, or one that changes how HTTP works.
    """
    found: dict[str, tuple[str, str]] = {}
    for pair in pairs:
        if not all(isinstance(part, str) for part in pair):
            raise _no_header()
        name, value = (part.strip() for part in pair)
        if name.lower() in _LOGIN_HEADERS:
            hint = "a token goes into BULKCANCEL_TOKEN, never into an argument"
            raise ConfigError(f"the header {name} can't be set", hint)
        if name.lower() in _HTTP_HEADERS:
            hint = "it would change how HTTP itself works"
            raise ConfigError(f"the header {name} can't be set", hint)
        if not _HEADER_NAME.fullmatch(name) or not _HEADER_VALUE.fullmatch(value):
            raise _no_header()
        found[name.lower()] = name, value
        if _MAY_BE_SECRET.search(name):
            hide_header(value)
    return dict(found.values())


def _no_header() -> ConfigError:
    # what was given may be a secret: it is not repeated
    what = "a header (--header, EPCC_BETA_API_FEATURES) can't be used"
    return ConfigError(what, "write it as 'Name: value'")


def outcomes(names: str | Iterable[str]) -> frozenset[Outcome]:
    """Return the outcomes of a comma-separated list, or of a collection.

    Raises `ConfigError` for what is no outcome.
    """
    known = {outcome.value: outcome for outcome in Outcome}
    listed = names.split(",") if isinstance(names, str) else names
    found = set()
    for name in listed:
        simple = str(name).strip().lower().replace("-", "_")
        if simple and simple not in known:
            raise ConfigError(f"allow: {simple!r} is no outcome", f"they are {', '.join(known)}")
        found |= {known[simple]} if simple else set()
    return frozenset(found)


def base_url(url: str) -> str:
    """Return scheme, host and port of a URL; raises `ConfigError` if it isn't usable.

    https, or http to this machine only: a token must not cross a network in clear.
    """
    url = url.strip()
    what = "the base URL (--base-url, EPCC_API_BASE_URL)"
    check_unquoted(what, url)
    example = f"it should look like {defaults.BASE_URL}"
    if not _URL.fullmatch(url):
        raise ConfigError(f"{what} has characters that don't belong in a URL", example)
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
        if "[" in parts.netloc:
            ipaddress.ip_address(host or "")
    except ValueError:
        raise ConfigError(f"{what} can't be read", example) from None
    if parts.scheme not in {"http", "https"} or not host:
        raise ConfigError(f"{what} does not start with https:// and a host", example)
    if ":" not in host and not _HOST.fullmatch(host):
        raise ConfigError(f"{what} has no valid host name", example)
    if parts.username is not None or parts.query or parts.fragment:
        raise ConfigError(f"{what} has a login, a query or a fragment in it", example)
    if not _NETLOC.fullmatch(parts.netloc):
        raise ConfigError(f"{what} can't be read", example)
    if parts.scheme == "http" and not is_loopback(host):
        raise ConfigError(
            f"{what} is http://{parts.netloc}", "use https:// (http is for this machine only)"
        )
    root = f"{parts.scheme}://{parts.netloc}"
    if parts.path.strip("/"):
        raise ConfigError(f"{what} has a path, {parts.path}", f"use {root}")
    return root


def check_unquoted(name: str, value: str) -> None:
    """Raise `ConfigError` for a value with its quotation marks, as `docker --env-file` gives it."""
    if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'`":
        raise ConfigError(
            f"{name} has quotation marks around its value",
            "leave them out: a file for docker --env-file, for example, takes them literally",
        )


def is_loopback(host: str) -> bool:
    """Tell whether a host name or address is this machine (RFC 6761, 6.3)."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
