"""Whose cancel it was, as far as a job's stamp tells."""

import asyncio
import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from email.utils import format_datetime

import pytest

from bulkcancel.base.errors import Interruption
from bulkcancel.base.model import Earlier, JobResult, JobState, Outcome
from bulkcancel.engine.attribution import (
    MAYBE_KILLED,
    OPEN,
    OPEN_EARLIER,
    Attribution,
    Known,
    Offset,
    Stamps,
    whose_cancel,
    whose_earlier_cancel,
)
from bulkcancel.engine.history import EVIDENCE_WAIT, LATE_REPLY
from bulkcancel.epcc import Exchange, Reply
from tests.support.fakes import LOST, Bench, ScriptedStore, error, job, row

pytestmark = pytest.mark.virtual_time

SENT = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)  # our first cancel, by our clock
NOW = SENT.timestamp() + 60
EAST = timezone(timedelta(hours=5, minutes=30))
CANCELLED, NOT_PENDING = Outcome.CANCELLED, Outcome.NOT_PENDING
DOUBT = Attribution(CANCELLED, OPEN, doubtful=True)


def at(seconds: float, zone: timezone = UTC, hours: float = 0.0) -> str:
    """Return a stamp so long after our first cancel, of a clock that is ahead by `hours`."""
    moment = SENT + timedelta(seconds=seconds, hours=hours)
    return moment.astimezone(zone).isoformat().replace("+00:00", "Z")


def ours(stamp: str) -> Attribution:
    return Attribution(CANCELLED, f"cancelled at {stamp}")


def theirs(stamp: str) -> Attribution:
    return Attribution(NOT_PENDING, f"cancelled at {stamp}, before this run asked")


AHEAD, BEHIND = Offset(3 * 3600, 3 * 3600 + 0.1), Offset(-3 * 3600.0, -3 * 3600 + 0.1)
TABLE: dict[str, tuple[str, Offset, bool | None, Attribution]] = {
    # the stamp, the store's clock, whether stamps move, and what follows
    "after": (at(1), Offset(), True, ours(at(1))),
    "at the same moment": (at(0), Offset(), True, ours(at(0))),
    "within the second before, in whole seconds": (at(-1), Offset(), True, ours(at(-1))),
    "a little before": (at(-1.5), Offset(), True, DOUBT),
    "two seconds before, in whole seconds": (at(-3), Offset(), True, DOUBT),
    "clearly before": (at(-2.5), Offset(), True, theirs(at(-2.5))),
    "long before": (at(-7200), Offset(), True, theirs(at(-7200))),
    "a clock that is ahead, after": (at(1, hours=3), AHEAD, True, ours(at(1, hours=3))),
    "a clock that is ahead, before": (at(-9, hours=3), AHEAD, True, theirs(at(-9, hours=3))),
    "a clock that is behind, after": (at(1, hours=-3), BEHIND, True, ours(at(1, hours=-3))),
    "a clock that is behind, before": (at(-9, hours=-3), BEHIND, True, theirs(at(-9, hours=-3))),
    "another zone": (at(1, EAST), Offset(), True, ours(at(1, EAST))),
    "another zone, before": (at(-9, EAST), Offset(), True, theirs(at(-9, EAST))),
    "no zone": (at(1)[:-1], Offset(), True, ours(at(1)[:-1])),
    "microseconds": (at(0.000001), Offset(), True, ours(at(0.000001))),
    "nanoseconds": ("2026-03-01T12:00:00.000000001Z", Offset(), True,
                    ours("2026-03-01T12:00:00.000000001Z")),
    "in the future": (at(3600), Offset(), True, DOUBT),
    "missing": ("", Offset(), True, DOUBT),
    "no time": ("yesterday", Offset(), True, DOUBT),
    "a number": ("1772366400", Offset(), True, DOUBT),
    "the end of time": ("9999-12-31T23:59:59Z", Offset(), True, DOUBT),
    "the beginning of time": ("0001-01-01T00:00:00+14:00", Offset(), True,
                              theirs("0001-01-01T00:00:00+14:00")),
    "stamps that do not move": (at(-9), Offset(), False, DOUBT),
    "stamps not seen yet": (at(-9), Offset(), None, DOUBT),
}  # fmt: skip


@pytest.mark.parametrize("case", TABLE)
def test_whose_cancel_a_stamp_shows(case: str) -> None:
    """A stamp clearly before our first cancel is somebody else's, one at or after it ours."""
    stamp, offset, moves, whose = TABLE[case]
    known = Known(moves, offset, NOW)
    assert whose_cancel(stamp, SENT.timestamp(), known) == whose


ZEROS = at(0).replace("Z", ".000Z")  # whole seconds, written as if they were milliseconds


@pytest.mark.parametrize(
    ("stamp", "sent_after", "last_after", "whose"),
    [
        (at(-9), None, math.inf, DOUBT),
        (at(59), 0, 60, ours(at(59))),
        (at(62), 0, 60, DOUBT),
        (ZEROS, 0.5, math.inf, ours(ZEROS)),
    ],
    ids=["sent at an unknown time", "before our last", "long after our last", "a fraction of 0"],
)
def test_whose_cancel_the_times_of_ours_show(
    stamp: str, sent_after: float | None, last_after: float, whose: Attribution
) -> None:
    """Without a time of ours a stamp says nothing, and one after all of ours may be anybody's."""
    known, first = Known(moves=True, offset=Offset(), now=NOW + 3600), SENT.timestamp()
    sent_at = None if sent_after is None else first + sent_after
    assert whose_cancel(stamp, sent_at, known, first + last_after) == whose


@pytest.mark.parametrize(
    ("seconds", "moves", "whose"),
    [
        (-4, True, None),
        (-1, True, CANCELLED),
        (0.0, True, CANCELLED),
        (250.5, True, CANCELLED),
        (329, True, CANCELLED),
        (391, True, None),
        (250.5, False, MAYBE_KILLED),
        (250.5, None, CANCELLED),
        (-4, None, MAYBE_KILLED),
        (None, True, MAYBE_KILLED),
    ],
)
def test_whose_cancel_of_an_unrecorded_job(
    seconds: float | None, moves: bool | None, whose: Attribution | Outcome | None
) -> None:
    """A job without a row may be an earlier run's, unless its stamp speaks against it."""
    runs = (SENT.timestamp(), SENT.timestamp() + 300)
    stamp = "" if seconds is None else at(seconds)
    if isinstance(whose, Outcome):
        whose = Attribution(whose, f"cancelled at {stamp}, {OPEN_EARLIER}", doubtful=True)
    assert whose_earlier_cancel(stamp, runs, Known(moves, Offset(), NOW + 3600)) == whose


async def test_an_unrecorded_job_of_a_store_that_keeps_its_stamps_says_that_it_is_open() -> None:
    """Where no stamp tells, a job that a killed run may have cancelled says so, and is counted."""
    store = ScriptedStore([error(422)] * 2, [stamped("cancelled", "job-1", 900)])
    store.reads.append(stamped("cancelled", "job-2", 900))
    now = datetime.now(UTC).timestamp()
    bench = Bench(store, earlier_runs=(now - 300, now - 45))
    known = Earlier(Outcome.NOT_ATTEMPTED, untouched=True)
    results = await bench.run([row("job-1", 1), row("job-2", 2, earlier=known)])
    first, second = sorted(results, key=lambda each: each.job_id)
    assert (first.outcome, first.doubtful) == (NOT_PENDING, True)
    assert first.detail == f"422 Title: why; {MAYBE_KILLED.detail}"
    assert (second.outcome, second.doubtful) == (NOT_PENDING, False)
    assert bench.tally.doubtful == 1


def dated(seconds: float) -> Reply:
    """Return a reply whose Date is so many seconds after our first cancel."""
    return Reply(
        200, {"date": format_datetime(SENT + timedelta(seconds=seconds), usegmt=True)}, b""
    )


def test_the_clock_of_the_store_is_known_better_with_each_reply() -> None:
    """Whole seconds in Date headers, seen often, tell the offset to the time of a reply."""
    stamps, zero = Stamps(), SENT.timestamp()
    for tenth in range(20):
        sent = zero + tenth / 10
        stamps.note_reply(dated(int(tenth / 10 + 7.55)), sent, sent + 0.05)
    offset = stamps.known(NOW).offset
    assert 7.4 <= offset.least <= 7.55 <= offset.most <= 7.65


@pytest.mark.parametrize("date", ["", "soon", "Sun, 32 Nov 1994 08:49:37 GMT"])
def test_a_store_without_a_clock_has_ours(date: str) -> None:
    """A Date that is missing, or none, leaves the clocks equal."""
    stamps = Stamps()
    stamps.note_reply(Reply(200, {"date": date}, b""), NOW, NOW)
    assert stamps.known(NOW).offset == Offset()


def test_a_clock_that_is_set_is_learned_anew() -> None:
    """A Date that contradicts all earlier ones counts alone."""
    stamps, zero = Stamps(), SENT.timestamp()
    for hours in (0, 2):
        stamps.note_reply(dated(3600 * hours), zero, zero + 0.1)
    offset = stamps.known(NOW).offset
    assert (offset.least, offset.most) == pytest.approx((7199.9, 7201.0))


@pytest.mark.parametrize(
    ("seconds", "age", "moves"),
    [
        ([0], None, True),
        ([6.9], None, True),
        ([-1.9], None, True),
        ([-9], None, False),
        ([9], None, False),
        ([None], None, False),
        ([0, 0, -9, 0], None, False),
        ([0], 9, True),
        ([0], 1, None),
    ],
)
def test_whether_stamps_move(
    seconds: list[float | None], age: float | None, moves: bool | None
) -> None:
    """Stamps are evidence once a clean cancel has one of about now; one that has not ends it.

    That of a job which was created a moment ago is of about now in any case.
    """
    stamps, created_at = Stamps(), "" if age is None else at(-age)
    for each in seconds:
        stamp = "" if each is None else at(each)
        state = JobState("cancelled", created_at=created_at, updated_at=stamp)
        stamps.note_clean_cancel(state, SENT.timestamp(), SENT.timestamp() + 5)
    assert stamps.moves is moves


def stamped(status: str, job_id: str, seconds: float) -> Exchange:
    """Return a reply about a job whose stamp is so many seconds before now."""
    now = datetime.now(UTC) - timedelta(seconds=seconds)
    return job(status, job_id, updated_at=now.isoformat())


def outcomes(results: list[JobResult]) -> list[tuple[str, Outcome, bool]]:
    return [(each.job_id, each.outcome, each.doubtful) for each in results]


IN_DOUBT = [row("job-1", 1), row("job-2", 2)]


async def test_a_row_in_doubt_waits_for_the_first_clean_reply() -> None:
    """A cancel that may be ours is decided, and written, once stamps are known to be evidence."""
    store = ScriptedStore([LOST, stamped("cancelled", "job-2", 0)])
    store.reads = [stamped("cancelled", "job-1", 3600)]
    results = await Bench(store).run(IN_DOUBT)
    assert outcomes(results) == [("job-2", CANCELLED, False), ("job-1", NOT_PENDING, False)]
    assert results[1].detail.endswith("before this run asked")
    assert results[1].evidence == "readback"


async def test_a_row_in_doubt_waits_for_seconds_and_not_longer() -> None:
    """Where no clean reply comes soon, the row says that it is open whose cancel it was."""
    store = ScriptedStore([LOST, error(429, retry_after="30"), error(422)])
    store.reads = [stamped("cancelled", "job-1", 3600), stamped("started", "job-2", 1)]
    bench, waited = Bench(store), list[float]()

    def record(result: JobResult) -> None:
        waited.append(asyncio.get_running_loop().time())
        bench.results.append(result)

    bench.engine._record = record
    await bench.run(IN_DOUBT)
    assert outcomes(bench.results) == [("job-1", CANCELLED, True), ("job-2", NOT_PENDING, False)]
    assert bench.results[0].detail == f"no reply within 30 s; {OPEN}"
    assert EVIDENCE_WAIT <= waited[0] < EVIDENCE_WAIT + 3
    assert bench.tally.doubtful == 1


async def test_a_run_that_ends_leaves_no_row_in_doubt_behind() -> None:
    """A run that is stopped while a row waits to know whose cancel it was writes it."""
    store = ScriptedStore([LOST, error(429, retry_after="30")])
    store.reads = [stamped("cancelled", "job-1", 3600)]
    bench = Bench(store)

    def stop_at_the_second_cancel() -> None:
        if store.verbs == "crc":
            bench.engine.stop(Interruption("stopped by SIGINT", 130))

    store.on_call = stop_at_the_second_cancel
    with pytest.raises(Interruption):
        await bench.run(IN_DOUBT)
    assert outcomes(bench.results) == [
        ("job-2", Outcome.NOT_ATTEMPTED, False), ("job-1", CANCELLED, True),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("age", "sent_ago", "outcome", "doubtful"),
    [
        (150, 160.0, CANCELLED, False),
        (190, 160.0, NOT_PENDING, False),
        (190, None, CANCELLED, True),
        (20, 160.0, CANCELLED, True),
        (20, -160.0, CANCELLED, True),
    ],
    ids=["after", "before", "sent at an unknown time", "long after", "by another clock"],
)
async def test_whose_cancel_on_resume(
    age: float, sent_ago: float | None, outcome: Outcome, doubtful: bool
) -> None:
    """What an earlier run left unknown is held against the time at which that run asked."""
    now = datetime.now(UTC).timestamp()
    sent_at = sent_ago and now - sent_ago
    earlier = Earlier(
        Outcome.UNKNOWN, sent_at=sent_at, attempts=1, known_at=now - 140, untouched=True
    )
    store = ScriptedStore([stamped("cancelled", "job-2", 0)], [stamped("cancelled", "job-1", age)])
    results = await Bench(store).run([row("job-1", 1, earlier=earlier), row("job-2", 2)])
    assert outcomes(results)[1] == ("job-1", outcome, doubtful)


@pytest.mark.parametrize(
    ("age", "earlier", "outcome"),
    [
        (50, None, CANCELLED),
        (900, None, NOT_PENDING),
        (50, Earlier(Outcome.NOT_ATTEMPTED), CANCELLED),
        (50, 40, NOT_PENDING),
        (50, 100, CANCELLED),
    ],
    ids=["while it ran", "before", "a row of a later run", "a row after it", "a row before it"],
)
async def test_whose_cancel_of_a_job_without_a_row(
    age: float, earlier: Earlier | int | None, outcome: Outcome
) -> None:
    """A job that a killed run had in flight is that run's, if it was cancelled while it ran."""
    now = datetime.now(UTC).timestamp()
    if isinstance(earlier, int):  # seconds since its row was written
        earlier = Earlier(Outcome.FAILED, known_at=now - earlier)
    store = ScriptedStore(
        [error(422), stamped("cancelled", "job-2", 0)], [stamped("cancelled", "job-1", age)]
    )
    bench = Bench(store, earlier_runs=(now - 300, now - 45))
    results = await bench.run([row("job-1", 1, earlier=earlier), row("job-2", 2)])
    assert {each.job_id: each.outcome for each in results}["job-1"] is outcome


async def test_a_refusal_that_may_be_late_waits_for_another_reply() -> None:
    """Where stamps are no evidence, our own reply may still come on the connection of a refusal."""
    refused = replace(error(422), may_be_late=True)
    store = ScriptedStore([refused, stamped("cancelled", "job-2", 3600)])
    store.reads = [stamped("cancelled", "job-1", 3600)]
    results = await Bench(store, 0).run(IN_DOUBT)
    assert outcomes(results) == [("job-2", CANCELLED, False), ("job-1", NOT_PENDING, False)]
    assert LATE_REPLY <= asyncio.get_running_loop().time() < LATE_REPLY + 1
    sent = zip(store.calls, store.unshared, strict=True)
    own = [call.split()[1] for call, unshared in sent if unshared]
    assert own == ["job-1"]
