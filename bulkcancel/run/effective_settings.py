"""The settings of a run as -v shows them, each with where it came from."""

from bulkcancel.base.model import ClientKey
from bulkcancel.base.settings import Settings


def effective_settings(settings: Settings) -> list[str]:
    """Return a line for each setting that matters; secrets are masked."""
    key, origins = settings.credentials, settings.origins
    login = (
        f"client id {key.client_id[:4]}…, client secret [hidden]"
        if isinstance(key, ClientKey)
        else "a bearer token [hidden]"
    )
    shown = {
        "base_url": settings.base_url or "a practice API",
        "credentials": login,
        "rate": f"{settings.rate:g} per second",
        "concurrency": str(settings.concurrency or "as the rate needs"),
        "retries": str(settings.retries),
        "timeout": f"{settings.timeout:g} s",
        "max_failures": str(settings.max_failures),
        "header": ", ".join(settings.headers) or "none of your own",
    }
    return [
        f"{name.replace('_', ' ')}: {value}"
        + (f" (from {origins[name]})" if origins.get(name) else "")
        for name, value in shown.items()
    ]
