"""Every tool against the same store: what it costs, and whether it says what became of the jobs."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from tests.bench.jobs import truth, write_ids
from tests.bench.measure import Cost, running
from tests.bench.rivals import RATE, RIVALS, Rival, Task
from tests.bench.sampling import Sampler
from tests.bench.servers import server
from tests.bench.tables import Cell, Held, Table

JOBS = 800
LATENCY = 0.05  # seconds
HEADER = ("", "jobs/s", "CPU, ms", "MB", "requests", "refused", "missed", "true, %", "false")


def rivals(folder: Path) -> Iterator[Table]:
    """Measure each tool that is installed, once."""
    table = Table(
        f"what people would use instead: {JOBS} jobs, a store that refuses over {RATE} per second",
        HEADER,
        note=(
            f"The store takes {LATENCY:g} s for a reply, does not know some jobs, refuses some as "
            "no longer pending, and cancels some but loses the reply. Refused: requests over the "
            "limit (429). Missed: jobs that could have been cancelled and were not. True: rows of "
            "the tool's own output that say what became of the job (of curl: 200, 404, or a "
            "refusal other than 429). False: rows that say something else. CPU: per job. MB: the "
            "most memory of all its processes together, what they share counted once.\n"
            "curl: -sS --retry 5, which waits a second after a 429 and doubles that; with a ready "
            "token. " + "; ".join(f"{rival.name}: {rival.about}" for rival in RIVALS) + "."
        ),
    )
    table.rows = [_row(rival, folder) for rival in RIVALS]
    yield table


def _row(rival: Rival, folder: Path) -> list[Cell]:
    if not rival.is_there():
        return [f"{rival.name}: absent"]
    task = Task(write_ids(folder / "ids", JOBS), "", folder)
    with server("--mixed", "--limit", str(RATE), "--latency", str(LATENCY)) as store:
        task = replace(task, url=store.url)
        cost, memory = _cost(rival, task)
    right, wrong = judged(rival.told(task))
    seen, could = store.seen, [*truth(JOBS).values()].count("cancelled")
    missed, share = could - seen.cancelled, 100 * right / JOBS
    cells = [f"{JOBS / cost.seconds:.0f}", f"{1000 * cost.cpu / JOBS:.2f}", f"{memory:.0f}"]
    cells.append(str(len(seen.times)))
    if not rival.reports:
        return [rival.name, *cells, seen.refused, missed, f"{share:.1f}", wrong]
    true = Held(f"{share:.1f}", share == 100)
    return [rival.name, *cells, _none(seen.refused), _none(missed), true, _none(wrong)]


def _cost(rival: Rival, task: Task) -> tuple[Cost, float]:
    """Run a tool to its end; return its cost, and the MB of all its processes together."""
    with (
        task.ids.open("rb") as ids,
        running(rival.command(task), url=task.url, stdin=ids, stdout=task.output) as run,
        Sampler(run.session) as sampler,
    ):
        return run.wait(), sampler.most


def _none(count: int) -> Held:
    return Held(str(count), count == 0)


def judged(told: Mapping[str, str]) -> tuple[int, int]:
    """Return how many rows are true, and how many are not."""
    facts = truth(JOBS)
    right = sum(facts[job_id] == outcome for job_id, outcome in told.items())
    return right, len(told) - right
