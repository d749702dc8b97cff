"""Runs that resume a report, through the command line, against the practice API."""

import re

import pytest

from bulkcancel.report.rows import Format, Layout
from tests.e2e.conftest import Resume
from tests.support.fakes import result
from tests.support.practice import sandbox
from tests.support.reports import earlier, last_of, report_of, rows_of

FORMATS = pytest.mark.parametrize("form", Format)


@FORMATS
def test_resume_reads_unknown_jobs_first_and_skips_settled_ones(
    form: Format, resume: Resume
) -> None:
    """Settled jobs are not sent, unknown ones are read first, the others sent; rows are added.

    The input may have changed: what it has no more stays as it is.
    """
    before = earlier(
        job_1="cancelled", gone="not_found", late="not_pending",
        job_2="failed", job_3="not_attempted", job_4="unknown", job_5="unknown", other="failed",
    )  # fmt: skip
    content = report_of(form, *before)
    resume.put(content)
    api = sandbox(6)
    api.queue.jobs["job-5"].status = "cancelled"
    ended = resume(api, ids="job-6\njob-3\njob-1\ngone\nlate\njob-2\njob-4\njob-5\njob-6\n")
    assert api.asked == [
        *("read job-4", "cancel job-4", "read job-5"),
        *("cancel job-6", "cancel job-3", "cancel job-2"),
    ]
    assert resume.report.read_bytes().startswith(content)
    rows = rows_of(resume.report)
    assert last_of(rows) == last_of([each.as_dict() for each in before]) | dict.fromkeys(
        [f"job-{i}" for i in range(2, 7)], "cancelled cancelled"
    )
    assert len(rows) == len(before) + 5
    assert len({row["run_id"] for row in rows}) == 2
    assert ended.code == 1, ended.err
    for words in (
        r"cancelled +6$", r"not_found +1", r"failed +1", "3 jobs were settled by an earlier run",
        "1 duplicate row",
    ):  # fmt: skip
        assert re.search(words, ended.err, re.MULTILINE), words


def test_resume_of_settled_jobs_needs_no_login(resume: Resume) -> None:
    """Where all is settled nothing is asked or sent, and the report stays as it is."""
    content = report_of(Format.CSV, *earlier(job_1="cancelled", job_2="not_found"))
    resume.put(content)
    api = sandbox(2)
    ended = resume(api, "--allow", "not_found", ids="job-1\njob-2\n", EPCC_CLIENT_SECRET="wrong")
    assert (ended.code, api.asked) == (0, [])
    assert resume.report.read_bytes() == content
    assert "2 jobs were settled by an earlier run" in ended.err


@pytest.mark.parametrize(("kept", "code"), [("failed", 1), ("not_found", 3), ("cancelled", 0)])
def test_exit_code_of_a_resume_counts_the_whole_report(
    kept: str, code: int, resume: Resume
) -> None:
    """Jobs of the report that the input does not name any more count, even if it names none."""
    resume.put(report_of(Format.CSV, *earlier(other=kept)))
    ended = resume(sandbox(1), ids="job_id\n")
    assert (ended.code, "warning" in ended.err) == (code, True)
    assert re.search(rf"^{kept} +1\b", ended.err, re.MULTILINE)


def test_resume_begins_a_report_and_does_not_repeat_its_rows(resume: Resume) -> None:
    """Where there is none it is begun; what is no id is reported once, and still counts."""
    for _ in range(2):
        ended = resume(sandbox(1), ids="job-1\na/b\n=cmd()\n")
        assert ended.code == 1
    assert len(rows_of(resume.report)) == 3
    assert re.search(r"^invalid +2", ended.err, re.MULTILINE)


@FORMATS
def test_resume_of_a_report_cut_in_its_last_row(form: Format, resume: Resume) -> None:
    """Wherever the last row was cut off, its job ends settled, truly, in a report of whole rows."""
    whole = report_of(form, *earlier(job_1="cancelled", job_2="failed"), result("job-9"))
    last = Layout(form).line_of(result("job-9").as_dict("run-1"))
    head = whole.removesuffix(last)
    told_from = len(b'{"job_id":"job-9","outcome":"c' if form is Format.JSONL else b"job-9,c")
    edges = {told_from - 1, told_from, len(last) - 1, len(last)}
    for length in sorted(edges | set(range(0, len(last), 17))):
        resume.put(head + last[:length])
        api = sandbox(3, job_9="cancelled")
        api.queue.jobs["job-1"].status = "cancelled"
        ended = resume(api, ids="job-1\njob-2\njob-3\njob-9\n")
        rows = rows_of(resume.report)
        assert last_of(rows) == {
            "job-1": "cancelled",
            "job-2": "cancelled cancelled",
            "job-3": "cancelled cancelled",
            "job-9": (
                "not_pending cancelled" if length < told_from
                else "cancelled" if length == len(last)
                else "cancelled cancelled"
            ),
        }, length  # fmt: skip
        told = told_from <= length < len(last)  # and kept as unknown, until it is read
        assert [row["job_id"] for row in rows].count("job-9") == 1 + told
        assert ("cut short, and is dropped" in ended.err) == (0 < length < len(last))
        assert ended.code == (3 if length < told_from else 0)
        assert resume.report.read_bytes().startswith(head)


def test_resume_at_a_store_that_had_jobs_is_no_wrong_store(resume: Resume) -> None:
    """Where an earlier run has found jobs it is the right store, however many are not found."""
    resume.put(report_of(Format.CSV, *earlier(job_1="cancelled")))
    ended = resume(sandbox(0), ids="".join(f"gone-{i}\n" for i in range(25)))
    assert ended.code == 3
    assert re.search("^not_found +25 ", ended.err, re.MULTILINE)
