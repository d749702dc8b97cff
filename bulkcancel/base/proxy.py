"""The proxy that the environment names for the store."""

import base64
from urllib.parse import SplitResult, unquote, urlsplit, urlunsplit
from urllib.request import getproxies, proxy_bypass

from bulkcancel.base.checks import check_unquoted
from bulkcancel.base.errors import ConfigError


def environment_proxy(base_url: str) -> tuple[str | None, dict[str, str] | None]:
    """Return the proxy's URL and the headers for it, None and None for a direct connection.

    Looked up once, because aiohttp's `trust_env` does so for every request and sends
    netrc passwords besides. Only https stores go through a proxy: plain http is
    loopback. Raises `ConfigError` for a proxy that is not http or https.
    """
    store, proxies = urlsplit(base_url), getproxies()
    proxy = proxies.get("https") or proxies.get("all")
    if store.scheme != "https" or not proxy or proxy_bypass(store.netloc):
        return None, None
    parts = _proxy_parts(proxy)
    login, _, address = parts.netloc.rpartition("@")
    bare = urlunsplit((parts.scheme, address, "", "", ""))
    if not login:
        return bare, None
    encoded = base64.b64encode(unquote(login).encode()).decode()
    return bare, {"Proxy-Authorization": f"Basic {encoded}"}


def _proxy_parts(proxy: str) -> SplitResult:
    check_unquoted("HTTPS_PROXY (or ALL_PROXY)", proxy)
    try:
        parts = urlsplit(proxy if "://" in proxy else f"http://{proxy}")
        usable = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise ConfigError(
            "HTTPS_PROXY (or ALL_PROXY) does not name a proxy that can be used",
            "it should look like http://proxy.example:3128",
        )
    return parts
