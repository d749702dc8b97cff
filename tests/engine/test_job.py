"""One job: each row of the contract's decision table, and what lies between them."""

import asyncio
from collections.abc import Callable
from dataclasses import replace

import pytest

from bulkcancel.base.errors import GuardError, Interruption, StoreError
from bulkcancel.base.model import Earlier, Evidence, JobResult, Outcome
from bulkcancel.epcc import Exchange, NoReply, Reply
from bulkcancel.epcc.rate_limit import loop_time
from tests.support.fakes import KEY, LOST, UNSENT, Bench, ScriptedStore, error, job, page, row

pytestmark = pytest.mark.virtual_time

CANCELLED, FAILED, UNKNOWN = Outcome.CANCELLED, Outcome.FAILED, Outcome.UNKNOWN
NOT_PENDING, NOT_FOUND = Outcome.NOT_PENDING, Outcome.NOT_FOUND
RESPONSE, READBACK, NONE = Evidence.RESPONSE, Evidence.READBACK, Evidence.NONE
DONE, PENDING, STARTED = job("cancelled"), job("pending"), job("started")
REFUSED, FORBIDDEN, GONE = error(422), error(403), error(404)


async def live(store: ScriptedStore, retries: int = 4) -> JobResult:
    tokens = any(
        isinstance(each, Reply) and each.status == 401 for each in [*store.cancels, *store.reads]
    )
    (result,) = await Bench(store, retries, credentials=KEY if tokens else None).run([row()])
    assert not store.cancels
    assert not store.reads
    return result


TABLE: dict[str, tuple[list[Exchange], list[Exchange], str, Outcome, Evidence, str]] = {
    # what the cancels and reads answer, the calls made, outcome, evidence, job_status
    "cancelled": ([DONE], [], "c", CANCELLED, RESPONSE, "cancelled"),
    "cancelled in capitals": ([job("CANCELLED")], [], "c", CANCELLED, RESPONSE, "cancelled"),
    "200, another id": (
        [job("cancelled", "other")], [DONE], "cr", CANCELLED, READBACK, "cancelled",
    ),
    "200, another status": ([STARTED], [STARTED], "cr", NOT_PENDING, READBACK, "started"),
    "200, a captive portal": (
        [page(200), DONE], [PENDING], "crc", CANCELLED, RESPONSE, "cancelled",
    ),
    "404": ([GONE], [], "c", NOT_FOUND, RESPONSE, ""),
    "404, a proxy's page": ([page(404)], [], "c", FAILED, RESPONSE, ""),
    "400, a proxy's page": ([page(400)], [], "c", FAILED, RESPONSE, ""),
    "405": ([error(405)], [], "c", FAILED, RESPONSE, ""),
    "400, started": ([error(400)], [STARTED], "cr", NOT_PENDING, READBACK, "started"),
    "409, success": ([error(409)], [job("success")], "cr", NOT_PENDING, READBACK, "success"),
    "422, failed": ([REFUSED], [job("failed")], "cr", NOT_PENDING, READBACK, "failed"),
    "422, cancelled by another": ([REFUSED], [DONE], "cr", NOT_PENDING, READBACK, "cancelled"),
    "422, a status nobody knows": (
        [REFUSED], [job("paused")], "cr", NOT_PENDING, READBACK, "paused",
    ),
    "422, gone": ([REFUSED], [GONE], "cr", NOT_FOUND, READBACK, ""),
    "422, pending, then started": (
        [REFUSED], [PENDING, STARTED], "crr", NOT_PENDING, READBACK, "started",
    ),
    "422, pending, insisted": (
        [REFUSED, DONE], [PENDING] * 2, "crrc", CANCELLED, RESPONSE, "cancelled",
    ),
    "422, pending to the end": (
        [REFUSED] * 2, [PENDING] * 4, "crrcrr", FAILED, READBACK, "pending",
    ),
    "422, not readable": ([REFUSED], [FORBIDDEN], "cr", NOT_PENDING, RESPONSE, ""),
    "422, pending, then not readable": (
        [REFUSED], [PENDING, FORBIDDEN], "crr", FAILED, READBACK, "pending",
    ),
    "422, our own lost cancel": (
        [LOST, REFUSED], [PENDING, DONE], "crcr", CANCELLED, READBACK, "cancelled",
    ),
    "422 after a lost cancel, not readable": (
        [LOST, REFUSED], [PENDING, FORBIDDEN], "crcr", UNKNOWN, NONE, "pending",
    ),
    "422 after a lost cancel, pending to the end": (
        [LOST, REFUSED, REFUSED], [PENDING] * 10, "crcrrc" + "r" * 7, UNKNOWN, NONE, "pending",
    ),
    "403": ([FORBIDDEN], [], "c", FAILED, RESPONSE, ""),
    "403 after a lost cancel": (
        [LOST, FORBIDDEN], [PENDING, DONE], "crcr", CANCELLED, READBACK, "cancelled",
    ),
    "403 after a lost cancel, still pending": (
        [LOST, FORBIDDEN], [PENDING, PENDING], "crcr", UNKNOWN, NONE, "pending",
    ),
    "401, then accepted": ([error(401), DONE], [], "cc", CANCELLED, RESPONSE, "cancelled"),
    "429, then cancelled": ([error(429), DONE], [], "cc", CANCELLED, RESPONSE, "cancelled"),
    "429 to the end": ([error(429)] * 20, [], "c" * 20, FAILED, RESPONSE, ""),
    "no connection, then cancelled": ([UNSENT, DONE], [], "cc", CANCELLED, RESPONSE, "cancelled"),
    "no connection to the end": ([UNSENT] * 5, [], "ccccc", FAILED, NONE, ""),
    "lost, was applied": ([LOST], [DONE], "cr", CANCELLED, READBACK, "cancelled"),
    "lost, not applied": ([LOST, DONE], [PENDING], "crc", CANCELLED, RESPONSE, "cancelled"),
    "lost, started": ([LOST], [STARTED], "cr", NOT_PENDING, READBACK, "started"),
    "lost, gone": ([LOST], [GONE], "cr", NOT_FOUND, READBACK, ""),
    "lost, not readable": ([LOST], [FORBIDDEN], "cr", UNKNOWN, NONE, ""),
    "lost, reads lost too": (
        [LOST], [LOST, page(200), DONE], "crrr", CANCELLED, READBACK, "cancelled",
    ),
    "lost, reads lost to the end": ([LOST], [LOST] * 9, "c" + "r" * 9, UNKNOWN, NONE, ""),
    "lost, reads refused with 429 to the end": (
        [LOST], [error(429)] * 20, "c" + "r" * 20, UNKNOWN, NONE, "",
    ),
    "lost, a status nobody knows": (
        [LOST, REFUSED], [job("cancelling"), DONE], "crcr", CANCELLED, READBACK, "cancelled",
    ),
    "lost to the end": ([LOST] * 5, [PENDING] * 5, "cr" * 5, UNKNOWN, NONE, "pending"),
    "500, was applied": ([error(500)], [DONE], "cr", CANCELLED, READBACK, "cancelled"),
    "502, 503, 504, then cancelled": (
        [page(502), page(503), page(504), DONE], [PENDING] * 3, "crcrcrc",
        CANCELLED, RESPONSE, "cancelled",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", TABLE)
async def test_the_decision_table(case: str) -> None:
    """A reply, and the reads that it asks for, lead to the outcome that the contract gives."""
    cancels, reads, calls, outcome, evidence, status = TABLE[case]
    store = ScriptedStore(cancels, reads)
    result = await live(store)
    assert (result.outcome, result.evidence, result.state.status) == (outcome, evidence, status)
    assert store.verbs == calls
    unsent = sum(reply is UNSENT for reply in cancels)
    assert result.attempts == store.verbs.count("c") - unsent
    assert (result.sent_at is None) == (result.attempts == 0)


async def test_retries_0_means_one_cancel_and_one_read() -> None:
    """Without retries a lost cancel is read back once, and never sent again."""
    store = ScriptedStore([LOST], [PENDING])
    assert (await live(store, retries=0)).outcome is UNKNOWN
    assert store.verbs == "cr"


async def test_counts() -> None:
    """The tally counts resent cancels, reads and 429s, each as what it is."""
    store = ScriptedStore([error(429), LOST, DONE], [LOST, PENDING])
    bench = Bench(store)
    await bench.run([row()])
    tally = bench.tally
    assert (tally.retries, tally.read_backs, tally.throttled) == (2, 2, 1)
    assert tally.requests == 5


async def test_what_a_result_says() -> None:
    """A result names the last reply, the number of cancels, the reason and the request id."""
    result = await live(ScriptedStore([LOST, REFUSED], [PENDING, STARTED]))
    assert result.http_status == 422
    assert result.attempts == 2
    assert result.detail == "422 Title: why"
    assert result.state.type == "product-import"
    assert result.sent_at is not None
    assert result.sent_at <= result.finished_at


async def test_a_lost_reply_costs_the_connection_its_trust() -> None:
    """After a lost reply the job's next request has a connection of its own."""
    store = ScriptedStore([LOST, DONE], [LOST, PENDING])
    await live(store)
    assert (store.verbs, store.unshared) == ("crrc", [False, True, True, False])


async def test_request_id_of_a_clean_cancel() -> None:
    """The id that the vendor's support asks for is taken from the reply."""
    assert (await live(ScriptedStore([DONE]))).request_id == "req-1"


async def test_retry_after_is_waited_out() -> None:
    """After a 429 nothing is sent before the time that Retry-After asks for has passed."""
    store = ScriptedStore([error(429, retry_after="7"), DONE])
    await live(store)
    assert store.times[1] - store.times[0] >= 7


async def test_a_token_that_is_never_accepted_stops_the_run() -> None:
    """A token that the store refuses for seconds ends the run, and no job was attempted."""
    store = ScriptedStore([error(401)] * 9)
    bench = Bench(store, credentials=KEY)
    with pytest.raises(StoreError, match="token"):
        await bench.run([row(), row("job-2", 2)])
    assert [r.outcome for r in bench.results] == [Outcome.NOT_ATTEMPTED] * 2
    assert (store.verbs, store.times[-1] >= 7) == ("cccc", True)


@pytest.mark.parametrize(
    ("cancels", "reads", "outcome", "evidence"),
    [
        ([page(302)], [], FAILED, RESPONSE),
        ([LOST], [page(307)], UNKNOWN, NONE),
        ([REFUSED], [page(307)], FAILED, RESPONSE),
    ],
    ids=["a cancel", "a read-back", "a read after a refusal"],
)
async def test_a_redirect_stops_the_run(
    cancels: list[Exchange], reads: list[Exchange], outcome: Outcome, evidence: Evidence
) -> None:
    """A 3xx is never followed: it ends the run, and each job is what is known of it by then."""
    bench = Bench(ScriptedStore(cancels, reads))
    with pytest.raises(StoreError, match=r"30[27]"):
        await bench.run([row(), row("job-2", 2)])
    first, second = bench.results
    assert (first.outcome, first.evidence) == (outcome, evidence)
    assert second.outcome is Outcome.NOT_ATTEMPTED


async def test_a_refused_job_that_reads_pending_when_the_run_stops() -> None:
    """A job that was just read as pending is never reported as not pending."""
    store = ScriptedStore([REFUSED], [PENDING])
    bench = Bench(store)
    loop = asyncio.get_running_loop()
    loop.call_later(0.5, bench.engine.stop, Interruption("stopped", 130))
    with pytest.raises(Interruption):
        await bench.run([row()])
    (result,) = bench.results
    assert (result.outcome, result.state.status) == (FAILED, "pending")


async def test_a_bug_costs_no_row() -> None:
    """Whatever goes wrong in one life, that job is unknown and every other has its row."""
    bench = Bench(ScriptedStore([]))  # an empty script: IndexError
    with pytest.raises(GuardError, match="bulkcancel itself failed: IndexError"):
        await bench.run([row(), row("job-2", 2)])
    assert [r.outcome for r in bench.results] == [UNKNOWN, Outcome.NOT_ATTEMPTED]


async def test_details_say_why() -> None:
    """A failed job's detail is the last thing that went wrong, in words."""
    assert (await live(ScriptedStore([UNSENT] * 5))).detail == "no connection"
    assert (
        await live(ScriptedStore([error(429)] * 20))
    ).detail == "429 Title: why; 20 times in a row"
    unreadable = ScriptedStore([LOST], [NoReply("cut off", sent=True)] * 9)
    assert (await live(unreadable)).detail == "no reply within 30 s; not readable: cut off"


UNKNOWN_BEFORE = row(earlier=Earlier(UNKNOWN))
EARLIER: dict[str, tuple[list[Exchange], list[Exchange], str, Outcome, Evidence, str]] = {
    # what the cancels and reads answer, the calls made, outcome, evidence, job_status
    "was applied": ([], [DONE], "r", CANCELLED, READBACK, "cancelled"),
    "started": ([], [STARTED], "r", NOT_PENDING, READBACK, "started"),
    "gone": ([], [GONE], "r", NOT_FOUND, READBACK, ""),
    "still pending": ([DONE], [PENDING], "rc", CANCELLED, RESPONSE, "cancelled"),
    "on its way": ([REFUSED], [PENDING, DONE], "rcr", CANCELLED, READBACK, "cancelled"),
    "not readable": ([], [FORBIDDEN], "r", UNKNOWN, NONE, ""),
    "reads lost to the end": ([], [LOST] * 9, "r" * 9, UNKNOWN, NONE, ""),
}  # fmt: skip


@pytest.mark.parametrize("case", EARLIER)
async def test_what_an_earlier_run_left_in_doubt(case: str) -> None:
    """A job that is unknown is read before anything is sent; its cancel may have been ours."""
    cancels, reads, calls, outcome, evidence, status = EARLIER[case]
    store = ScriptedStore(cancels, reads)
    (result,) = await Bench(store).run([UNKNOWN_BEFORE])
    assert (result.outcome, result.evidence, result.state.status) == (outcome, evidence, status)
    assert (store.verbs, result.attempts) == (calls, calls.count("c"))
    assert result.detail.startswith("an earlier run sent a cancel") or "c" in calls


@pytest.mark.parametrize("outcome", [FAILED, Outcome.NOT_ATTEMPTED])
async def test_what_an_earlier_run_did_not_cancel(outcome: Outcome) -> None:
    """A job that is known not to be cancelled is sent as if for the first time."""
    store = ScriptedStore([REFUSED], [DONE])
    (result,) = await Bench(store).run([row(earlier=Earlier(outcome))])
    assert (store.verbs, result.outcome) == ("cr", NOT_PENDING)


async def test_a_doubt_that_the_run_has_no_time_for() -> None:
    """A job in doubt that waits for its read when the run stops is still in doubt."""
    bench = Bench(ScriptedStore([], []))
    loop = asyncio.get_running_loop()
    loop.call_soon(loop.call_soon, bench.engine.stop, Interruption("stopped", 130))
    bench.pacer.throttled(5, loop_time())
    with pytest.raises(Interruption):
        await bench.run([UNKNOWN_BEFORE])
    assert [(r.outcome, r.attempts) for r in bench.results] == [(UNKNOWN, 0)]
    assert bench.store.calls == []


@pytest.mark.parametrize(
    ("reads", "outcome"),
    [
        ([PENDING], Outcome.WOULD_CANCEL),
        ([STARTED], NOT_PENDING),
        ([DONE], NOT_PENDING),
        ([GONE], NOT_FOUND),
        ([FORBIDDEN], FAILED),
        ([error(500)] * 3, FAILED),
    ],
    ids=["pending", "started", "cancelled", "gone", "forbidden", "broken"],
)
async def test_a_look(reads: list[Exchange], outcome: Outcome) -> None:
    """With --check a job is only read; one that can't be read is failed, never unknown."""
    store = ScriptedStore(reads=reads)
    results = await Bench(store, retries=1, only_look=True).run([row()])
    assert store.verbs == "r" * len(reads)
    assert [(each.outcome, each.attempts) for each in results] == [(outcome, 0)]


async def stopped_soon(
    store: ScriptedStore, after: int = 1, also: Callable[[Bench], object] = lambda _: None
) -> JobResult:
    """Return the result of a run that is stopped 1 ms after so many calls, before the next one."""
    bench = Bench(store)

    def stop() -> None:
        bench.engine.stop(Interruption("stopped by SIGINT", 130))
        also(bench)

    def called() -> None:
        if len(store.calls) == after:
            asyncio.get_running_loop().call_later(0.001, stop)

    store.on_call = called
    with pytest.raises(Interruption):
        await bench.run([row()])
    (result,) = bench.results
    return result


LAST_LOOK: dict[str, tuple[Exchange, Outcome, Evidence, str]] = {
    # what the read answers, outcome, evidence, job_status
    "started": (STARTED, NOT_PENDING, READBACK, "started"),
    "cancelled by another": (DONE, NOT_PENDING, READBACK, "cancelled"),
    "a status nobody knows": (job("paused"), NOT_PENDING, READBACK, "paused"),
    "gone": (GONE, NOT_FOUND, READBACK, ""),
    "pending": (PENDING, FAILED, READBACK, "pending"),
    "not readable": (FORBIDDEN, NOT_PENDING, RESPONSE, ""),
    "too many": (error(429), NOT_PENDING, RESPONSE, ""),
    "lost": (LOST, NOT_PENDING, RESPONSE, ""),
}


@pytest.mark.parametrize("case", LAST_LOOK)
async def test_a_last_look_at_a_refused_job(case: str) -> None:
    """A job whose cancel was refused when the run stops is read once more, and only once."""
    reply, outcome, evidence, status = LAST_LOOK[case]
    store = ScriptedStore([REFUSED], [reply])
    result = await stopped_soon(store)
    assert (result.outcome, result.evidence, result.state.status) == (outcome, evidence, status)
    assert (store.verbs, result.attempts, result.http_status) == ("cr", 1, 422)


async def test_a_last_look_after_a_read_that_was_lost() -> None:
    """A refused job that has not been read yet for all its tries is read once more as well."""
    store = ScriptedStore([REFUSED], [LOST, STARTED])
    result = await stopped_soon(store, after=2)
    assert (result.outcome, result.evidence, store.verbs) == (NOT_PENDING, READBACK, "crr")


def pause(bench: Bench) -> None:
    bench.pacer.throttled(30, loop_time())


def pause_soon(bench: Bench) -> None:
    asyncio.get_running_loop().call_later(0.001, pause, bench)


def end_token(bench: Bench) -> None:
    bench.sender.auth._ends_at = 0.0


@pytest.mark.parametrize("hinder", [pause, pause_soon, end_token])
async def test_no_last_look_that_would_have_to_wait(hinder: Callable[[Bench], object]) -> None:
    """A run that ends waits for no pause and renews no token: the refusal must do as evidence."""
    store = ScriptedStore([REFUSED])
    result = await stopped_soon(store, also=hinder)
    assert (result.outcome, result.evidence, store.verbs) == (NOT_PENDING, RESPONSE, "c")


@pytest.mark.parametrize("seconds", [0.001, 0.015], ids=["before its turn", "under way"])
async def test_a_last_look_that_is_broken_off(seconds: float) -> None:
    """A second signal does not wait for a last look: what became of the job is unknown."""

    class Slow(ScriptedStore):
        async def answer(self, verb: str) -> Exchange:
            await asyncio.sleep(60 * (verb == "read"))
            return await super().answer(verb)

    def break_off(bench: Bench) -> None:
        asyncio.get_running_loop().call_later(seconds, bench.engine.break_off)

    result = await stopped_soon(Slow([REFUSED]), also=break_off)
    assert (result.outcome, result.evidence, result.attempts) == (UNKNOWN, NONE, 1)


async def test_no_last_look_at_what_may_be_ours() -> None:
    """A refusal that may be due to a lost cancel of our own settles nothing, and stays unknown."""
    store = ScriptedStore([LOST, REFUSED], [PENDING])
    assert ((await stopped_soon(store, after=3)).outcome, store.verbs) == (UNKNOWN, "crc")


@pytest.mark.parametrize(
    ("status", "read", "outcome"),
    [(404, error(404), NOT_FOUND), (403, PENDING, FAILED), (403, job("success"), NOT_PENDING)],
)
async def test_last_look_after_a_reply_that_may_be_late(
    status: int, read: Reply, outcome: Outcome
) -> None:
    """A run that ends still asks, on a new connection, what such a reply has left open."""
    store = ScriptedStore([replace(error(status), may_be_late=True), LOST], [read])
    assert (await stopped_soon(store)).outcome is outcome
    assert store.unshared[-1]


@pytest.mark.parametrize("verbs", ["cc", "crr"])
async def test_replies_that_are_never_sure_are_given_up(verbs: str) -> None:
    """A server whose every reply comes with another one is asked once more, not for ever."""
    late = [replace(error(403), may_be_late=True)] * 2
    store = ScriptedStore(late) if verbs == "cc" else ScriptedStore([REFUSED], late)
    await live(store, 0)
    assert store.verbs == verbs


async def test_a_read_that_gets_another_jobs_reply_costs_no_retry() -> None:
    """It is made again on a connection of its own, and tells why the job was refused."""
    store = ScriptedStore([REFUSED], [job("pending", "job-2"), STARTED])
    result = await live(store, retries=0)
    assert (result.outcome, result.evidence) == (NOT_PENDING, READBACK)
    assert store.unshared == [False, False, True]


async def test_a_refusal_that_an_earlier_cancel_may_explain_is_unknown_without_a_read() -> None:
    """The first reply may have been another request's: then our own cancel may be the reason."""
    late = replace(error(403), may_be_late=True)
    store = ScriptedStore([late, REFUSED], [FORBIDDEN])
    result = await live(store, retries=0)
    assert (result.outcome, result.evidence, store.verbs) == (UNKNOWN, NONE, "ccr")
