"""One job's life: cancel, and read back wherever a reply leaves a doubt.

The one rule behind it: a cancel that may have been applied is never simply sent
again, because the second one would be refused and the job reported as not ours.
"""

import asyncio
import time

from bulkcancel.base.model import NO_SUCH_JOB, Evidence, JobResult, JobRow, JobState, Outcome
from bulkcancel.engine.requests import Calls, Surroundings
from bulkcancel.epcc.rate_limit import MAX_REFUSALS
from bulkcancel.epcc.verdicts import Step, Verdict, outcome_of

LAG_RETRIES = 6  # reads after the first; with the default back-off they span a minute


class Interrupted(Exception):
    """A wait was cut short because the run is ending."""


class Life:
    """One job, from its first request to its outcome; never two requests at a time."""

    def __init__(self, row: JobRow, around: Surroundings) -> None:
        """Take a valid row."""
        self._row = row
        self._around = around
        self._calls = Calls(row.job_id, around)
        self._retries = 0
        self._request_id = ""
        self._detail = ""
        # a cancel was sent, by this run or an earlier one, and had no clear reply
        self._may_be_ours = row.earlier is not None and row.earlier.outcome is Outcome.UNKNOWN
        self._refused = False  # the last cancel was, and it is not clear why
        self._insisted = False
        self._seen: JobState | None = None  # what the last read showed

    async def settle(self) -> JobResult:
        """Return the outcome; raises `Interrupted`, or what stops the whole run.

        What an earlier run left in doubt is read before anything is sent.
        """
        if self._may_be_ours:
            self._detail = "an earlier run sent a cancel"
            result = await self._read_for_doubt()
            if result is not None:
                return result
        while True:
            verdict = await self._calls.cancel()
            self._refused = verdict.step is Step.ASK_WHY
            self._detail = verdict.detail
            self._request_id = verdict.request_id or self._request_id
            result = await self._after(verdict)
            if result is not None:
                return result

    async def look(self) -> JobResult:
        """Read the job and send nothing; raises as `settle`."""
        state = await self._read()
        if state is None:
            return self._not_cancelled()
        outcome = outcome_of(state, may_be_ours=False) or Outcome.WOULD_CANCEL
        return self._result(outcome, state, Evidence.READBACK)

    async def last_look(self) -> JobResult:
        """Return the result of a life that was cut short between two requests.

        A cancel that was refused is in flight until a read has told why: that read is
        still made, once.
        """
        if not self._refused or self._may_be_ours or self._seen is not None:
            return self.interrupted()
        verdict = await self._calls.read_at_once()
        self._seen = verdict.state if verdict else None
        outcome = outcome_of(self._seen, may_be_ours=False) if self._seen else None
        if outcome is None:
            return self._refused_unread()
        return self._result(outcome, self._seen, Evidence.READBACK)

    def interrupted(self) -> JobResult:
        """Return what is known of a life that was cut short between two requests."""
        self._detail = self._detail or self._calls.detail
        if self._calls.attempts == 0 and not self._may_be_ours:
            return self._result(Outcome.NOT_ATTEMPTED)
        return self._not_cancelled()

    def broken_off(self) -> JobResult:
        """Return the result of a life that ended anywhere, perhaps within a request."""
        if self._calls.attempts == 0 and not self._may_be_ours:
            return self._result(Outcome.NOT_ATTEMPTED)
        return self._result(Outcome.UNKNOWN)

    async def _after(self, verdict: Verdict) -> JobResult | None:
        """Return the result, or None if the cancel should be sent again."""
        match verdict.step:
            case Step.SETTLE if verdict.outcome is Outcome.FAILED and self._may_be_ours:
                return await self._read_for_doubt() or self._not_cancelled()
            case Step.SETTLE:
                outcome = verdict.outcome or Outcome.FAILED
                return self._result(outcome, verdict.state, Evidence.RESPONSE)
            case Step.ASK_WHY:
                return await self._why_refused()
            case Step.DOUBT:
                self._may_be_ours = True
                return await self._after_doubt()
            case Step.PAUSE:
                return self._not_cancelled(f"{MAX_REFUSALS} times in a row")
        return await self._again()

    async def _why_refused(self) -> JobResult | None:
        """Read back after a refusal; insist once if the job still says pending.

        A job that reads as pending and refuses to be cancelled has most likely changed
        a moment ago: reads lag writes, in busy times up to a minute.
        """
        patience = LAG_RETRIES if self._insisted and self._may_be_ours else 1
        for retry in range(patience + 1):
            if retry:
                await self._wait(retry, full_jitter=False)
            state = await self._read()
            if state is None:
                return self._refused_unread()
            outcome = outcome_of(state, may_be_ours=self._may_be_ours)
            if outcome is not None:
                return self._result(outcome, state, Evidence.READBACK)
        if self._insisted:
            return self._not_cancelled("the store reads pending, and refuses")
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
            return self._not_cancelled()
        outcome = outcome_of(state, may_be_ours=True)
        return None if outcome is None else self._result(outcome, state, Evidence.READBACK)

    async def _again(self, *, wait: bool = True) -> JobResult | None:
        """Spend a retry, or return the result of a job that has none left."""
        self._retries += 1
        if self._retries > self._around.retries:
            return self._not_cancelled()
        self._around.tally.retries += 1
        if wait:
            await self._wait(self._retries)
        return None

    async def _wait(self, retry: int, *, full_jitter: bool = True) -> None:
        backoff = self._around.backoff
        with self._around.waiting:
            await asyncio.sleep(backoff.delay(retry) if full_jitter else backoff.longest(retry))

    async def _read(self) -> JobState | None:
        """Return the job as the store describes it, None if that can't be had."""
        for retry in range(2 * self._around.retries + 1):
            if retry:
                self._around.tally.retries += 1
                await self._wait(retry)
            verdict = await self._calls.read()
            if verdict.state is not None:
                self._seen = verdict.state
                return verdict.state
            if verdict.step is not Step.RESEND:
                break
        unreadable = f"not readable: {verdict.detail}"
        self._detail = f"{self._detail}; {unreadable}" if self._detail else unreadable
        return None

    def _refused_unread(self) -> JobResult:
        """Return what a refusal says when the job can't be read (any more).

        Not pending, unless an earlier read has shown otherwise or the reason may be a
        cancel of our own.
        """
        if self._may_be_ours or self._seen is not None:
            return self._not_cancelled()
        return self._result(Outcome.NOT_PENDING, evidence=Evidence.RESPONSE)

    def _not_cancelled(self, detail: str = "") -> JobResult:
        """Return failed if every cancel is known not to have been applied, else unknown."""
        if detail:
            self._detail = f"{self._detail}; {detail}"
        if self._may_be_ours:
            return self._result(Outcome.UNKNOWN)
        if self._seen is not None:
            return self._result(Outcome.FAILED, evidence=Evidence.READBACK)
        evidence = Evidence.NONE if self._calls.http_status is None else Evidence.RESPONSE
        return self._result(Outcome.FAILED, evidence=evidence)

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
            state=state or self._seen or NO_SUCH_JOB,
            http_status=self._calls.http_status,
            attempts=self._calls.attempts,
            evidence=evidence,
            detail=self._detail,
            request_id=self._request_id,
            sent_at=self._calls.sent_at,
        )
