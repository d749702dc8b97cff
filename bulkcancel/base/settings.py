"""Options and environment made into one `Settings` value; secrets are masked in it."""

import ipaddress
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from bulkcancel.base.errors import ConfigError
from bulkcancel.base.model import ClientKey, Credentials, Outcome, ReadyToken
from bulkcancel.base.profile import read_profile
from bulkcancel.base.text import hide_header

_URL = re.compile(r"[!-\[\]-~]+")  # printable ASCII but for the backslash
_HOST = re.compile(r"(?=.{1,253}$)[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*\.?")
DEFAULT_RATE = 20.0  # requests per second
DEFAULT_BASE_URL = "https://euwest.api.elasticpath.com"
_KEY_NAMES = ("EPCC_CLIENT_ID", "EPCC_CLIENT_SECRET")
_LOGINS = (("BULKCANCEL_TOKEN",), _KEY_NAMES)
_BETA = "EPCC_BETA_API_FEATURES"
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # a token: RFC 9110, 5.6.2
_HEADER_VALUE = re.compile(r"[\t\x20-\x7e]+")
_MAY_BE_SECRET = re.compile(r"(?i)key|token|secret|auth|pass|cookie|sign|credential")
_HEADER_FORM = "write it as 'Name: value'"
_OWN_HEADERS = frozenset(
    {
        *("authorization", "proxy-authorization", "host", "content-length", "content-type"),
        *("transfer-encoding", "connection", "accept-encoding"),
    }
)
_EXCLUDING = (
    ("resume", "overwrite"),
    ("resume", "dry_run"),
    ("resume", "check"),
    ("check", "dry_run"),
    ("sandbox", "dry_run"),
    ("quiet", "verbose"),
)
SANDBOX_KEY = ClientKey("practice", "practice-secret")


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that one run is asked to do.

    `rate` is in requests per second, `timeout` in seconds per request, `retries`
    per job, `concurrency` None for as much as the rate needs. With `sandbox` set,
    the credentials are those of the practice API and `base_url` is not known yet.
    `command` is how the program was called, with the options that a run which goes on
    needs again: all but those about the report. `headers` are sent with every request,
    `verbosity` is how often -v was given, and `origins` says where values came from.
    """

    files: tuple[str, ...]
    column: str | None
    output: str | None
    form: str | None
    overwrite: bool
    resume: bool
    split: Path | None
    summary: Path | None
    reason: str
    yes: bool
    dry_run: bool
    check: bool
    rate: float
    concurrency: int | None
    retries: int
    timeout: float
    max_failures: int
    allow: frozenset[Outcome]
    base_url: str
    credentials: Credentials
    headers: Mapping[str, str]
    sandbox: bool
    quiet: bool
    verbosity: int
    progress: str
    log_format: str
    command: tuple[str, ...]
    origins: Mapping[str, str]


def load(options: Mapping[str, Any], environ: Mapping[str, str]) -> Settings:
    """Return the settings; raises `ConfigError` for what can't be used or is missing."""
    _refuse_contradictions(options)
    sandbox = options["sandbox"]
    elsewhere = sandbox or options["dry_run"]  # no store, hence no profile
    profile = {} if elsewhere else _profile(options["profile"], environ)
    url = options["base_url"] or profile.get("EPCC_API_BASE_URL", "") or DEFAULT_BASE_URL
    found = (SANDBOX_KEY, "") if elsewhere else credentials(environ, profile)
    origins = {
        "base_url": _url_origin(options, profile),
        "credentials": found[1],
        "header": _header_origin(options, environ, profile),
    }
    return Settings(
        files=options["files"],
        column=options["column"],
        output=options["output"],
        form=options["format"],
        overwrite=options["overwrite"],
        resume=options["resume"],
        split=Path(options["split"]) if options["split"] else None,
        summary=Path(options["summary"]) if options["summary"] else None,
        reason=options["reason"],
        yes=options["yes"] or sandbox or options["dry_run"] or options["check"],
        dry_run=options["dry_run"],
        check=options["check"],
        rate=positive("--rate", options["rate"]),
        concurrency=options["concurrency"],
        retries=options["retries"],
        timeout=positive("--timeout", options["timeout"]),
        max_failures=options["max_failures"],
        allow=outcomes(options["allow"]),
        base_url="" if sandbox else base_url(url),
        credentials=found[0],
        headers=headers(options["header"], environ, profile),
        sandbox=sandbox,
        quiet=options["quiet"],
        verbosity=options["verbose"],
        progress=options["progress"],
        log_format=options["log_format"],
        command=options["command"],
        origins=options["origins"] | origins,
    )


def _refuse_contradictions(options: Mapping[str, Any]) -> None:
    for one, other in _EXCLUDING:
        if options[one] and options[other]:
            both = f"--{one} and --{other}".replace("_", "-")
            raise ConfigError(f"{both} exclude each other", "leave one of them out")
    if options["resume"] and options["output"] in {None, "", "-"}:
        raise ConfigError("--resume needs a report", "name it with --output FILE")


def _profile(name: str | None, environ: Mapping[str, str]) -> Mapping[str, str]:
    """Return the profile; one that is broken matters only if it was named, or is needed."""
    try:
        return read_profile(name)
    except ConfigError:
        if name is None and any(all(environ.get(each) for each in login) for login in _LOGINS):
            return {}
        raise


def _url_origin(options: Mapping[str, Any], profile: Mapping[str, str]) -> str:
    if options["base_url"]:
        return str(options["origins"].get("base_url", ""))
    return "profile" if profile.get("EPCC_API_BASE_URL") else "default"


def _header_origin(
    options: Mapping[str, Any], environ: Mapping[str, str], profile: Mapping[str, str]
) -> str:
    beta = "environment" if environ.get(_BETA, "").strip() else "profile"
    given = ["option"] if options["header"] else []
    found = environ.get(_BETA, "").strip() or profile.get(_BETA)
    return " and ".join([*([beta] if found else []), *given])


def headers(
    lines: tuple[str, ...], environ: Mapping[str, str], profile: Mapping[str, str]
) -> Mapping[str, str]:
    """Return the headers of lines like `Name: value`, and the one for beta features.

    Raises `ConfigError` for what is no header, or none that may be set.
    """
    found: dict[str, str] = {}
    beta = environ.get(_BETA, "").strip() or profile.get(_BETA, "")
    for line in (*((f"EP-Beta-Features: {beta}",) if beta else ()), *lines):
        name, colon, value = (part.strip() for part in line.partition(":"))
        if colon and name.lower() in _OWN_HEADERS:
            raise ConfigError(
                f"--header can't set {name}",
                "a token goes into BULKCANCEL_TOKEN, never into an argument",
            )
        if not colon or not _HEADER_NAME.fullmatch(name) or not _HEADER_VALUE.fullmatch(value):
            # what was given may be a secret: it is not repeated
            raise ConfigError("--header (or EPCC_BETA_API_FEATURES) is no header", _HEADER_FORM)
        found = {n: v for n, v in found.items() if n.lower() != name.lower()} | {name: value}
        if _MAY_BE_SECRET.search(name):
            hide_header(value)
    return found


def positive(option: str, value: float) -> float:
    """Return a finite number over 0; raises `ConfigError` for any other."""
    if not (math.isfinite(value) and value > 0):
        raise ConfigError(f"{option} is {value}", "it must be a number over 0")
    return value


def outcomes(names: str) -> frozenset[Outcome]:
    """Return the outcomes of a comma-separated list; raises `ConfigError`."""
    known = {outcome.value: outcome for outcome in Outcome}
    listed = [name.strip().lower().replace("-", "_") for name in names.split(",") if name.strip()]
    for name in listed:
        if name not in known:
            raise ConfigError(f"--allow names {name!r}", f"the outcomes are {', '.join(known)}")
    return frozenset(known[name] for name in listed)


def base_url(url: str) -> str:
    """Return the URL without a trailing slash; raises `ConfigError` if it isn't usable.

    https, or http to this machine only: a token must not cross a network in clear.
    """
    url = url.strip()
    what = "the base URL (--base-url, EPCC_API_BASE_URL)"
    example = f"it should look like {DEFAULT_BASE_URL}"
    if not _URL.fullmatch(url):
        raise ConfigError(f"{what} has characters that don't belong in a URL", example)
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise ConfigError(f"{what} can't be read", example) from None
    if parts.scheme not in {"http", "https"} or not host:
        raise ConfigError(f"{what} does not start with https:// and a host", example)
    if ":" not in host and not _HOST.fullmatch(host):
        raise ConfigError(f"{what} has no valid host name", example)
    if parts.username is not None or parts.query or parts.fragment:
        raise ConfigError(f"{what} has a login, a query or a fragment in it", example)
    if parts.scheme == "http" and not is_loopback(host):
        raise ConfigError(
            f"{what} is http://{parts.netloc}", "use https:// (http is for this machine only)"
        )
    return parts.geturl().rstrip("/")


def is_loopback(host: str) -> bool:
    """Tell whether a host name or address is this machine (RFC 6761, 6.3)."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def credentials(environ: Mapping[str, str], profile: Mapping[str, str]) -> tuple[Credentials, str]:
    """Return the ready token or the client key, and where it is from; raises `ConfigError`.

    An id and its secret come from the same place.
    """
    words = environ.get("BULKCANCEL_TOKEN", "").strip().split(" ")
    token = " ".join(words[1:] if words[0] == "Bearer" else words).strip()
    if token:
        if not token.isascii() or not token.isprintable() or " " in token:
            raise ConfigError("BULKCANCEL_TOKEN is not a token", "set it to the token alone")
        return ReadyToken(token), "environment"
    for origin, values in (("environment", environ), ("profile", profile)):
        client_id, client_secret = (values.get(name, "").strip() for name in _KEY_NAMES)
        if client_id and client_secret:
            return ClientKey(client_id, client_secret), origin
        if client_id or client_secret:
            break
    missing = " and ".join(name for name in _KEY_NAMES if not values.get(name, "").strip())
    raise ConfigError(
        f"no login: {missing} not set",
        "export EPCC_CLIENT_ID and EPCC_CLIENT_SECRET, or BULKCANCEL_TOKEN, "
        "or name a --profile; or practise with --sandbox",
    )
