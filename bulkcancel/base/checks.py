"""Check the values of options, whether they come from the command line or a caller in Python."""

import ipaddress
import math
import re
from collections.abc import Iterable, Mapping

from bulkcancel.base import defaults
from bulkcancel.base.errors import ConfigError
from bulkcancel.base.masking import hide_header
from bulkcancel.base.model import Outcome

_STORE_URL = re.compile(
    r"(?ai)(?P<root>(?P<scheme>https?)://(?P<host>\[[0-9a-f:.]+\]|[\w-]{1,63}(\.[\w-]{1,63})*\.?)"
    r"(:(?P<port>\d{1,5}))?)(?P<path>/.*)?"
)
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # a token: RFC 9110, 5.6.2
_HEADER_VALUE = re.compile(r"[\t\x20-\x7e]+")
_MAY_BE_SECRET = re.compile(r"(?i)key|token|secret|auth|pass|cookie|sign|credential")
_NOT_TO_BE_SET = dict.fromkeys(
    # these frame a message, choose the method or make a reply conditional: RFC 9110 and 9112
    (
        *("accept", "accept-encoding", "connection", "content-encoding", "content-length"),
        *("content-range", "content-type", "expect", "host", "http2-settings", "if-match"),
        *("if-modified-since", "if-none-match", "if-range", "if-unmodified-since", "keep-alive"),
        *("proxy-connection", "range", "te", "trailer", "transfer-encoding", "upgrade"),
        *("x-http-method", "x-http-method-override", "x-method-override"),
    ),
    "it would change how HTTP itself works",
) | dict.fromkeys(
    ("authorization", "proxy-authorization"),
    "a token goes into BULKCANCEL_TOKEN, never into an argument",
)


def check_positive(name: str, value: object) -> None:
    """Raise `ConfigError` for all but a finite number over 0."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < math.inf:
        raise ConfigError(f"{name} is {value!r}", "it must be a number over 0")


def check_whole(name: str, value: object, least: int, most: float) -> None:
    """Raise `ConfigError` for all but a whole number within bounds."""
    bounds = f"from {least} to {most}" if math.isfinite(most) else f"of at least {least}"
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise ConfigError(f"{name} is {value!r}", f"it must be a whole number {bounds}")


def header_lines(lines: Iterable[str]) -> Mapping[str, str]:
    """Return the headers of lines like `Name: value`; raises `ConfigError`."""
    parts = (line.partition(":") for line in lines)
    return checked_headers((name, value) for name, _, value in parts)


def checked_headers(pairs: Iterable[tuple[object, object]]) -> Mapping[str, str]:
    """Return the last header of each name; raises `ConfigError` for one that can't be set."""
    found: dict[str, tuple[str, str]] = {}
    for pair in pairs:
        name, value = (part.strip() if isinstance(part, str) else "" for part in pair)
        if hint := _NOT_TO_BE_SET.get(name.lower()):
            raise ConfigError(f"the header {name} can't be set", hint)
        if not _HEADER_NAME.fullmatch(name) or not _HEADER_VALUE.fullmatch(value):
            what = "a header (--header, EPCC_BETA_API_FEATURES) can't be used"  # it may be secret
            raise ConfigError(what, "write it as 'Name: value'")
        found[name.lower()] = name, value
        if _MAY_BE_SECRET.search(name):
            hide_header(value)
    return dict(found.values())


def outcomes(names: str | Iterable[str]) -> frozenset[Outcome]:
    """Return the outcomes of a comma-separated list, or a collection; raises `ConfigError`."""
    listed = names.split(",") if isinstance(names, str) else names
    found = {str(name).strip().lower().replace("-", "_") for name in listed} - {""}
    for name in found - set(Outcome):
        raise ConfigError(f"allow: {name!r} is no outcome", f"they are {', '.join(Outcome)}")
    return frozenset(map(Outcome, found))


def base_url(url: str) -> str:
    """Return scheme, host and port of a URL; raises `ConfigError` if it isn't usable.

    https, or http to this machine only: a token must not cross a network in clear.
    """
    url = url.strip()
    what = "the base URL (--base-url, EPCC_API_BASE_URL)"
    check_unquoted(what, url)
    found = _STORE_URL.fullmatch(url)
    host = found["host"] if found else ""
    if not found or not _is_host(host) or int(found["port"] or 0) > 65535:
        raise ConfigError(f"{what} can't be used", f"it should look like {defaults.BASE_URL}")
    root = found["root"].replace(found["scheme"], found["scheme"].lower(), 1)
    if root.startswith("http:") and not _is_loopback(host):
        raise ConfigError(f"{what} is {root}", "use https:// (http is for this machine only)")
    if (found["path"] or "").strip("/"):
        raise ConfigError(f"{what} has a path or more in it", f"use {root}")
    return root


def check_unquoted(name: str, value: str) -> None:
    """Raise `ConfigError` for a value with its quotation marks, as `docker --env-file` gives it."""
    if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'`":
        raise ConfigError(
            f"{name} has quotation marks around its value",
            "leave them out: a file for docker --env-file, for example, takes them literally",
        )


def _is_host(host: str) -> bool:
    """Tell whether a name, or an address in brackets, can be one."""
    try:
        return not host.startswith("[") or bool(ipaddress.IPv6Address(host[1:-1]))
    except ValueError:
        return False


def _is_loopback(host: str) -> bool:
    """Tell whether a host name or address is this machine (RFC 6761, 6.3)."""
    try:
        return host.lower() == "localhost" or ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
