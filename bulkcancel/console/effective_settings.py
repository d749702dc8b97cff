"""The settings of a run as -v shows them, each with where it came from."""

from bulkcancel.base.access import Access
from bulkcancel.base.model import ClientKey
from bulkcancel.base.settings import Settings


def effective_settings(settings: Settings, access: Access) -> list[str]:
    """Return a line for each setting that matters; secrets are masked."""
    key, origins = access.credentials, {**settings.origins, **access.origins}
    pace = settings.pace
    login = (
        f"client id {key.client_id[:4]}…, client secret [hidden]"
        if isinstance(key, ClientKey)
        else "a bearer token [hidden]"
    )
    shown = {
        "base_url": access.base_url or "a practice API",
        "credentials": login,
        "rate": f"{pace.rate:g} per second",
        "concurrency": str(pace.concurrency or "as the rate needs"),
        "retries": str(pace.retries),
        "timeout": f"{pace.timeout:g} s",
        "max_failures": str(pace.max_failures),
        "headers": ", ".join(access.headers) or "none of your own",
    }
    return [
        f"{name.replace('_', ' ')}: {value}"
        + (f" (from {origins[name]})" if origins.get(name) else "")
        for name, value in shown.items()
    ]
