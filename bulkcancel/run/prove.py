"""`--check --verify`: hold reports of earlier runs against what the store says now."""

import asyncio
from collections import Counter
from dataclasses import replace

from bulkcancel.base.model import Earlier
from bulkcancel.base.tally import Tally
from bulkcancel.base.times import Clock
from bulkcancel.console import Watch
from bulkcancel.engine import concurrency_for
from bulkcancel.epcc import connect
from bulkcancel.inputs import Source
from bulkcancel.listing import Verifier, store_name
from bulkcancel.report import Past, open_recorder, read_report, require_same_store
from bulkcancel.run.conclude import conclude
from bulkcancel.run.facts import Facts
from bulkcancel.run.prepare import Prepared
from bulkcancel.run.store import Store


def prove(ready: Prepared) -> int:
    """Say whether the store confirms the reports that are the input; return the exit code.

    Raises `BulkcancelError` where they can't be read, or the store can't be asked.
    """
    reports = [read_report(file) for file in ready.settings.jobs.files]
    ready.input.sources += [Source(past.name, hash=past.digest) for past in reports]
    return asyncio.run(_prove(ready, reports))


async def _prove(ready: Prepared, reports: list[Past]) -> int:
    settings, clock, tally, jobs = ready.settings, Clock(), Tally(), dict[str, Earlier]()
    async with connect(ready.access, settings.pace, tally, ready.output.request) as sender:
        store = Store(ready.access.base_url, await store_name(sender))
        for past in reports:
            if not settings.report.allow_other_store:
                require_same_store(past, store.in_report)
            jobs |= past.jobs
        verifier = Verifier(sender, concurrency_for(settings.pace))
        verified = await verifier.verify({job_id: each.outcome for job_id, each in jobs.items()})
    tally.adopt(jobs.values())
    recorder = open_recorder(ready.before, 0)
    recorder.close()
    watch = Watch(str(store), tally, Counter(), ready.output)
    facts = Facts(ready, store, tally, clock, recorder, watch, sender.pacer.effective())
    return conclude(replace(facts, verified=verified))
