"""The beginning of a run: what is in force, and what is asked before the first cancel."""

from urllib.parse import urlsplit

from bulkcancel.base.model import ClientKey, StoreName
from bulkcancel.base.settings import Settings
from bulkcancel.base.text import duration
from bulkcancel.run.work import Work


def in_force(settings: Settings) -> list[str]:
    """Return the settings that matter, each with where it came from; secrets are masked."""
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


def question(work: Work, url: str, store: StoreName) -> str:
    """Return what is asked before the first cancel: how many, where, and how fast; a line each."""
    settings, left, repeats = work.settings, work.left, work.input.jobs.repeats
    left_out = [f"{repeats:,} repeated"] if repeats else []
    left_out += [f"{left.invalid:,} invalid"] if left.invalid else []
    left_out += [f"{left.settled:,} settled before"] if left.settled else []
    others = f" ({' and '.join(left_out)} left out)" if left_out else ""
    name = f", {store}" if str(store) else ""
    return (
        f"Cancel {left.valid:,} job{'' if left.valid == 1 else 's'}{others}"
        f"\non {urlsplit(url).netloc}{name}"
        f"\nat {settings.rate:g} per second, in about"
        f" {duration(max(1, left.valid / settings.rate))}?"
    )
