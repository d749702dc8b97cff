"""The incidents of `drills.md`, as far as a machine can judge them: real programs, real HTTP."""

import uuid
from pathlib import Path

import orjson
import pytest

from bulkcancel.sandbox import Rules
from tests.conftest import Serve
from tests.support.practice import Practice
from tests.support.programs import run_program, running, until
from tests.support.reports import last_of, outcomes_in, rows_of
from tests.support.terminal import CTRL_C, at_terminal

NOT_YET = pytest.mark.xfail(strict=False, reason="is being built")


def uuids(count: int, kind: str = "product-import") -> list[str]:
    """Return ids as a store makes them, always the same."""
    return [str(uuid.uuid5(uuid.NAMESPACE_OID, f"{kind} {number}")) for number in range(count)]


def store_of(ids: list[str], rules: Rules | None = None) -> Practice:
    """Return a practice API with these jobs pending."""
    rows = [{"jobid": job_id, "status": "pending", "type": "product-import"} for job_id in ids]
    return Practice(rows, rules or Rules(start_every=0))


def sheet_of(ids: list[str]) -> bytes:
    """Return the ids as a spreadsheet in a German locale saves them, with its usual blemishes."""
    lines = ["Feed;Job ID;Notiz"]
    lines += [f"montag;{job_id};" for job_id in (*ids, *ids[:7])]
    lines += [f"montag;{ids[0][:8]};abgeschnitten", ";Summe;"]
    return b"\xef\xbb\xbf" + "\r\n".join([*lines, ""]).encode()


@NOT_YET
def test_drill_1_spreadsheet_is_counted_before_and_after(serve: Serve, tmp_path: Path) -> None:
    """A sheet's column, duplicates and bad rows are named before the yes; all are cancelled."""
    ids = uuids(400)
    api = store_of(ids)
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


def test_drill_3_wrong_store_is_left_untouched_and_resumed(serve: Serve, tmp_path: Path) -> None:
    """A store that has none of the jobs stops the run after 20; at the right one none is missed."""
    ids = uuids(60)
    (tmp_path / "jobs.csv").write_text("job_id\n" + "\n".join(ids))
    arguments = ("jobs.csv", "-o", "report.csv", "--yes", "-r", "500")
    wrong, right = store_of(uuids(5, "another shop")), store_of(ids)
    ended = run_program(*arguments, folder=tmp_path, url=serve(wrong.serve()))
    assert (ended.code, wrong.cancelled) == (4, set())
    assert len(wrong.asked) < 60
    again = run_program(*arguments, "--resume", folder=tmp_path, url=serve(right.serve()))
    assert (again.code, right.cancelled) == (0, set(ids)), again.err


def test_drill_5_refused_rate_slows_the_run_and_loses_no_job(serve: Serve, tmp_path: Path) -> None:
    """A store that refuses the rate is obeyed, every job cancelled, and the last screen says so."""
    ids = uuids(60)
    (tmp_path / "jobs.csv").write_text("\n".join(ids))
    api = store_of(ids, Rules(start_every=0, rate_limit=20))
    arguments = ("jobs.csv", "-o", "report.csv", "--yes", "-r", "100")
    ended = run_program(*arguments, folder=tmp_path, url=serve(api.serve()))
    assert (ended.code, api.cancelled) == (0, set(ids)), ended.err
    assert "refused (429)" in ended.err


def test_drill_6_token_that_ends_is_renewed_without_a_word(serve: Serve, tmp_path: Path) -> None:
    """Tokens of two seconds are renewed while the run goes on; nothing fails for it."""
    ids = uuids(120)
    (tmp_path / "jobs.csv").write_text("\n".join(ids))
    api = store_of(ids, Rules(start_every=0, token_ttl=2))
    arguments = ("jobs.csv", "-o", "report.csv", "--yes", "-r", "30")
    ended = run_program(*arguments, folder=tmp_path, url=serve(api.serve()))
    assert (ended.code, api.cancelled) == (0, set(ids)), ended.err
    assert set(outcomes_in(tmp_path / "report.csv").values()) == {"cancelled"}


def test_drill_7_review_learns_of_both_legs_and_no_secret(serve: Serve, tmp_path: Path) -> None:
    """After Ctrl-C and a resume the summary has the reason, the store, the counts and no secret."""
    ids = uuids(60)
    (tmp_path / "jobs.csv").write_text("\n".join(ids))
    api = store_of(ids)
    url = serve(api.serve())
    arguments = (
        *("jobs.csv", "-o", "report.csv", "-r", "40", "--summary", "run.json"),
        *("--reason", "INC-7: feed of 10 January"),
    )
    with at_terminal(*arguments, folder=tmp_path, url=url) as program:
        program.wait_for(r"\[y/N\] ")
        program.press("y\n")
        until(lambda: len(api.cancelled) > 5)
        program.press(CTRL_C)
        assert program.end() == 130
    assert "--resume" in program.shown
    ended = run_program(*arguments, "--yes", "--resume", folder=tmp_path, url=url)
    assert (ended.code, api.cancelled) == (0, set(ids)), ended.err
    summary = orjson.loads((tmp_path / "run.json").read_bytes())
    assert summary["reason"] == "INC-7: feed of 10 January"
    assert summary["outcomes"] == {"cancelled": 60}
    assert "s3cret" not in (tmp_path / "run.json").read_text()


CRON = (
    *("list.csv", "-q", "--yes", "--resume", "-o", "night.csv", "-r", "500"),
    *("--allow", "not_found,not_pending"),
)


@pytest.mark.parametrize(
    ("content", "variables", "code"),
    [
        ("job_id\n" + "\n".join(uuids(3)), {}, 0),
        ("job_id\n", {}, 0),
        ("job_id\n" + "\n".join(uuids(3)), {"EPCC_CLIENT_SECRET": "wrong"}, 2),
        ("job_id\n" + "\n".join(uuids(3)), {"EPCC_API_BASE_URL": "http://127.0.0.1:1"}, 2),
        ("job_id\n" + "\n".join(map(str, range(1, 31))), {}, 3),
    ],
    ids=["jobs", "an empty list", "a wrong secret", "no store", "row numbers"],
)
def test_drill_8_cron_is_silent_or_says_why(
    content: str, variables: dict[str, str], code: int, serve: Serve, tmp_path: Path
) -> None:
    """Without a terminal a run is silent and 0 when all is well, else it says why and is not 0."""
    (tmp_path / "list.csv").write_text(content)
    api = store_of(uuids(3))
    more = {"EPCC_API_BASE_URL": serve(api.serve()), **variables}
    ended = run_program(*CRON, "--retries", "0", folder=tmp_path, **more)
    assert ended.code == code, ended.err
    assert bool(ended.err) == (code != 0)


def test_drill_9_colleague_on_the_same_list_makes_no_row_false(
    serve: Serve, tmp_path: Path
) -> None:
    """Of two runs on one list each job is cancelled by one and late for the other, in both rows."""
    ids = uuids(80)
    (tmp_path / "jobs.csv").write_text("\n".join(ids))
    api = store_of(ids, Rules(start_every=0, latency=0.02))
    url = serve(api.serve())
    names = ("mine.csv", "yours.csv")
    arguments = ("jobs.csv", "--yes", "-r", "60", "-o")
    with (
        running(*arguments, names[0], folder=tmp_path, url=url) as mine,
        running(*arguments, names[1], folder=tmp_path, url=url) as yours,
    ):
        codes = {mine.end().code, yours.end().code}
    mine_rows, yours_rows = (last_of(rows_of(tmp_path / name)) for name in names)
    assert mine_rows.keys() == yours_rows.keys() == set(ids)
    assert codes <= {0, 3}
    for job_id in ids:
        assert {mine_rows[job_id], yours_rows[job_id]} == {
            "cancelled cancelled", "not_pending cancelled",
        }  # fmt: skip


def test_drill_9_same_report_is_refused_to_a_colleague(serve: Serve, tmp_path: Path) -> None:
    """A second run on the same report is refused, names the first, and sends nothing."""
    ids = uuids(80)
    (tmp_path / "jobs.csv").write_text("\n".join(ids))
    api = store_of(ids, Rules(start_every=0, latency=0.02))
    url = serve(api.serve())
    arguments = ("jobs.csv", "--yes", "-r", "60", "--resume", "-o", "report.csv")
    with running(*arguments, folder=tmp_path, url=url) as first:
        until(lambda: outcomes_in(tmp_path / "report.csv"))
        second = run_program(*arguments, folder=tmp_path, url=url)
        assert first.end().code == 0
    assert second.code == 2
    assert "is being written by another run" in second.err


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
    arguments: tuple[str, ...], words: tuple[str, ...], serve: Serve, tmp_path: Path
) -> None:
    """What is forgotten or misremembered is named with the way out; nothing is sent or replaced."""
    (tmp_path / "jobs.csv").write_text("job_id\n" + "\n".join(uuids(3)))
    (tmp_path / "names.csv").write_text("feed,number of the run\nmonday,12\n")
    (tmp_path / "old.csv").write_text("precious")
    api = store_of(uuids(3))
    ended = run_program(*arguments, folder=tmp_path, url=serve(api.serve()))
    assert ended.is_refusal(), ended.err
    for word in words:
        assert word in ended.err
    assert (api.asked, (tmp_path / "old.csv").read_text()) == ([], "precious")
