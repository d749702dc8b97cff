"""The proxy that the environment names for the store."""

import base64

import pytest

from bulkcancel.base.errors import ConfigError
from bulkcancel.base.proxy import environment_proxy

STORE = "https://euwest.api.elasticpath.com"
PROXIES: dict[str, tuple[dict[str, str], str, tuple[str | None, dict[str, str] | None]]] = {
    "none": ({}, STORE, (None, None)),
    "plain": ({"https_proxy": "http://proxy:3128"}, STORE, ("http://proxy:3128", None)),
    "no scheme": ({"https_proxy": "proxy:3128"}, STORE, ("http://proxy:3128", None)),
    "all": ({"all_proxy": "http://proxy:3128"}, STORE, ("http://proxy:3128", None)),
    "bypassed": (
        {"https_proxy": "http://proxy:3128", "no_proxy": "elasticpath.com"}, STORE, (None, None),
    ),
    "loopback": ({"http_proxy": "http://proxy:3128"}, "http://127.0.0.1:1", (None, None)),
    "with a login": (
        {"https_proxy": "http://me:p%40ss@proxy:3128"}, STORE,
        (
            "http://proxy:3128",
            {"Proxy-Authorization": f"Basic {base64.b64encode(b'me:p@ss').decode()}"},
        ),
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", PROXIES)
def test_proxies_of_the_environment(case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The store is reached through the proxy that the environment names for https."""
    env, url, expected = PROXIES[case]
    for name in ("https_proxy", "http_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    assert environment_proxy(url) == expected


@pytest.mark.parametrize(
    ("proxy", "why"),
    [
        ("socks5://me:secret@proxy:1080", "does not name a proxy"),
        ("http://[::1", "does not name a proxy"),
        ("http://proxy:notaport", "does not name a proxy"),
        ("http://", "does not name a proxy"),
        ('"http://proxy:3128"', "has quotation marks around its value"),
    ],
)
def test_a_proxy_that_can_not_be_used(
    proxy: str, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A proxy that can't be used is an error, not something to go around."""
    monkeypatch.setenv("https_proxy", proxy)
    monkeypatch.delenv("no_proxy", raising=False)
    with pytest.raises(ConfigError, match=why) as refused:
        environment_proxy(STORE)
    assert "secret" not in str(refused.value)
