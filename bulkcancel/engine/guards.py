"""When a run should not continue: the signs of a wrong store, a wrong key, a dead server.

Each guard raises `GuardError` once; knows results and times, nothing of requests.
"""

from bulkcancel.base.errors import GuardError
from bulkcancel.base.model import JobResult, Outcome

FIRST_RESULTS = 20
FORBIDDEN_IN_A_ROW = 3
MIN_SILENCE = 60.0  # seconds
_UNANSWERED_IN_A_ROW = 3


class Guards:
    """Watch the results and the replies of one run."""

    def __init__(
        self,
        max_failures: int,
        allow: frozenset[Outcome],
        timeout: float,
        *,
        store_is_known: bool = False,
    ) -> None:
        """Take how many jobs may fail (0: any number) and the seconds a request may take.

        `store_is_known` if an earlier run has found jobs there.
        """
        self._max_failures = max_failures
        self._not_found_is_fine = Outcome.NOT_FOUND in allow or store_is_known
        self._silence = max(MIN_SILENCE, 2 * timeout)
        self._results = self._not_found = self._failures = self._forbidden = 0
        self._unanswered = 0
        self._unanswered_since = 0.0

    def settled(self, result: JobResult) -> None:
        """Look at the result of a job that was sent, in the order in which they come."""
        self._results += 1
        self._not_found += result.outcome is Outcome.NOT_FOUND
        if self._results == self._not_found == FIRST_RESULTS and not self._not_found_is_fine:
            raise GuardError(
                f"the store has none of the first {FIRST_RESULTS} jobs",
                "it may be the wrong store (EPCC_API_BASE_URL, the client key), the wrong column,"
                " or an old list; if all is right, add --allow not_found",
            )
        self._failures += result.outcome in {Outcome.FAILED, Outcome.UNKNOWN}
        if self._max_failures and self._failures > self._max_failures:
            raise GuardError(
                f"{self._failures} jobs failed or are unknown, more than --max-failures allows",
                "the report's column detail says why; raise --max-failures to go on anyway",
            )
        is_forbidden = result.http_status == 403 and result.outcome is Outcome.FAILED
        self._forbidden = self._forbidden + 1 if is_forbidden else 0
        if self._forbidden == FORBIDDEN_IN_A_ROW:
            raise GuardError(
                f"the store forbade {FORBIDDEN_IN_A_ROW} cancels in a row (403)",
                "check that the role of the client key may use jobs",
            )

    def exchanged(self, *, answered: bool, started_at: float, now: float) -> None:
        """Look at a request's end: `answered` by what the API may say, be it a refusal."""
        if answered:
            self._unanswered = 0
            return
        if self._unanswered == 0:
            self._unanswered_since = started_at
        self._unanswered += 1
        silence = now - self._unanswered_since
        if self._unanswered >= _UNANSWERED_IN_A_ROW and silence >= self._silence:
            raise GuardError(
                f"the store has not answered like the API for {silence:.0f} s",
                "check its status page and the network, then run again what is left",
            )
