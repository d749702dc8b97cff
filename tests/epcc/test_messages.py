"""The requests of the API, as the vendor's pages have them."""

from bulkcancel.epcc.messages import Reply, Request, cancel_request, read_request, token_request

JOB = "3fa85f64-5717-4562-b3fc-2c963f66afa6"


def test_requests_are_built() -> None:
    """Method, path and body are the API's; an id can't leave its place in the path."""
    assert cancel_request(JOB) == Request("POST", f"/pcm/jobs/{JOB}/cancel", b"{}")
    assert read_request(JOB) == Request("GET", f"/pcm/jobs/{JOB}")
    assert cancel_request("a/../b?c#d%").path == "/pcm/jobs/a%2F..%2Fb%3Fc%23d%25/cancel"
    form, pair = "application/x-www-form-urlencoded", b"client_id=a%26b&client_secret=%3D+%2B"
    pair += b"&grant_type=client_credentials"
    login = Request("POST", "/oauth/access_token", pair, form, anonymous=True)
    assert token_request("a&b", "= +") == login


def test_a_message_shows_no_secret() -> None:
    """Neither a request's body nor a reply's headers and body are in its `repr`."""
    reply = Reply(200, {"set-cookie": "s3cret"}, b"s3cret")
    assert "s3cret" not in repr(token_request("id", "s3cret")) + repr(reply)
