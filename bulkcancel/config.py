"""Options and environment made into one `Settings` value; secrets are masked in it."""

import ipaddress
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from bulkcancel.errors import ConfigError
from bulkcancel.model import ClientKey, Credentials, Outcome, ReadyToken

_URL = re.compile(r"[!-\[\]-~]+")  # printable ASCII but for the backslash
_HOST = re.compile(r"(?=.{1,253}$)[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*\.?")
DEFAULT_RATE = 20.0  # requests per second
DEFAULT_BASE_URL = "https://euwest.api.elasticpath.com"
SANDBOX_KEY = ClientKey("practice", "practice-secret")


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that one run is asked to do.

    `rate` is in requests per second, `timeout` in seconds per request, `retries`
    per job, `concurrency` None for as much as the rate needs. With `sandbox` set,
    the credentials are those of the practice API and `base_url` is not known yet.
    `command` is how the program was called, with the options that a run which goes on
    needs again: all but those about the report.
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
    rate: float
    concurrency: int | None
    retries: int
    timeout: float
    max_failures: int
    allow: frozenset[Outcome]
    base_url: str
    credentials: Credentials
    sandbox: bool
    quiet: bool
    command: tuple[str, ...]


def load(options: Mapping[str, Any], environ: Mapping[str, str]) -> Settings:
    """Return the settings; raises `ConfigError` for what can't be used or is missing."""
    sandbox = options["sandbox"]
    if options["resume"] and options["overwrite"]:
        raise ConfigError("--resume and --overwrite exclude each other", "leave one of them out")
    if options["resume"] and options["output"] in {None, "", "-"}:
        raise ConfigError("--resume needs a report", "name it with --output FILE")
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
        yes=options["yes"] or sandbox,
        rate=positive("--rate", options["rate"]),
        concurrency=options["concurrency"],
        retries=options["retries"],
        timeout=positive("--timeout", options["timeout"]),
        max_failures=options["max_failures"],
        allow=outcomes(options["allow"]),
        base_url="" if sandbox else base_url(options["base_url"] or DEFAULT_BASE_URL),
        credentials=SANDBOX_KEY if sandbox else credentials(environ),
        sandbox=sandbox,
        quiet=options["quiet"],
        command=options["command"],
    )


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


def credentials(environ: Mapping[str, str]) -> Credentials:
    """Return the ready token or the client key of the environment; raises `ConfigError`."""
    words = environ.get("BULKCANCEL_TOKEN", "").strip().split(" ")
    token = " ".join(words[1:] if words[0] == "Bearer" else words).strip()
    if token:
        if not token.isascii() or not token.isprintable() or " " in token:
            raise ConfigError("BULKCANCEL_TOKEN is not a token", "set it to the token alone")
        return ReadyToken(token)
    names = ("EPCC_CLIENT_ID", "EPCC_CLIENT_SECRET")
    client_id, client_secret = (environ.get(name, "").strip() for name in names)
    if client_id and client_secret:
        return ClientKey(client_id, client_secret)
    missing = " and ".join(name for name in names if not environ.get(name, "").strip())
    raise ConfigError(
        f"no login: {missing} not set",
        "export EPCC_CLIENT_ID and EPCC_CLIENT_SECRET, or BULKCANCEL_TOKEN; "
        "or practise with --sandbox",
    )
