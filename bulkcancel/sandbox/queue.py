"""The store's jobs: which there are, which one runs, what others do to them; knows no HTTP."""

import random
import re
import time
import uuid
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

MISSING = "missing"
_ID = re.compile(r"[A-Za-z0-9_-]+")  # anything else can't stand in a path
_TYPES = ("product-import", "product-export", "price-import", "child-products")
_HEAD_START = 10.0  # jobs by which somebody else is ahead, cancelling in the same order
_BEFORE = 60.0  # seconds before the start at which somebody else cancelled, at the latest


@dataclass(slots=True)
class Job:
    """A job as the store keeps it; times are ISO 8601, the first two None until they come."""

    id: str
    type: str
    status: str
    created_at: str
    updated_at: str
    started_at: str | None = None
    completed_at: str | None = None
    request_id: str = field(default_factory=lambda: str(uuid.uuid4()))

    def resource(self) -> dict[str, Any]:
        """Return the job as the API shows it."""
        return {
            "id": self.id,
            "type": "pim-job",
            "attributes": {
                "started_at": self.started_at,
                "completed_at": self.completed_at,
                "created_at": self.created_at,
                "updated_at": self.updated_at,
                "type": self.type,
                "status": self.status,
            },
            "meta": {"x_request_id": self.request_id},
        }

    def errors(self) -> list[dict[str, Any]]:
        """Return what the job complained about as the API shows it: only failed jobs did."""
        message = "data.attributes.sku: Must be unique amongst products."
        error = {"type": "pim-job-error", "id": self.id, "attributes": {"message": message}}
        return [error] if self.status == "failed" else []


@dataclass(frozen=True, slots=True)
class Rules:
    """How the practice store behaves.

    `rate_limit`: requests in any second (0: no limit); `latency`: seconds before a
    request is looked at; `start_every`: seconds between the starts of jobs (0: never);
    `not_pending_code`: the answer to a cancel that comes too late; `token_ttl`: seconds;
    `filters`: whether lists can be filtered; `max_offset`: the highest offset in records
    (None: any); `moves_updated_at`: whether a cancel does; `clock_skew`: seconds by which
    the store's clock is ahead; `foreign_cancels`: the share of jobs that somebody else
    cancels, half of them before the start; `arrivals`: jobs a second that somebody adds;
    `store_id`: what the store is told from others by.
    """

    rate_limit: int = 0
    latency: float = 0.0
    start_every: float = 30.0
    not_pending_code: int = 422
    token_ttl: int = 3600
    filters: bool = True
    max_offset: int | None = None
    moves_updated_at: bool = True
    clock_skew: float = 0.0
    foreign_cancels: float = 0.0
    arrivals: float = 0.0
    store_id: str = "00000000-0000-4000-8000-000000000000"


class Queue:
    """The jobs of a store: one runs at a time, the oldest pending one is next."""

    def __init__(self, jobs: Iterable[Job], rules: Rules) -> None:
        self.jobs: dict[str, Job] = {}
        self._rules = rules
        self._running: deque[Job] = deque()
        self._waiting: deque[Job] = deque()
        self._chance = random.Random("practice")  # noqa: S311  (the same in each run)
        self._to_be_cancelled: deque[Job] = deque()  # by somebody else
        self._cancels_due = _HEAD_START
        self._next_start = time.monotonic() + rules.start_every
        self._next_arrival = time.monotonic()
        self.add(sorted(jobs, key=lambda job: instant(job.created_at)))

    def now(self) -> float:
        """Return the epoch time by the store's own clock."""
        return time.time() + self._rules.clock_skew

    def add(self, jobs: Iterable[Job]) -> None:
        """Add jobs that the store does not know yet, behind those that wait."""
        for job in jobs:
            if self.jobs.setdefault(key_of(job.id), job) is not job:
                continue
            if job.status == "started":
                self._running.append(job)
            elif job.status == "pending":
                self._waiting.append(job)
                self._let_others_cancel(job)

    def _let_others_cancel(self, job: Job) -> None:
        chance, share = self._chance.random(), self._rules.foreign_cancels
        if chance < share / 2:
            self._to_be_cancelled.append(job)
        elif chance < share:
            self._cancelled(job, max(instant(job.created_at), self.now() - _BEFORE))

    def advance(self) -> None:
        """Let the time that has passed bring, start and end the jobs that are due."""
        rules, now = self._rules, time.monotonic()
        while rules.arrivals and self._next_arrival <= now:
            self._next_arrival += 1 / rules.arrivals
            stamp = iso(self.now())
            kind = _TYPES[len(self.jobs) % len(_TYPES)]
            self.add([Job(str(uuid.uuid4()), kind, "pending", stamp, stamp)])
        while rules.start_every and self._next_start <= now:
            self._next_start += rules.start_every
            self._start_next()

    def _start_next(self) -> None:
        now = iso(self.now())
        if self._running:
            job = self._running.popleft()
            job.status, job.completed_at, job.updated_at = "success", now, now
        if self._running:  # seeded so: they end one after the other
            return
        while self._waiting:
            job = self._waiting.popleft()
            if job.status == "pending":
                job.status, job.started_at, job.updated_at = "started", now, now
                self._running.append(job)
                return

    def cancel(self, job: Job) -> bool:
        """Cancel a pending job; tell whether it was one."""
        if job.status != "pending":
            return False
        self._cancelled(job, self.now())
        self._cancels_due += self._rules.foreign_cancels  # twice as fast as we meet them
        while self._cancels_due >= 1 and self._to_be_cancelled:
            self._cancels_due -= 1
            other = self._to_be_cancelled.popleft()
            if other.status == "pending":
                self._cancelled(other, self.now())
        return True

    def _cancelled(self, job: Job, moment: float) -> None:
        job.status = "cancelled"
        if self._rules.moves_updated_at:
            job.updated_at = iso(moment)


def seeds_of(rows: Iterable[Mapping[str, str]], first: int = 0) -> list[Job]:
    """Return the jobs of rows with `jobid` and, where given, `status`, `type`, `createdat`.

    A row whose status is `missing` is a job that does not exist; without a status a
    job is pending. The oldest is first where rows give no time; `first` is the number of
    the first row among all.
    """
    midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    jobs: dict[str, Job] = {}
    for number, row in enumerate(rows, first):
        status = row.get("status", "").lower() or "pending"
        key = key_of(row["jobid"])
        if status == MISSING or not _ID.fullmatch(key) or key in jobs:
            continue
        made_up = (midnight + timedelta(milliseconds=number)).timestamp()
        created = row.get("createdat") or iso(made_up)
        jobs[key] = Job(
            row["jobid"],
            row.get("type") or _TYPES[number % len(_TYPES)],
            status,
            created,
            created,
            started_at=created if status in {"started", "success", "failed"} else None,
            completed_at=created if status in {"success", "failed"} else None,
        )
    return list(jobs.values())


def key_of(job_id: str) -> str:
    """Return what the store knows a job by: UUIDs are the same in capitals."""
    return job_id.lower() if len(job_id) == 36 and job_id.count("-") == 4 else job_id


@lru_cache(maxsize=65536)
def instant(stamp: str) -> float:
    """Return an ISO 8601 time as epoch seconds, UTC where it has no zone.

    One that can't be read counts as now: the first time that it is asked for.
    """
    try:
        moment = datetime.fromisoformat(stamp)
    except ValueError:
        return time.time()
    return moment.replace(tzinfo=moment.tzinfo or UTC).timestamp()


def iso(epoch: float) -> str:
    """Return a time as the API writes it."""
    moment = datetime.fromtimestamp(epoch, UTC).replace(tzinfo=None)
    return f"{moment.isoformat(timespec='milliseconds')}Z"
