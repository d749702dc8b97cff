"""`bulkcancel-jobs` against stores that move, refuse, fail and fill, over real HTTP."""

import csv
import os
import re
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from unittest.mock import Mock

import orjson
import pytest
from aiohttp import web

from bulkcancel.sandbox import Rules
from tests.conftest import Cli
from tests.support.disks import NO_ROOM, no_space
from tests.support.practice import Practice, sandbox
from tests.support.programs import JOBS, Ended, running
from tests.support.terminal import CTRL_C, at_terminal

COLUMNS = "job_id,status,type,created_at,started_at,updated_at"
FAST = ("-r", "2000")
ROWS = [
    {"jobid": "old", "type": "price-import", "createdat": "2026-01-01T10:00:00Z"},
    {"jobid": "new", "type": "product-import", "createdat": "2026-01-01T12:00:00Z"},
    {"jobid": "middle", "type": "product-import", "createdat": "2026-01-01T12:00:00+01:00"},
    {"jobid": "runs", "status": "started", "createdat": "2026-01-01T09:00:00Z"},
    {"jobid": "done", "status": "success", "createdat": "2026-01-01T08:00:00Z"},
]
STILL = Rules(start_every=0)
Listing = Callable[..., Ended]


@pytest.fixture
def listing(jobs_cli: Cli) -> Listing:
    """Run `bulkcancel-jobs` in this process against a practice API."""
    return lambda api, *arguments, **env: jobs_cli.against(api, *FAST, *arguments, **env)


def ids(ended: Ended) -> str:
    return ",".join(row["job_id"] for row in csv.DictReader(StringIO(ended.out)))


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ("", "old,middle,new"),
        ("--status started,success", "done,runs"),
        ("--status all", "done,runs,old,middle,new"),
        ("--status PENDING --type Product-Import", "middle,new"),
        ("--type product-import,price-import --since 1h", ""),
        ("--since 2026-01-01T11:00:00Z", "middle,new"),
        ("--until 2026-01-01T11:00:00Z", "old,middle"),
        ("--since 2026-01-01T10:30Z --until 2026-01-01T11:30Z", "middle"),
    ],
)
@pytest.mark.parametrize("filters", [True, False])
def test_jobs_lists_what_fits_oldest_first(
    arguments: str, expected: str, listing: Listing, *, filters: bool
) -> None:
    """By status, type and time of creation, whether the store takes filters or not."""
    api = Practice(ROWS, Rules(start_every=0, filters=filters))
    ended = listing(api, *arguments.split())
    assert (ended.code, ids(ended)) == (0, expected)
    assert ended.out.splitlines()[0] == COLUMNS


def test_jobs_writes_all_columns_as_the_store_gave_them(listing: Listing) -> None:
    """Into a file that only its owner can read; what is no file is written to as it is."""
    api = Practice(ROWS, STILL)
    for name in ("jobs.csv", os.devnull):
        ended = listing(api, "--status", "all", "-o", name)
        assert (ended.code, ended.out) == (0, "")
        assert f"5 jobs in {name}" in ended.err
    nine = "2026-01-01T09:00:00Z"
    row = f"runs,started,{api.queue.jobs['runs'].type},{nine},{nine},{nine}"
    assert Path("jobs.csv").read_text().splitlines()[2] == row
    assert Path("jobs.csv").stat().st_mode & 0o777 == 0o600


def test_jobs_in_json_lines_have_nulls(listing: Listing) -> None:
    """The same keys, and null for what the store does not say; the file's name asks for them."""
    assert listing(Practice(ROWS, STILL), "-o", "jobs.jsonl").code == 0
    first, *others = map(orjson.loads, Path("jobs.jsonl").read_text().splitlines())
    assert ",".join(first) == COLUMNS
    assert (first["job_id"], first["started_at"], len(others)) == ("old", None, 2)


def test_jobs_replaces_a_file_only_if_asked_and_whole(
    listing: Listing, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An existing file is kept; with --overwrite, too, where the disk is full by then."""
    Path("jobs.csv").write_text("mine")
    api = Practice(ROWS, STILL)
    ended = listing(api, "-o", "jobs.csv")
    assert ended.is_refusal()
    assert "jobs.csv exists already\nhint: replace it (--overwrite), or" in ended.err
    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", Mock(side_effect=no_space()))
        ended = listing(api, "-o", "jobs.csv", "--overwrite")
    assert ended.is_refusal()
    assert f"jobs.csv {NO_ROOM}" in ended.err
    assert [path.read_text() for path in Path().glob("*jobs*")] == ["mine"]
    assert listing(api, "-o", "jobs.csv", "--overwrite").code == 0
    assert Path("jobs.csv").read_text().startswith(COLUMNS)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("--status pendng", "pendng is no status"),
        ("--status ,", "nothing is no status"),
        ("--since yesterday", "'yesterday' is no time"),
        ("--since 1h --until 2h", "--since is later than --until"),
        ("--for 5m", "--for and --until-quiet need --follow"),
        ("--until-quiet 5m", "--for and --until-quiet need --follow"),
        ("--follow 0", "--follow is 0.0"),
        ("--follow --for soon", "'soon' is no duration"),
        ("--follow -o jobs.csv", "--follow writes to standard output"),
        ("-o nowhere/jobs.csv", "in a folder that does not exist"),
        ("-r 0", "rate is 0.0"),
        ("--base-url http://store.example", "is http://store.example"),
        ("--nonsense", "No such option '--nonsense'"),
    ],
)
def test_jobs_refuses_options_before_any_request(
    arguments: str, words: str, listing: Listing
) -> None:
    """An error and a hint, exit code 2, and nothing was asked of the store."""
    api = sandbox()
    ended = listing(api, *arguments.split())
    assert ended.is_refusal()
    assert words in ended.err
    assert not api._tokens


class Awkward(Practice):
    """A practice API whose pages fail by their number."""

    def __init__(self, count: int, rules: Rules = STILL) -> None:
        super().__init__([{"jobid": f"job-{i}"} for i in range(count)], rules)
        self.pages = 0
        self.failing: Callable[[int], bool] = lambda number: number > 1

    async def _list(self, request: web.Request) -> web.Response:
        self.pages += 1
        if self.failing(self.pages):
            return web.json_response({"errors": [{"title": "oops", "status": "500"}]}, status=500)
        return await super()._list(request)


@pytest.mark.parametrize(
    ("arguments", "pages", "rows"),
    [((), 1, 0), (("-o", "jobs.csv"), 1, 0), (("--follow", "0.02", "--for", "0.1"), 2, 3)],
    ids=["rows", "a file", "followed"],
)
def test_jobs_of_a_list_that_can_t_be_had_whole_are_not_listed(
    arguments: tuple[str, ...], pages: int, rows: int, listing: Listing
) -> None:
    """Exit code 1, why, and no row anywhere; so ends following whose last look failed."""
    api = Awkward(3)
    api.failing = lambda number: number > pages
    ended = listing(api, "--retries", "0", *arguments)
    assert (ended.code, len(ended.rows)) == (1, rows)
    assert re.search(r"error: the store's list of jobs can't be read: 500.*\nhint: ", ended.err)
    assert list(Path().glob("*.csv")) == []


def test_jobs_of_a_long_list_say_how_far_they_are(
    listing: Listing, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A list that takes its time is told of page by page, beside the rows."""
    monkeypatch.setattr("bulkcancel.listing.command._FIRST_WORD", 0.0)
    monkeypatch.setattr("bulkcancel.listing.command._WORD_EVERY", 0.01)
    ended = listing(sandbox(250, Rules(start_every=0, latency=0.04)))
    assert re.search(r"^reading the store's list: page \d+", ended.err, re.MULTILINE)
    assert len(ended.out.splitlines()) == 251


def test_jobs_follows_what_arrives_and_prints_no_id_twice(listing: Listing) -> None:
    """The list first, then each new job that fits, and what that costs of the rate."""
    api = Practice(ROWS, Rules(start_every=0, arrivals=100))
    ended = listing(api, "--type", "price-import", "--follow", "0.02", "--for", "0.3")
    found = ids(ended).split(",")
    expected = [job.id for job in api.queue.jobs.values() if job.type == "price-import"]
    assert ended.code == 0
    assert len(found) > 3
    assert found == expected[: len(found)]
    assert len(expected) - len(found) <= 1
    assert re.search(r"followed for 0 s: \d+ new jobs, \d+ requests \(.* per second\)", ended.err)


@pytest.mark.parametrize("arguments", ["-v", "-vv", ""])
def test_jobs_says_what_it_asks_for(arguments: str, listing: Listing) -> None:
    """A time without a zone is taken for local time, and said so; with -v requests are shown."""
    ended = listing(Practice(ROWS, STILL), "--since", "2026-01-01T11:00", *arguments.split())
    note = r"note: --since 2026-01-01T11:00 is taken for local time: \d.*:00.000Z"
    assert re.search(note, ended.err)
    shown = re.findall(r"GET /pcm/jobs\S* 200 \d+ ms", ended.err)
    assert (ended.code, bool(shown)) == (0, bool(arguments))


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [("--until-quiet 0.1", "old,middle,new"), ("--until 2026-01-01T11:00:00Z", "old,middle")],
)
def test_jobs_follows_until_it_is_quiet_or_no_job_can_come(
    arguments: str, expected: str, listing: Listing
) -> None:
    """Nothing new for so long ends it, with exit code 0, and so does an end in the past."""
    ended = listing(Practice(ROWS, STILL), "--follow", "0.02", *arguments.split())
    assert (ended.code, ids(ended)) == (0, expected)


def test_jobs_follows_through_an_outage(listing: Listing) -> None:
    """Rounds that fail are said once, and cost no job."""
    api = Awkward(3, Rules(start_every=0, arrivals=50))
    api.failing = lambda number: 5 <= number < 12
    follow = ("--retries", "0", "--follow", "0.02", "--for", "0.6")
    ended = listing(api, *follow)
    assert ended.code == 0
    assert len(re.findall("trying again", ended.err)) == 1
    assert len(re.findall("the store answers again", ended.err)) == 1
    found = ids(ended).split(",")
    assert found == [job.id for job in api.queue.jobs.values()][: len(found)]
    assert len(found) >= 20


def test_jobs_that_nobody_reads_end_quietly(cli: Cli, tmp_path: Path) -> None:
    """A closed pipe ends the list, and following, without an error."""
    api = Practice(ROWS, STILL)
    arguments = ("--follow", "0.02", "-q")
    with running(*arguments, folder=tmp_path, url=cli.url(api), command=JOBS) as program:
        process = program.process
        assert process.stdout is not None
        assert process.stdout.readline().decode().strip() == COLUMNS
        process.stdout.close()
        assert process.wait(20) == 0
        assert process.stderr is not None
        assert process.stderr.read() == b""


def test_ctrl_c_ends_following_with_what_there_is_to_say(cli: Cli, tmp_path: Path) -> None:
    """Exit code 130, all rows so far, and no error."""
    api = Practice(ROWS, STILL)
    command = ("--follow", "60")
    with at_terminal(*command, folder=tmp_path, url=cli.url(api), command=JOBS) as terminal:
        terminal.wait_for("following: looking for new jobs every 60 s")
        terminal.press(CTRL_C)
        assert terminal.end() == 130
    assert "followed for" in terminal.shown
    assert "error" not in terminal.shown
    assert "middle,pending" in terminal.shown


def test_a_terminal_shows_the_queue_and_how_to_cancel_it(cli: Cli, tmp_path: Path) -> None:
    """Counts, what waits and since when, what runs, the first jobs, and a command to paste."""
    rows = [*ROWS, *({"jobid": f"job-{i}", "type": "price-import"} for i in range(9))]
    api = Practice(rows, STILL)
    with at_terminal(
        "--type", "price-import", folder=tmp_path, url=cli.url(api), command=JOBS, width=120
    ) as terminal:
        assert terminal.end() == 0
    shown = terminal.shown
    assert re.search(r"127.0.0.1:\d+, store \"practice store\"", shown)
    assert re.search(r"price-import +10 *\n", shown)
    assert re.search(r"oldest pending +2026-01-01 10:00:00 UTC, waiting for [\d,]+ days", shown)
    assert re.search(r"running now +runs \(.*\), since 2026-01-01 09:00:00 UTC, for", shown)
    newest = list(api.queue.jobs.values())[-1].created_at
    assert (
        "to cancel exactly these 10 jobs:\n"
        f"bulkcancel-jobs --type price-import --until {newest} | bulkcancel -o report.csv\n"
    ) in shown
