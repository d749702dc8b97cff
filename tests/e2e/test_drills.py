"""The incidents of `drills.md`, as far as a machine can judge them, over real HTTP.

Where a terminal, a signal or a second program has a part, it is the real program.
"""

import csv
import uuid
from contextlib import ExitStack
from pathlib import Path

import orjson
import pytest
from aiohttp import web

from bulkcancel.sandbox import Rules, seeds_of
from tests.conftest import Cli, Serve, served
from tests.support.practice import Practice
from tests.support.programs import JOBS, running, until
from tests.support.reports import last_of, outcomes_in, rows_of
from tests.support.terminal import CTRL_C, at_terminal

JOBS_TO_REPORT = ("jobs.csv", "-o", "report.csv")


def uuids(count: int, kind: str = "product-import") -> list[str]:
    """Return ids as a store makes them, always the same."""
    return [str(uuid.uuid5(uuid.NAMESPACE_OID, f"{kind} {number}")) for number in range(count)]


def store_of(ids: list[str], rules: Rules | None = None) -> Practice:
    """Return a practice API with these jobs pending."""
    rows = [{"jobid": job_id, "status": "pending", "type": "product-import"} for job_id in ids]
    return Practice(rows, rules or Rules(start_every=0))


def incident(folder: Path, count: int, rules: Rules | None = None) -> tuple[list[str], Practice]:
    """Return the ids of jobs.csv, and the store where these jobs are pending."""
    ids = uuids(count)
    (folder / "jobs.csv").write_text("\n".join(ids))
    return ids, store_of(ids, rules)


def sheet_of(ids: list[str]) -> bytes:
    """Return the ids as a spreadsheet in a German locale saves them, with its usual blemishes."""
    lines = ["Feed;Job ID;Notiz"]
    lines += [f"montag;{job_id};" for job_id in (*ids, *ids[:7])]
    lines += [f"montag;{ids[0][:8]};abgeschnitten", ";Summe;"]
    return b"\xef\xbb\xbf" + "\r\n".join([*lines, ""]).encode()


def test_drill_1_spreadsheet_is_counted_before_and_after(serve: Serve, tmp_path: Path) -> None:
    """A sheet's column, duplicates and bad rows are named before the yes; all are cancelled."""
    api = store_of(ids := uuids(400))
    (tmp_path / "sheet.csv").write_bytes(sheet_of(ids))
    url = serve(api.serve())
    arguments = ("sheet.csv", "-o", "report.csv", "-r", "1000")
    with at_terminal(*arguments, folder=tmp_path, url=url) as program:
        program.wait_for(r"\[y/N\] ")
        for words in ("400 jobs", "7 ", "2 invalid", "127.0.0.1", ids[0], ids[-1], "Job ID"):
            assert words in program.shown
        program.press("y\n")
        assert program.end() == 1
    assert "report.csv" in program.shown
    outcomes = [*outcomes_in(tmp_path / "report.csv").values()]
    assert (outcomes.count("cancelled"), outcomes.count("invalid")) == (400, 2)
    assert api.cancelled == set(ids)


def test_drill_2_queue_is_listed_whole_and_cancelled_by_type(
    cli: Cli, jobs_cli: Cli, tmp_path: Path
) -> None:
    """All pages of the queue are the list, oldest first; what is of another type stays pending."""
    imports, exports = uuids(230), uuids(40, "product-export")
    rows = [{"jobid": i, "type": "product-import"} for i in imports]
    rows += [{"jobid": i, "type": "product-export"} for i in exports]
    api = Practice(rows, Rules(start_every=0))
    listed = jobs_cli.against(api, "--type", "product-import", "-o", "jobs.csv", "-r", "500")
    assert listed.code == 0, listed.err
    with (tmp_path / "jobs.csv").open(newline="") as file:
        assert [row["job_id"] for row in csv.DictReader(file)] == imports
    ended = cli.against(api, "jobs.csv", "--yes", "-r", "1000")
    assert (ended.code, api.cancelled) == (0, set(imports)), ended.err


def test_drill_2_guard_cancels_what_arrives(serve: Serve, tmp_path: Path) -> None:
    """With the list followed into a run by a pipe, jobs that arrive later are cancelled as well."""
    api = store_of(uuids(5))
    url = serve(api.serve())
    follow = ("--follow", "0.2", "--until-quiet", "2s", "-r", "100")
    with (
        running(*follow, folder=tmp_path, url=url, command=JOBS) as jobs,
        running("--yes", "-r", "100", folder=tmp_path, url=url, stdin=jobs.process.stdout) as run,
    ):
        until(lambda: len(api.cancelled) == 5)
        late = uuids(8)[5:]
        api.queue.add(seeds_of([{"jobid": job_id} for job_id in late]))
        until(lambda: api.cancelled == set(uuids(8)))
        ended = run.end()
    assert (ended.code, len(ended.outcomes)) == (0, 8), ended.err


def test_drill_3_wrong_store_is_left_untouched_and_resumed(cli: Cli, tmp_path: Path) -> None:
    """A store that has none of the jobs stops the run after 20; at the right one none is missed."""
    ids, right = incident(tmp_path, 60)
    wrong = store_of(uuids(5, "another shop"))
    arguments = (*JOBS_TO_REPORT, "--yes", "-r", "500", "-j", "10")
    ended = cli.against(wrong, *arguments)
    assert (ended.code, wrong.cancelled) == (4, set())
    assert len(wrong.asked) < 60
    again = cli.against(right, *arguments, "--resume")
    assert (again.code, right.cancelled) == (0, set(ids)), again.err


class OtherShop(Practice):
    """A store with an id of its own, at the same host."""

    async def _store(self, _: web.Request) -> web.Response:
        return web.json_response({"data": {"id": uuids(1, "shop")[0], "name": "shop B"}})


def test_drill_3_report_of_another_store_is_refused(cli: Cli, tmp_path: Path) -> None:
    """A report of shop A is not resumed at shop B: both are named, and nothing is sent."""
    ids = uuids(10)
    (tmp_path / "jobs.csv").write_text("\n".join(ids[:5]))
    arguments = (*JOBS_TO_REPORT, "--yes", "--resume", "-r", "500")
    assert cli.against(store_of(ids), *arguments).code == 0
    before = (tmp_path / "report.csv").read_bytes()
    (tmp_path / "jobs.csv").write_text("\n".join(ids))
    shop_b = OtherShop([{"jobid": job_id} for job_id in ids], Rules(start_every=0))
    ended = cli.against(shop_b, *arguments)
    assert ended.is_refusal(), ended.err
    for shop in ("00000000-0000-4000-8000-000000000000", uuids(1, "shop")[0]):
        assert shop in ended.err
    assert (shop_b.cancelled, (tmp_path / "report.csv").read_bytes()) == (set(), before)
    assert cli.against(shop_b, *arguments, "--allow-other-store").code == 0


def test_drill_4_lost_connection_is_waited_for_and_fails_no_job(tmp_path: Path) -> None:
    """While the store is away the display says so; when it is back the run goes on, none failed."""
    ids, api = incident(tmp_path, 60)
    arguments = (*JOBS_TO_REPORT, "--yes", "-r", "40")
    with ExitStack() as first:
        url = first.enter_context(served(api.serve()))
        port = int(url.rpartition(":")[2])
        with at_terminal(*arguments, folder=tmp_path, url=url) as program:
            until(lambda: len(api.cancelled) > 5)
            first.close()
            program.wait_for("no connection to 127.0.0.1")
            with served(api.serve(port)):
                assert program.end() == 0
    assert api.cancelled == set(ids)
    assert set(outcomes_in(tmp_path / "report.csv").values()) == {"cancelled"}


def test_drill_5_refused_rate_slows_the_run_and_loses_no_job(cli: Cli, tmp_path: Path) -> None:
    """A store that refuses the rate is obeyed, every job cancelled, and the last screen says so."""
    ids, api = incident(tmp_path, 30, Rules(start_every=0, rate_limit=20))
    ended = cli.against(api, *JOBS_TO_REPORT, "--yes", "-r", "100")
    assert (ended.code, api.cancelled) == (0, set(ids)), ended.err
    assert "refused (429)" in ended.err


def test_drill_6_token_that_ends_is_renewed_without_a_word(cli: Cli, tmp_path: Path) -> None:
    """Tokens of two seconds are renewed while the run goes on; nothing fails for it."""
    ids, api = incident(tmp_path, 75, Rules(start_every=0, token_ttl=2))
    ended = cli.against(api, *JOBS_TO_REPORT, "--yes", "-r", "30")
    assert (ended.code, api.cancelled) == (0, set(ids)), ended.err
    assert len(api._tokens) > 1
    assert set(outcomes_in(tmp_path / "report.csv").values()) == {"cancelled"}


def test_drill_7_review_learns_of_both_legs_and_no_secret(cli: Cli, tmp_path: Path) -> None:
    """After Ctrl-C and a resume the summary has the reason, the store, the counts and no secret."""
    ids, api = incident(tmp_path, 60)
    arguments = (
        *("jobs.csv", "-o", "report.csv", "--summary", "run.json"),
        *("--reason", "INC-7: feed of 10 January"),
    )
    with at_terminal(*arguments, "-r", "40", folder=tmp_path, url=cli.url(api)) as program:
        program.wait_for(r"\[y/N\] ")
        program.press("y\n")
        until(lambda: len(api.cancelled) > 5)
        program.press(CTRL_C)
        assert program.end() == 130
    assert "--resume" in program.shown
    ended = cli.against(api, *arguments, "-r", "1000", "--yes", "--resume")
    assert (ended.code, api.cancelled) == (0, set(ids)), ended.err
    summary = orjson.loads((tmp_path / "run.json").read_bytes())
    assert summary["reason"] == "INC-7: feed of 10 January"
    assert summary["outcomes"] == {"cancelled": 60}
    assert "s3cret" not in (tmp_path / "run.json").read_text()


CRON = (
    *("list.csv", "-q", "--yes", "--resume", "-o", "night.csv", "-r", "500", "--retries", "0"),
    *("--allow", "not_found,not_pending", "--summary", "night.json"),
)


def test_drill_8_cron_is_silent_or_says_why(cli: Cli, tmp_path: Path) -> None:
    """A night is silent and 0 when all is well, else it says why, and in its summary, too.

    An empty list, a wrong secret or a store that is down stand in no later night's way.
    """
    api = store_of(jobs := uuids(4))
    wrong, down = {"EPCC_CLIENT_SECRET": "wrong"}, {"EPCC_API_BASE_URL": "http://127.0.0.1:1"}
    nights = [(jobs[:2], {}, 0), ([], {}, 0), ([], {}, 0), (jobs, wrong, 2), (jobs, down, 2)]
    for ids, variables, code in [*nights, (jobs, {}, 0)]:
        (tmp_path / "list.csv").write_text("\n".join(["job_id", *ids, ""]))
        ended = cli.against(api, *CRON, **variables)
        assert (ended.code, bool(ended.err)) == (code, code != 0), ended.err
        summary = orjson.loads((tmp_path / "night.json").read_bytes())
        said = ended.err.removeprefix("error: ").partition("\n")[0]
        assert (summary["exit_code"], summary["stopped"] or "") == (code, said)
    assert api.cancelled == set(jobs)


def test_drill_8_row_numbers_are_no_success(cli: Cli, tmp_path: Path) -> None:
    """A list none of whose jobs exists is never 0, whatever is allowed."""
    (tmp_path / "list.csv").write_text("\n".join(["job_id", *map(str, range(1, 31)), ""]))
    ended = cli.against(store_of(uuids(3)), *CRON)
    assert (ended.code, bool(ended.err)) == (3, True)


def test_drill_9_colleague_on_the_same_list_makes_no_row_false(cli: Cli, tmp_path: Path) -> None:
    """Of two runs on one list each job is cancelled by one and late for the other, in both rows."""
    ids, api = incident(tmp_path, 80, Rules(start_every=0, latency=0.02))
    names = ("mine.csv", "yours.csv")
    arguments = ("jobs.csv", "--yes", "-r", "60", "-o")
    with running(*arguments, names[0], folder=tmp_path, url=cli.url(api)) as mine:
        until(lambda: api.cancels)
        codes = {cli.against(api, *arguments, names[1]).code, mine.end().code}
    rows = [last_of(rows_of(tmp_path / name)) for name in names]
    assert codes <= {0, 3}
    pairs = {job_id: {each.pop(job_id) for each in rows} for job_id in ids}
    assert pairs == {key: {"cancelled cancelled", "not_pending cancelled"} for key in ids}
    assert rows == [{}, {}]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("jobs.csv", "-o", "old.csv"), ("old.csv exists already", "--resume", "--overwrite")),
        (("--resume", "jobs.csv"), ("--resume needs a report", "--output")),
        (("jobs.csv",), ("--yes",)),
        (("names.csv", "--yes"), ("--column",)),
        (("--force", "jobs.csv"), ("--force", "--yes")),
        (("cancel", "jobs.csv"), ("cancel",)),
        ((uuids(1)[0],), (uuids(1)[0],)),
    ],
    ids=["an old report", "no report", "no yes", "no column", "another name", "a verb", "an id"],
)
def test_drill_10_forgotten_option_leads_somewhere(
    arguments: tuple[str, ...], words: tuple[str, ...], cli: Cli, tmp_path: Path
) -> None:
    """What is forgotten or misremembered is named with the way out; nothing is sent or replaced."""
    (tmp_path / "jobs.csv").write_text("job_id\n" + "\n".join(uuids(3)))
    (tmp_path / "names.csv").write_text("feed,number of the run\nmonday,12\n")
    (tmp_path / "old.csv").write_text("precious")
    api = store_of(uuids(3))
    ended = cli.against(api, *arguments)
    assert ended.is_refusal(), ended.err
    for word in words:
        assert word in ended.err
    assert (api.asked, (tmp_path / "old.csv").read_text()) == ([], "precious")
