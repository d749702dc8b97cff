"""What the store says of a report's rows."""

import re

import pytest

from bulkcancel.base.model import Outcome
from bulkcancel.epcc import NoReply
from bulkcancel.listing.verify import Verification, Verifier
from tests.listing.test_lister import FakeStore, made, refusal


def store_of(**statuses: str) -> FakeStore:
    """Return a store with these jobs, with `_` for `-` in their ids."""
    store = FakeStore([made(number, status) for number, status in enumerate(statuses.values())])
    for job, name in zip(store.jobs, statuses, strict=True):
        job.id = name.replace("_", "-")
    return store


async def verified(store: FakeStore, **claims: str) -> Verification:
    outcomes = {name.replace("_", "-"): Outcome(claim) for name, claim in claims.items()}
    return await Verifier(store, 8).verify(outcomes)


@pytest.mark.parametrize(
    ("claim", "status", "holds"),
    [
        ("cancelled", "cancelled", True),
        ("cancelled", "pending", False),
        ("cancelled", "started", False),
        ("cancelled", None, False),
        ("not_found", None, True),
        ("not_found", "pending", False),
        ("not_pending", "success", True),
        ("not_pending", "cancelled", True),
        ("not_pending", None, True),
        ("not_pending", "pending", False),
    ],
)
async def test_a_row_is_held_against_the_store(
    claim: str, status: str | None, *, holds: bool
) -> None:
    """Cancelled and not found as the store says now; not pending is anything but that."""
    store = store_of(other="pending", **({} if status is None else {"job": status}))
    result = await verified(store, job=claim)
    assert (result.checked, result.agreed) == (1, int(holds))
    says = f"it is {status}" if status else "there is no such job"
    difference = f"job is {claim} in the report, but the store says {says}"
    assert result.complaints == ([] if holds else [difference])
    assert str(result).startswith(f"verified {int(holds)} of 1 against the store's list at ")


@pytest.mark.parametrize("reads", [1, 3])
async def test_a_list_and_reads_that_lag_are_waited_for(reads: int) -> None:
    """A job that differs in the list is read by itself, more than once; the others are not."""
    store = store_of(a="cancelled", b="pending")

    def catch_up(_: FakeStore) -> None:
        if len(store.reads) == reads:
            store.jobs[1].status = "cancelled"

    store.before_each = catch_up
    claims = dict.fromkeys("ab", Outcome.CANCELLED)
    assert not (await Verifier(store, 8, (0.001,) * 4).verify(claims)).complaints
    assert store.reads == ["b"] * reads


async def test_ids_are_compared_as_the_store_knows_them() -> None:
    """UUIDs are the same in capitals."""
    uuid = "0b86bd65-9a4c-4c3b-9a5e-3a1b7a3c9d10"
    store = store_of(**{uuid.upper(): "cancelled"})
    result = await Verifier(store, 8).verify({uuid: Outcome.CANCELLED})
    assert (result.complaints, store.reads) == ([], [])


async def test_few_rows_of_a_long_list_are_read_singly() -> None:
    """What takes fewer requests is done."""
    store = store_of(**{f"job_{i}": "cancelled" for i in range(300)})
    result = await verified(store, job_1="cancelled", job_2="cancelled")
    assert (result.complaints, sorted(store.reads)) == ([], ["job-1", "job-2"])
    assert len(store.asked) == 1


async def test_only_settled_rows_are_held_against_the_store() -> None:
    """What a report does not claim can't differ; without a claim nothing is asked."""
    store = store_of(a="pending")
    result = await Verifier(store, 8).verify({"a": Outcome.FAILED, "b": Outcome.INVALID})
    assert (result.checked, result.complaints, store.asked) == (0, [], [])


async def test_a_job_that_can_t_be_read_is_not_proven() -> None:
    """Neither the list nor a read has confirmed it."""
    store = store_of(a="pending")
    store.disturb = lambda exchange: NoReply("lost", sent=True) if store.reads else exchange
    result = await verified(store, a="cancelled")
    assert result.complaints == ["a is cancelled in the report, and could not be read"]


@pytest.mark.parametrize(("status", "why"), [(503, "list of jobs can't be read"), (422, "refuses")])
async def test_a_list_that_can_t_be_had_proves_nothing(status: int, why: str) -> None:
    """No row is confirmed, and why is said."""
    store = store_of(a="cancelled")
    store.disturb = lambda _: refusal("down", status)
    result = await verified(store, a="cancelled")
    assert (result.agreed, result.complaints) == (0, [str(result)])
    assert re.match(f"not verified: the store.* {why}.*: {status} .*: down", str(result))
