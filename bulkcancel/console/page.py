"""The page for the review of an incident: one HTML file that needs no network.

Everything from outside is escaped, and a policy in the page lets only its own script run.
"""

import hashlib
from base64 import b64encode
from collections.abc import Mapping, Sequence
from html import escape
from importlib.resources import files
from string import Template
from typing import Any

from bulkcancel.base.model import Outcome
from bulkcancel.base.text import duration
from bulkcancel.console.snapshot import explained
from bulkcancel.console.timeline_svg import stalls_of, timeline_svg
from bulkcancel.console.watch import Sample, Watch

_ROW = ("job_id", "outcome", "job_status", "job_type", "detail", "finished_at")
_RUNNING = ("job_id", "job_type", "created_at", "started_at", "as_of")
_IN_DOUBT = ("job_id", "outcome", "detail", "sent_at", "source")
_SCRIPT = """
const table = document.getElementById("rows"), search = document.getElementById("search");
if (search) {
  const rows = [...table.tBodies[0].rows], words = rows.map(row => row.textContent.toLowerCase());
  search.hidden = false;
  search.addEventListener("input", () => {
    const wanted = search.value.toLowerCase().split(" ");
    rows.forEach((row, i) => { row.hidden = !wanted.every(word => words[i].includes(word)); });
  });
}
"""
_LEGEND = (
    "Solid: requests a second (left). Dashed: jobs settled (right)."
    " Marks above: requests that the store refused (429). Shaded: nothing moved."
)

Row = Mapping[str, Any]


def page_of(summary: Mapping[str, Any], watch: Watch, rows: Sequence[Row] | None) -> str:
    """Return the page of a run.

    `summary` is what --summary writes as JSON. `rows` are the final rows of the report, None
    where they are too many or not in a file.
    """
    template = files("bulkcancel.console").joinpath("page.html").read_text(encoding="utf-8")
    counts = {Outcome(name): n for name, n in summary["outcomes"].items()}
    jobs = sum(counts.values()) - counts.get(Outcome.INVALID, 0)
    in_doubt = sorted(watch.in_doubt, key=lambda result: result.doubtful)  # what failed first
    return Template(template).substitute(
        script=_SCRIPT,
        script_hash=b64encode(hashlib.sha256(_SCRIPT.encode()).digest()).decode(),
        title=f"Cancelled {counts.get(Outcome.CANCELLED, 0):,} of {jobs:,} jobs",
        headline=_headline(summary, watch.store),
        bar="".join(f'<i style="--of:var(--{o});flex:{n}"></i>' for o, n in counts.items()),
        bar_label=", ".join(f"{outcome} {n:,}" for outcome, n in counts.items()),
        outcomes=_outcomes(counts, summary["not_pending"]),
        course=_course(watch.samples),
        running=_table(summary["running_jobs"], _RUNNING),
        doubtful=_table([result.as_dict() for result in in_doubt], _IN_DOUBT),
        how=_facts(_how(summary)),
        files=_facts(_files(summary)),
        rows=_rows(rows),
    )


def _headline(summary: Mapping[str, Any], store: str) -> str:
    begun, ended = (_moment(summary[name]) for name in ("started_at", "ended_at"))
    lines = [f"{store}, {begun} to {ended} UTC"]
    lines += [f"Reason: {summary['reason']}"] if summary["reason"] else []
    lines += [f"Stopped early: {summary['stopped']}"] if summary["stopped"] else []
    return "".join(f"<p>{escape(line)}</p>" for line in lines)


def _outcomes(counts: Mapping[Outcome, int], not_pending: Mapping[str, int]) -> str:
    lines = (
        f'<tr><td><span class="key" style="--of:var(--{outcome})"></span>{outcome}</td>'
        f'<td class="count">{n:,}</td><td>{escape(meaning)}</td></tr>'
        for outcome, n, meaning in explained(counts, not_pending)
    )
    return f'<table class="outcomes">{"".join(lines)}</table>'


def _course(samples: Sequence[Sample]) -> str:
    """Return the drawing, what its lines are, and why nothing moved, how often and how long."""
    spans: dict[str, list[tuple[float, float]]] = {}
    for begin, end, why in stalls_of(samples):
        spans.setdefault(why, []).append((begin, end))
    lines = "".join(f"<p>{escape(_stalls(why, each))}</p>" for why, each in spans.items())
    return f'<div class="wide">{timeline_svg(samples)}</div>{_soft(_LEGEND)}{lines}'


def _stalls(why: str, spans: Sequence[tuple[float, float]]) -> str:
    """Return why nothing moved, and when; a store may refuse now and then all the time."""
    course = f"from {duration(spans[0][0])} to {duration(spans[-1][1])}"
    if len(spans) == 1:
        return f"{why}: {course}"
    seconds = sum(end - begin for begin, end in spans)
    return f"{why}: {len(spans):,} times {course}, {duration(seconds)} in all"


def _how(summary: Mapping[str, Any]) -> dict[str, object]:
    rate = f"{summary['effective_rate_per_second']} of {summary['options']['rate']} per second"
    return {
        "Run": summary["run_id"],
        "Version": f"{summary['version']}, Python {summary['python']}",
        "Host": summary["host"],
        "Client id": summary["client_id"],
        "Exit code": summary["exit_code"],
        "Verified": _verified(summary["verified"]),
        "Took": duration(summary["elapsed_seconds"]),
        "Requests": f"{summary['requests']:,}, {rate}",
        "Read back, retried, refused (429)": ", ".join(
            f"{summary[name]:,}" for name in ("read_backs", "retries", "throttled_429")
        ),
        "Options": ", ".join(
            f"{name} {value}" for name, value in summary["options"].items() if value
        ),
    }


def _verified(verified: Mapping[str, Any] | None) -> str:
    if verified is None:
        return "no"
    agreed = f"{verified['agreed']:,} of {verified['checked']:,} rows at {verified['at']}"
    return f"{agreed}: {verified['failure']}" if verified["failure"] else agreed


def _files(summary: Mapping[str, Any]) -> dict[str, object]:
    inputs = {f"Input {each['file']}": each["sha256"] for each in summary["inputs"]}
    return {**inputs, f"Report {summary['report']['file']}": summary["report"]["sha256"]}


def _facts(facts: Mapping[str, object]) -> str:
    lines = (
        f"<tr><th>{escape(name)}</th><td><code>{escape(str(value))}</code></td></tr>"
        for name, value in facts.items()
        if value is not None
    )
    return f"<table>{''.join(lines)}</table>"


def _rows(rows: Sequence[Row] | None) -> str:
    if rows is None:
        return _soft("Too many, or not in a file: see the report.")
    return (
        f"<details><summary>{len(rows):,} jobs</summary>"
        '<input id="search" type="search" placeholder="Search" aria-label="Search" hidden>'
        f"{_table(rows, _ROW, 'rows')}</details>"
    )


def _table(rows: Sequence[Row], columns: Sequence[str], name: str = "") -> str:
    """Return a table with these columns of the rows."""
    if not rows:
        return _soft("None.")
    head = "".join(f"<th>{column}</th>" for column in columns)
    cells = ((_cell(row[column], column) for column in columns) for row in rows)
    body = "".join(f"<tr><td>{'</td><td>'.join(each)}</td></tr>" for each in cells)
    table = f"<table{f' id={name}' if name else ''}><thead><tr>{head}</tr></thead>"
    return f'<div class="wide">{table}<tbody>{body}</tbody></table></div>'


def _cell(value: object, column: str) -> str:
    text = str(value or "")
    return escape(_moment(text) if column.endswith(("_at", "_of")) else text)


def _moment(time: str) -> str:
    """Return a time of RFC 3339 to the second, as people write it."""
    return time[:19].replace("T", " ")


def _soft(text: str) -> str:
    return f'<p class="soft">{escape(text)}</p>'
