"""Settle one job: cancel it, and read back wherever a reply leaves a doubt.

The one rule behind it: a cancel that may have been applied is never simply sent again,
because the second one would be refused and the job reported as not ours.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from bulkcancel.base.errors import BulkcancelError, GuardError
from bulkcancel.base.model import JobRow, Outcome, id_key
from bulkcancel.base.tally import Tally
from bulkcancel.engine.attribution import Stamps
from bulkcancel.engine.guards import Guards
from bulkcancel.engine.history import Fate, History, unrecorded
from bulkcancel.epcc import (
    MAX_REFUSALS,
    Call,
    NoReply,
    Reply,
    Request,
    Sender,
    Step,
    Verdict,
    cancel_request,
    interpret_cancel,
    interpret_read,
    read_request,
)

LAG_RETRIES = 6  # reads after the first; with the default back-off they span a minute


@dataclass(frozen=True, slots=True)
class Policy:
    """How many jobs at a time, how often one is tried again, and when to give up.

    `retries` is per job; a read-back may fail twice as often, because to read again is
    harmless. `earlier_runs` are the epoch times of the first and last thing that is known of
    earlier ones.
    """

    concurrency: int
    retries: int
    guards: Guards
    only_look: bool = False  # --check: reads, and no cancel
    earlier_runs: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True)
class Run:
    """What all jobs of a run share; `stop` ends it."""

    sender: Sender
    policy: Policy
    tally: Tally
    stop: Callable[[BulkcancelError], None]
    stamps: Stamps = field(default_factory=Stamps)


class Job:
    """One job, from its first request to its outcome; never two requests at a time.

    The coroutines return when there is nothing more to do: what became of the job follows
    from its `history`. They raise `Interrupted`, or what stops the whole run.
    """

    def __init__(self, row: JobRow, run: Run) -> None:
        unknown = row.earlier is not None and row.earlier.outcome is Outcome.UNKNOWN
        self.history = History(row, unknown, unrecorded(row, run.policy.earlier_runs))
        self._id = id_key(row.job_id)  # as the store writes it
        self._run = run
        self._last: Call | None = None
        self._sent_at = 0.0  # the last request, as epoch time
        self._lost = False  # it had no sure reply: the next gets a new connection
        self._retries = 0
        self._insisted = False

    async def cancel(self) -> None:
        """Cancel the job; what an earlier run left in doubt is read before anything is sent."""
        job = self.history
        if job.in_doubt:
            job.detail = "an earlier run sent a cancel"
            if not await self._reads_pending():
                return
        while True:
            verdict = await self._run.sender.send(self._cancelling())
            if not await self._is_to_be_repeated(verdict):
                return

    async def look(self) -> None:
        """Read the job and send nothing."""
        self.history.fate = Fate.UNWANTED
        await self._read()

    async def look_once_more(self) -> None:
        """Read a refused job that the end of the run has kept from being read.

        A cancel that was refused is in flight until a read has told why: that read is
        still made, once.
        """
        if self.history.needs_look and not self.history.was_read:
            await self._run.sender.send_at_once(self._reading())

    async def _is_to_be_repeated(self, verdict: Verdict) -> bool:
        match verdict.step:
            case Step.ASK_WHY:
                return await self._is_worth_insisting()
            case Step.DOUBT:
                await self._run.sender.back_off(self._retries + 1)
                return await self._reads_pending() and self._has_retry()
            case Step.RESEND if self._is_free(verdict):
                return True
            case Step.RESEND if self._has_retry():
                await self._run.sender.back_off(self._retries)
                return True
            case Step.PAUSE:
                self.history.add_detail(f"{MAX_REFUSALS} times in a row")
            case Step.SETTLE if self.history.fate is Fate.REJECTED and self.history.in_doubt:
                await self._read()
        return False

    async def _is_worth_insisting(self) -> bool:
        """Read back after a refusal; insist once if the job still says pending.

        A job that reads as pending and refuses to be cancelled has most likely changed
        a moment ago: reads lag writes, in busy times up to a minute.
        """
        patience = LAG_RETRIES if self._insisted and self.history.in_doubt else 1
        for retry in range(patience + 1):
            if retry:
                await self._run.sender.back_off(retry, full_jitter=False)
            if not await self._reads_pending():
                return False
        if self._insisted:
            self.history.add_detail("the store reads pending, and refuses")
            return False
        self._insisted = True
        self._run.tally.retries += 1
        return True

    def _is_free(self, verdict: Verdict) -> bool:
        """Tell whether to ask again costs no retry: once, on a connection of its own."""
        is_others = verdict.ambiguous or verdict.out_of_step
        return is_others and self._last is not None and not self._last.unshared

    def _has_retry(self) -> bool:
        """Spend a retry; tell whether there was one left."""
        self._retries += 1
        if self._retries > self._run.policy.retries:
            return False
        self._run.tally.retries += 1
        return True

    async def _reads_pending(self) -> bool:
        """Read the job; tell whether that settles nothing, so that more can be done."""
        return await self._read() and self.history.shown() is None

    async def _read(self) -> bool:
        """Read the job; tell whether the store has shown it."""
        failures = 0
        while True:
            verdict = await self._run.sender.send(self._reading())
            if verdict.state is not None:
                return True
            if verdict.step is Step.RESEND and self._is_free(verdict):
                continue
            if verdict.step is not Step.RESEND or failures == 2 * self._run.policy.retries:
                break
            failures += 1
            self._run.tally.retries += 1
            await self._run.sender.back_off(failures)
        self.history.add_detail(f"not readable: {verdict.detail}")
        return False

    def _cancelling(self) -> Call:
        request = cancel_request(self._id)
        return self._call(request, self._judge_cancel, self._cancel_starts)

    def _reading(self) -> Call:
        return self._call(read_request(self._id), self._judge_read, self._read_starts)

    def _call(
        self, request: Request, judge: Callable[[Call], Verdict], before: Callable[[], None]
    ) -> Call:
        self._last = Call(request, judge, before, new_job=self._last is None, unshared=self._lost)
        return self._last

    def _cancel_starts(self) -> None:
        self._sent_at = time.time()
        self.history.cancel_starts(self._sent_at)

    def _read_starts(self) -> None:
        self._sent_at = time.time()
        self._run.tally.read_backs += 1

    def _judge_cancel(self, call: Call) -> Verdict:
        verdict = interpret_cancel(call.exchange, self._id)
        self.history.cancel_ended(call.exchange, verdict)
        self._watch(call, verdict)
        if self.history.fate is Fate.CANCELLED:
            state = self.history.state
            self._run.stamps.note_clean_cancel(state, self._sent_at, time.time())
        return verdict

    def _judge_read(self, call: Call) -> Verdict:
        verdict = interpret_read(call.exchange, self._id)
        self.history.read_ended(verdict)
        self._watch(call, verdict)
        return verdict

    def _watch(self, call: Call, verdict: Verdict) -> None:
        """Let the guards see how the store is, and what its time is.

        A guard stops the run from outside: what this exchange means for the job itself
        must still be noted, above all that a cancel may have been applied.
        """
        exchange = call.exchange
        self._lost = isinstance(exchange, NoReply) or verdict.ambiguous or verdict.out_of_step
        if isinstance(exchange, Reply):
            self._run.stamps.note_reply(exchange, self._sent_at, time.time())
        elif not exchange.sent:
            return  # the sender knows what to do when nothing connects
        answered = verdict.step not in (Step.DOUBT, Step.RESEND)
        guards, started_at = self._run.policy.guards, call.started_at
        try:
            guards.exchanged(answered=answered, started_at=started_at, now=call.ended_at)
        except GuardError as error:
            self._run.stop(error)
