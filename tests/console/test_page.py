"""The page for the review, as text and in a real browser."""

import re
import shutil
import subprocess
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Sequence
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from bulkcancel.base.model import Outcome
from bulkcancel.base.tally import Tally
from bulkcancel.console import Output, Watch
from bulkcancel.console.page import page_of
from bulkcancel.console.timeline_svg import stalls_of, timeline_svg
from bulkcancel.console.watch import Sample
from tests.support.fakes import result

EVIL = """<script>document.title='taken'</script>"'&<img src=x onerror="document.title='taken'">"""
BROWSER = shutil.which("chromium") or shutil.which("google-chrome")
SUMMARY: dict[str, Any] = {
    "run_id": "run-1", "version": "1.0", "python": "3.11", "reason": "INC-7",
    "started_at": "2026-02-25T06:13:20.250Z", "ended_at": "2026-02-25T06:14:21.250Z",
    "elapsed_seconds": 61.0, "exit_code": 1, "stopped": None, "host": "store.example",
    "client_id": "nigh\u2026", "options": {"rate": 20.0, "yes": False},
    "inputs": [{"file": "jobs.csv", "sha256": "ab" * 32}],
    "report": {"file": "r.csv", "sha256": "cd" * 32},
    "outcomes": {"cancelled": 2, "not_pending": 1, "failed": 1}, "not_pending": {"started": 1},
    "requests": 5, "read_backs": 1, "retries": 0, "throttled_429": 2,
    "effective_rate_per_second": 15.2, "verified": None,
    "running_jobs": [{
        "job_id": "busy", "job_type": "product-import", "created_at": None,
        "started_at": "2026-02-25T06:00:00Z", "as_of": "2026-02-25T06:13:21.250Z",
    }],
}  # fmt: skip
SAMPLES = [
    Sample(0.0, 0, 0),
    Sample(1.0, 20, 18),
    Sample(2.0, 20, 18, 2, "paused"),
    Sample(3.0, 20, 18, 2, "paused"),
    Sample(4.0, 40, 36, 2),
]


def page(
    text: str = "",
    rows: int | None = 2,
    samples: Sequence[Sample] = SAMPLES,
    **summary: Any,  # noqa: ANN401
) -> str:
    """Return a page with a text in all places that others fill."""
    row = {"job_id": f"job{text}", "outcome": "cancelled", "job_status": "cancelled"}
    row |= {"job_type": text, "detail": text, "finished_at": "2026-02-25T06:14:21.250Z"}
    failed = result(f"job{text}", Outcome.FAILED, detail=f"403 {text}", sent_at=1.0)
    doubtful = result("ours", doubtful=True, detail="by this run, or by somebody else")
    watch = Watch(f"store{text}", Tally(), Counter(), Output())
    watch.samples, watch.in_doubt = [*samples], [doubtful, failed]
    return page_of(SUMMARY | summary, watch, None if rows is None else [row] * rows)


def text_of(page: str) -> str:
    """Return what there is to read, scripts and styles included."""
    return unescape(re.sub("<[^>]*>", "", page))


PROVEN = {"agreed": 3, "checked": 4, "at": "now", "failure": ""}


@pytest.mark.parametrize(
    ("summary", "words"),
    [
        *(({}, words) for words in (
            "Cancelled 2 of 4 jobs", "store, 2026-02-25 06:13:20 to 2026-02-25 06:14:21 UTC",
            "Reason: INC-7", "started 1", "busy", "product-import", "2026-02-25 06:00:00", "403",
            "by this run, or by somebody else", "ab" * 32, "cd" * 32, "rate 20.0", "run-1",
            "paused: from 1 s to 3 s", "Verifiedno",
        )),
        ({"stopped": "three were forbidden"}, "Stopped early: three"),
        ({"verified": PROVEN}, "Verified3 of 4 rows at now"),
        ({"verified": PROVEN | {"failure": "no list"}}, "Verified3 of 4 rows at now: no list"),
    ],
)  # fmt: skip
def test_page_tells_what_a_review_asks_for(summary: dict[str, Any], words: str) -> None:
    """Counts, times, reason, running and doubtful jobs, options, hashes, and whether it was proven.

    What stopped a run early stands at the top, where something did; what failed is before what
    may have been somebody else's.
    """
    text = text_of(page(**summary))
    assert words in text
    assert text.index("403") < text.index("by this run, or by somebody else")
    assert ("Stopped early" in text) == ("stopped" in summary)


def test_page_escapes_whatever_comes_from_outside() -> None:
    """Ids, messages and names of a store with markup in them add no element and no attribute."""
    harmless, evil = page("x", reason="x"), page(EVIL, reason=EVIL)
    assert [evil.count(char) for char in "<>\"'"] == [harmless.count(char) for char in "<>\"'"]
    assert text_of(evil).count(EVIL) == 10


def test_page_needs_no_network() -> None:
    """Nothing of a page is fetched, and a policy forbids that and any other script."""
    text = page()
    assert not re.search(r"(src|href|url|import)\s*[=(]", text.split("<script>")[0])
    assert "default-src 'none'" in text


@pytest.mark.parametrize(("rows", "words"), [(2, "2 jobs"), (None, "see the report")])
def test_page_names_the_report_where_rows_are_too_many(rows: int | None, words: str) -> None:
    """A page has a row for each job, or says where those are."""
    text = page(rows=rows)
    assert words in text
    assert ("<details>" in text) == (rows is not None)


def test_page_sums_up_why_nothing_moved() -> None:
    """A store that refuses again and again fills no page with that."""
    refusing = [Sample(at, at, at, 0, "paused" if at % 4 == 1 else "") for at in range(40)]
    assert "<p>paused: 10 times from 0 s to 37 s, 10 s in all</p>" in page(samples=refusing)


def test_drawing_shows_rate_jobs_stalls_and_refusals() -> None:
    """The drawing is well-formed, with one shade for a stall and one mark for refusals."""
    drawn = ET.fromstring(timeline_svg(SAMPLES))  # noqa: S314  (our own)
    kinds = [each.get("class") for each in drawn]
    assert [kinds.count(kind) for kind in ("stall", "refused", "requests", "settled")] == [1] * 4
    assert stalls_of(SAMPLES) == [(1.0, 3.0, "paused")]
    assert drawn.get("aria-label") == "At most 20 requests a second; 36 jobs settled in 4 s"


def test_drawing_of_a_run_that_was_over_at_once() -> None:
    """A run without a second sample, or with two at once, has an empty drawing."""
    for samples in (SAMPLES[:1], SAMPLES[:1] * 2):
        assert "At most 1 requests a second; 0 jobs" in timeline_svg(samples)


def dump(path: Path, folder: Path) -> str:
    """Return the document as a browser has it once it has run what it would run."""
    flags = (
        "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run"
        " --disable-background-networking --disable-component-update --disable-sync --dump-dom"
    )
    command = [str(BROWSER), *flags.split(), f"--user-data-dir={folder}", path.as_uri()]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout


@pytest.mark.skipif(BROWSER is None, reason="no Chromium is installed")
def test_browser_runs_the_search_and_no_foreign_script(tmp_path: Path) -> None:
    """In a real browser markup in ids and messages stays text, and the search is offered."""
    (tmp_path / "page.html").write_text(page(EVIL, reason=EVIL))
    document = dump(tmp_path / "page.html", tmp_path / "profile")
    assert "<title>Cancelled 2 of 4 jobs</title>" in document
    search = re.search('<input id="search"[^>]*>', document)
    assert search
    assert "hidden" not in search[0]
