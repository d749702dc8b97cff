"""Find the store and the login: from the options, else the environment, else a profile."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from bulkcancel.base import defaults
from bulkcancel.base.checks import base_url, check_unquoted, checked_headers
from bulkcancel.base.errors import ConfigError
from bulkcancel.base.model import ClientKey, Credentials, ReadyToken
from bulkcancel.base.profile import read_profile
from bulkcancel.base.settings import StoreOptions

_KEY_NAMES = ("EPCC_CLIENT_ID", "EPCC_CLIENT_SECRET")
_LOGINS = (("BULKCANCEL_TOKEN",), _KEY_NAMES)
_BETA = "EPCC_BETA_API_FEATURES"
_READ_ONLY = ("EPCC_CLI_READ_ONLY", "EPCC_READ_ONLY")
_UNQUOTED = ("BULKCANCEL_TOKEN", *_KEY_NAMES, _BETA, *_READ_ONLY)  # as options are by themselves
_OFF = frozenset({"", "0", "f", "false", "n", "no", "off"})
_SANDBOX_KEY = ClientKey("practice", "practice-secret")


@dataclass(frozen=True, slots=True)
class Access:
    """A store, and the login to it; `headers` go with every request.

    `origins` says where `base_url`, `credentials` and `headers` came from, as far as it
    was not an option of the command; `read_only` is the variable that forbids to cancel.
    """

    base_url: str
    credentials: Credentials
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)  # may be secret
    origins: Mapping[str, str] = field(default_factory=dict)
    read_only: str = ""

    def check_cancels_allowed(self) -> None:
        """Raise `ConfigError` where the house switch of Elastic Path's client is on."""
        if self.read_only:
            what = f"{self.read_only} is set: nothing may be cancelled"
            raise ConfigError(what, "look with --check, or unset it")


def find_access(
    options: StoreOptions, environ: Mapping[str, str], login: Credentials | None = None
) -> Access:
    """Return the access that options and environment lead to; raises `ConfigError`.

    For a practice run it has no URL yet. A `login` takes the place of any other.
    """
    _check_key_log(environ.get("SSLKEYLOGFILE", ""))
    if options.sandbox:
        return Access("", _SANDBOX_KEY, options.headers)
    for name in _UNQUOTED:
        check_unquoted(name, environ.get(name, "").strip())
    profile = _profile(options.profile, environ)
    origins: dict[str, str] = {}
    url = options.base_url
    if not url:
        in_profile = profile.get("EPCC_API_BASE_URL", "")
        url = base_url(in_profile or defaults.BASE_URL)
        origins["base_url"] = "profile" if in_profile else "default"
    if login is None:
        login, origins["credentials"] = _credentials(environ, profile)
    beta, origin = _beta_features(environ, profile)
    origins["headers"] = " and ".join(filter(None, [origin, "option" if options.headers else ""]))
    headers = checked_headers([*beta.items(), *options.headers.items()])
    return Access(url, login, headers, origins, _read_only(environ, profile))


def _check_key_log(name: str) -> None:
    """Raise `ConfigError` for a file that Python could not open: no TLS can be set up then."""
    try:
        if name:
            Path(name).open("ab").close()
    except OSError as error:
        what = f"SSLKEYLOGFILE names {name}, which can't be written: {error.strerror}"
        raise ConfigError(what, "unset it") from None


def _profile(name: str | None, environ: Mapping[str, str]) -> Mapping[str, str]:
    """Return the profile; one that is broken matters only if it was named, or is needed."""
    try:
        return read_profile(name)
    except ConfigError:
        if name is None and any(all(environ.get(each) for each in login) for login in _LOGINS):
            return {}
        raise


def _beta_features(
    environ: Mapping[str, str], profile: Mapping[str, str]
) -> tuple[Mapping[str, str], str]:
    """Return the header for beta features, if they are set, and where."""
    for origin, values in (("environment", environ), ("profile", profile)):
        if value := values.get(_BETA, "").strip():
            return {"EP-Beta-Features": value}, origin
    return {}, ""


def _read_only(environ: Mapping[str, str], profile: Mapping[str, str]) -> str:
    """Return the variable that forbids to change a store; what is neither on nor off is on."""
    values = {name: environ.get(name, profile.get(name, "")) for name in _READ_ONLY}
    return next((name for name, value in values.items() if value.strip().lower() not in _OFF), "")


def _credentials(environ: Mapping[str, str], profile: Mapping[str, str]) -> tuple[Credentials, str]:
    """Return the token, or an id and a secret from one place, and where that is."""
    words = environ.get("BULKCANCEL_TOKEN", "").strip().split(" ")
    if token := " ".join(words[1:] if words[0] == "Bearer" else words).strip():
        if not token.isascii() or not token.isprintable() or " " in token:
            raise ConfigError("BULKCANCEL_TOKEN is not a token", "set it to the token alone")
        return ReadyToken(token), "environment"
    for origin, values in (("environment", environ), ("profile", profile)):
        found = {name: values.get(name, "").strip() for name in _KEY_NAMES}
        if all(found.values()):
            return ClientKey(*found.values()), origin
        if any(found.values()):
            break
    missing = " and ".join(name for name, value in found.items() if not value)
    raise ConfigError(
        f"no login: {missing} not set",
        "export EPCC_CLIENT_ID and EPCC_CLIENT_SECRET, or BULKCANCEL_TOKEN, "
        "or name a --profile; or practise with --sandbox",
    )
