"""The HTTP messages of the API: requests as they are sent, and what comes back as values.

The API's pages are cited by their paths below https://elasticpath.dev/docs/api/pxm/products/.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import quote, urlencode

NOTHING = b"{}"  # the body of a cancel


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request, complete but for the host and, unless `anonymous`, the bearer token."""

    method: str
    path: str
    body: bytes | None = field(default=None, repr=False)  # may hold the client secret
    content_type: str = "application/json"
    anonymous: bool = False


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole HTTP reply; headers are found by lower-case names, the body is at most 1 MiB.

    `may_be_late` tells that its connection had carried a request before, or received more than
    this: it may be the reply to another request. `is_out_of_step` tells, at any later time, whether
    something came on its connection that no request asked for: this one's own reply, perhaps.
    """

    status: int
    headers: Mapping[str, str] = field(repr=False)  # both may hold a token
    body: bytes = field(repr=False)
    may_be_late: bool = False
    is_out_of_step: Callable[[], bool] = field(default=lambda: False, repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class NoReply:
    """A request without a usable reply.

    `sent` is False only when it is certain that the store never saw the request;
    `timed_out` tells that it was too slow, not that it was cut off.
    """

    reason: str
    sent: bool
    timed_out: bool = False


Exchange = Reply | NoReply


def cancel_request(job_id: str) -> Request:
    """Build `POST /pcm/jobs/:jobID/cancel` (cancel-job)."""
    return Request("POST", f"/pcm/jobs/{quote(job_id, safe='')}/cancel", NOTHING)


def read_request(job_id: str) -> Request:
    """Build `GET /pcm/jobs/:jobID` (get-job)."""
    return Request("GET", f"/pcm/jobs/{quote(job_id, safe='')}")


def token_request(client_id: str, client_secret: str) -> Request:
    """Build `POST /oauth/access_token` with the client credentials grant (RFC 6749, 4.4)."""
    key = {"client_id": client_id, "client_secret": client_secret}
    body = urlencode(key | {"grant_type": "client_credentials"}).encode()
    form = "application/x-www-form-urlencoded"
    return Request("POST", "/oauth/access_token", body, form, anonymous=True)
