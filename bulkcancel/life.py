"""One job's life: cancel, and read back wherever a reply leaves a doubt.

The one rule behind it: a cancel that may have been applied is never simply sent
again, because the second one would be refused and the job reported as not ours.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Protocol

from bulkcancel.errors import GuardError
from bulkcancel.model import (
    NO_SUCH_JOB,
    Evidence,
    Exchange,
    JobResult,
    JobRow,
    JobState,
    Outcome,
    Reply,
    Tally,
)
from bulkcancel.pacer import Backoff, Pacer
from bulkcancel.wire import Step, Verdict, interpret_cancel, interpret_read, outcome_of

MAX_REFUSALS = 20  # 429s in a row for one job


class Interpret(Protocol):
    """Either of `wire`'s two: what a reply to a cancel, or to a read, means."""

    def __call__(self, exchange: Exchange, job_id: str, *, now: float) -> Verdict:
        """Return the verdict on an exchange about a job."""
        ...


class Interrupted(Exception):
    """A wait was cut short because the run is ending."""


class Store(Protocol):
    """What a job's life asks of the store; `client.Store` is the real one."""

    async def bearer(self) -> str:
        """Return the token for the next request."""
        ...

    async def renew(self, refused: str) -> None:
        """Replace a token that was refused."""
        ...

    async def cancel(self, job_id: str, bearer: str) -> Exchange:
        """Ask the store to cancel a job, once."""
        ...

    async def read(self, job_id: str, bearer: str) -> Exchange:
        """Ask the store for a job, once."""
        ...


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What all jobs of a run share.

    `retries` is per job; a read-back may fail twice as often, because to read again
    is harmless. `waiting` marks the waits that the end of the run cuts short.
    """

    store: Store
    pacer: Pacer
    tally: Tally
    waiting: Callable[[], AbstractContextManager[None]]
    retries: int = 4
    backoff: Backoff = field(default_factory=Backoff)


class Life:
    """One job, from its first request to its outcome; never two requests at a time."""

    def __init__(self, row: JobRow, around: Surroundings) -> None:
        """Take a valid row."""
        self._row = row
        self._around = around
        self._attempts = 0
        self._retries = 0
        self._http_status: int | None = None
        self._sent_at: float | None = None
        self._request_id = ""
        self._detail = ""
        self._may_be_ours = False  # a cancel was sent and had no clear reply
        self._refused = False  # the last cancel was refused: not pending, or rejected
        self._insisted = False
        self._renewed = False

    async def settle(self) -> JobResult:
        """Return the outcome; raises `Interrupted`, or what stops the whole run."""
        while True:
            verdict = await self._cancel()
            result = await self._after(verdict)
            if result is not None:
                return result

    def interrupted(self) -> JobResult:
        """Return the result of a life that was cut short."""
        if self._attempts == 0:
            return self._result(Outcome.NOT_ATTEMPTED)
        if self._refused:
            return self._refused_without_a_read()
        return self._unsettled()

    async def _after(self, verdict: Verdict) -> JobResult | None:
        """Return the result, or None if the cancel should be sent again."""
        match verdict.step:
            case Step.SETTLE if verdict.outcome is Outcome.FAILED and self._may_be_ours:
                return await self._read_for_doubt() or self._unsettled()
            case Step.SETTLE:
                outcome = verdict.outcome or Outcome.FAILED
                return self._result(outcome, verdict.state, Evidence.RESPONSE)
            case Step.ASK_WHY:
                return await self._why_refused()
            case Step.DOUBT:
                self._may_be_ours = True
                return await self._after_doubt()
            case Step.PAUSE:
                return self._unsettled(f"{MAX_REFUSALS} times in a row")
        return await self._again()

    async def _why_refused(self) -> JobResult | None:
        """Read back after a refusal; insist once if the job still says pending."""
        for last in (False, True):
            state = await self._read()
            if state is None:
                return self._refused_without_a_read()
            self._refused = False
            outcome = outcome_of(state, may_be_ours=self._may_be_ours)
            if outcome is not None:
                return self._result(outcome, state, Evidence.READBACK)
            if not last:
                await self._wait(1)
        if self._insisted:
            return self._unsettled("the store reads pending, and refuses")
        self._insisted = True
        self._around.tally.retries += 1
        return None

    async def _after_doubt(self) -> JobResult | None:
        await self._wait(self._retries + 1)
        return await self._read_for_doubt() or await self._again(wait=False)

    async def _read_for_doubt(self) -> JobResult | None:
        """Return what a read settles after a lost reply, None if it says pending."""
        state = await self._read()
        if state is None:
            return self._unsettled()
        outcome = outcome_of(state, may_be_ours=True)
        return None if outcome is None else self._result(outcome, state, Evidence.READBACK)

    async def _again(self, *, wait: bool = True) -> JobResult | None:
        """Spend a retry, or return the result of a job that has none left."""
        self._retries += 1
        if self._retries > self._around.retries:
            return self._unsettled()
        self._around.tally.retries += 1
        if wait:
            await self._wait(self._retries)
        return None

    async def _wait(self, retry: int) -> None:
        with self._around.waiting():
            await asyncio.sleep(self._around.backoff.delay(retry))

    async def _cancel(self) -> Verdict:
        """Send the cancel, and note what its reply says."""
        verdict = await self._exchange(self._send_cancel, interpret_cancel)
        self._refused = verdict.step is Step.ASK_WHY
        self._detail = verdict.detail
        self._request_id = verdict.request_id or self._request_id
        return verdict

    async def _send_cancel(self, job_id: str, bearer: str) -> Exchange:
        self._attempts += 1
        self._sent_at = self._sent_at or time.time()
        exchange = await self._around.store.cancel(job_id, bearer)
        if isinstance(exchange, Reply):
            self._http_status = exchange.status
        return exchange

    async def _read(self) -> JobState | None:
        """Return the job as the store describes it, None if that can't be had."""
        for retry in range(2 * self._around.retries + 1):
            if retry:
                await self._wait(retry)
            self._around.tally.read_backs += 1
            verdict = await self._exchange(self._around.store.read, interpret_read)
            if verdict.state is not None:
                return verdict.state
            if verdict.step is not Step.RESEND:
                break
        self._detail = f"{self._detail}; not readable: {verdict.detail}"
        return None

    async def _exchange(
        self,
        send: Callable[[str, str], Awaitable[Exchange]],
        interpret: Interpret,
    ) -> Verdict:
        """Send one request when its turn comes, again after a 429 or a renewed token."""
        around, refusals = self._around, 0
        while True:
            with around.waiting():
                bearer = await around.store.bearer()
                await around.pacer.start()
            started = asyncio.get_running_loop().time()
            exchange = await send(self._row.job_id, bearer)
            verdict = interpret(exchange, self._row.job_id, now=time.time())
            if verdict.step is Step.STOP:
                self._detail = verdict.detail
                raise GuardError(
                    f"the store answered {verdict.detail}: a redirect, which is never followed",
                    "check --base-url or EPCC_API_BASE_URL",
                )
            if verdict.step is Step.RENEW:
                self._detail = verdict.detail
                await self._renew(bearer)
                continue
            if verdict.step is not Step.PAUSE:
                around.pacer.accepted()
                return verdict
            around.tally.throttled += 1
            around.pacer.throttled(verdict.retry_after, started)
            refusals += 1
            if refusals == MAX_REFUSALS:
                return verdict

    async def _renew(self, bearer: str) -> None:
        if self._renewed:
            raise GuardError(
                "the store refused a token that it had just given out (401)",
                "check that the client key may use this store",
            )
        self._renewed = True
        with self._around.waiting():
            await self._around.store.renew(bearer)

    def _refused_without_a_read(self) -> JobResult:
        """Return what a refusal alone says: not pending, unless our own cancel may be why."""
        if self._may_be_ours:
            return self._result(Outcome.UNKNOWN)
        return self._result(Outcome.NOT_PENDING, None, Evidence.RESPONSE)

    def _unsettled(self, detail: str = "") -> JobResult:
        """Return failed if every cancel is known not to have been applied, else unknown."""
        if detail:
            self._detail = f"{self._detail}; {detail}"
        if self._may_be_ours:
            return self._result(Outcome.UNKNOWN)
        evidence = Evidence.NONE if self._http_status is None else Evidence.RESPONSE
        return self._result(Outcome.FAILED, None, evidence)

    def _result(
        self,
        outcome: Outcome,
        state: JobState | None = None,
        evidence: Evidence = Evidence.NONE,
    ) -> JobResult:
        return JobResult(
            row=self._row,
            outcome=outcome,
            finished_at=time.time(),
            state=state or NO_SUCH_JOB,
            http_status=self._http_status,
            attempts=self._attempts,
            evidence=evidence,
            detail=self._detail,
            request_id=self._request_id,
            sent_at=self._sent_at,
        )
