"""The page for the review of an incident: one HTML file that needs no network.

Everything from outside is escaped, and a policy in the page lets only its own script run.
"""

import hashlib
from base64 import b64encode
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from importlib.resources import files
from string import Template
from typing import Any

from bulkcancel.base.model import JobResult, Outcome
from bulkcancel.base.text import duration, timestamp
from bulkcancel.console.snapshot import statuses
from bulkcancel.console.summary import MEANING
from bulkcancel.console.timeline import Sample
from bulkcancel.console.timeline_svg import stalls_of, timeline_svg

PAGE_BEGINNING = b"<!doctype html>\n<!-- bulkcancel -->\n"  # tells our pages from others
MOST_ROWS = 10_000  # in a page; beyond that it names the report
_ROW = ("job_id", "outcome", "job_status", "job_type", "detail", "finished_at")
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

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Page:
    """What a page shows.

    `summary` is what --summary writes as JSON, `store` names the store, `samples` are those
    of the run. `running` are the jobs that had already been started, `doubtful` those that
    failed, are unknown, or may have been cancelled by somebody else. `rows` are the final
    rows of the report, None where they are too many or not in a file.
    """

    summary: Mapping[str, Any]
    store: str
    samples: Sequence[Sample]
    running: Sequence[JobResult]
    doubtful: Sequence[JobResult]
    rows: Sequence[Row] | None

    def html(self) -> str:
        """Return the page."""
        template = files("bulkcancel.console").joinpath("page.html").read_text(encoding="utf-8")
        summary, script_hash = self.summary, hashlib.sha256(_SCRIPT.encode()).digest()
        counts = {Outcome(name): n for name, n in summary["outcomes"].items()}
        doubtful = sorted(self.doubtful, key=lambda result: result.doubtful)  # what failed first
        return Template(template).substitute(
            script=_SCRIPT,
            script_hash=b64encode(script_hash).decode(),
            title=_title(counts),
            headline=self._headline(),
            bar=_bar(counts),
            bar_label=", ".join(f"{outcome} {n:,}" for outcome, n in counts.items()),
            outcomes=_outcomes(counts, summary["not_pending"]),
            course=self._course(),
            running=_table(map(_running, self.running)) or _none("None that this run has seen."),
            doubtful=_table(map(_doubtful, doubtful)) or _none("None."),
            how=_facts(_how(summary)),
            files=_facts(_files(summary)),
            rows=self._rows(),
        )

    def _headline(self) -> str:
        summary = self.summary
        begun, ended = (_moment(summary[name]) for name in ("started_at", "ended_at"))
        lines = [f"{self.store}, {begun} to {ended} UTC"]
        lines += [f"Reason: {summary['reason']}"] if summary["reason"] else []
        lines += [f"Stopped early: {summary['stopped']}"] if summary["stopped"] else []
        return "".join(f"<p>{escape(line)}</p>" for line in lines)

    def _course(self) -> str:
        """Return the drawing, what its lines are, and why nothing moved, how often and how long."""
        legend = _none(
            "Solid: requests a second (left). Dashed: jobs settled (right)."
            " Marks above: requests that the store refused (429). Shaded: nothing moved."
        )
        drawing = f'<div class="wide">{timeline_svg(self.samples)}</div>'
        spans: dict[str, list[tuple[float, float]]] = {}
        for begin, end, why in stalls_of(self.samples):
            spans.setdefault(why, []).append((begin, end))
        lines = "".join(f"<p>{escape(_stalls(why, each))}</p>" for why, each in spans.items())
        return drawing + legend + lines

    def _rows(self) -> str:
        if self.rows is None:
            return _none(f"More than {MOST_ROWS:,}, or not in a file: see the report.")
        return (
            f"<details><summary>{len(self.rows):,} jobs</summary>"
            '<input id="search" type="search" placeholder="Search" aria-label="Search" hidden>'
            f"{_table(({name: row[name] for name in _ROW} for row in self.rows), 'rows')}</details>"
        )


def _title(counts: Mapping[Outcome, int]) -> str:
    jobs = sum(counts.values()) - counts.get(Outcome.INVALID, 0)
    return f"Cancelled {counts.get(Outcome.CANCELLED, 0):,} of {jobs:,} jobs"


def _stalls(why: str, spans: Sequence[tuple[float, float]]) -> str:
    """Return why nothing moved, and when; a store may refuse now and then all the time."""
    course = f"from {duration(spans[0][0])} to {duration(spans[-1][1])}"
    if len(spans) == 1:
        return f"{why}: {course}"
    seconds = sum(end - begin for begin, end in spans)
    return f"{why}: {len(spans):,} times {course}, {duration(seconds)} in all"


def _bar(counts: Mapping[Outcome, int]) -> str:
    parts = (f'<i style="--of:var(--{outcome});flex:{n}"></i>' for outcome, n in counts.items())
    return "".join(parts)


def _outcomes(counts: Mapping[Outcome, int], not_pending: Mapping[str, int]) -> str:
    meaning = MEANING | {Outcome.NOT_PENDING: statuses(not_pending)}
    lines = (
        f'<tr><td><span class="key" style="--of:var(--{outcome})"></span>{outcome}</td>'
        f'<td class="count">{n:,}</td><td>{escape(meaning[outcome])}</td></tr>'
        for outcome, n in counts.items()
    )
    return f'<table class="outcomes">{"".join(lines)}</table>'


def _how(summary: Mapping[str, Any]) -> dict[str, object]:
    rate = f"{summary['effective_rate_per_second']} of {summary['options']['rate']} per second"
    return {
        "Run": summary["run_id"],
        "Version": f"{summary['version']}, Python {summary['python']}",
        "Host": summary["host"],
        "Client id": summary["client_id"],
        "Exit code": summary["exit_code"],
        "Verified": _verified(summary),
        "Took": duration(summary["elapsed_seconds"]),
        "Requests": f"{summary['requests']:,}, {rate}",
        "Read back, retried, refused (429)": ", ".join(
            f"{summary[name]:,}" for name in ("read_backs", "retries", "throttled_429")
        ),
        "Options": _listed(summary["options"]),
    }


def _verified(summary: Mapping[str, Any]) -> str:
    verified = summary.get("verified")
    if not verified:
        return "no"
    agreed = f"{verified['agreed']:,} of {verified['checked']:,} rows at {verified['at']}"
    return f"{agreed}: {verified['failure']}" if verified["failure"] else agreed


def _listed(facts: Mapping[str, object]) -> str:
    return ", ".join(f"{name} {value}" for name, value in facts.items() if value)


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


def _running(result: JobResult) -> Row:
    state = result.state
    return {
        "job": result.job_id,
        "type": state.type,
        "created": _moment(state.created_at),
        "started": _moment(state.started_at),
        "seen running": _moment(timestamp(result.finished_at)),
    }


def _doubtful(result: JobResult) -> Row:
    outcome = "cancelled, perhaps by somebody else" if result.doubtful else result.outcome.value
    return {
        "job": result.job_id,
        "outcome": outcome,
        "why": result.detail,
        "first sent": _moment(timestamp(result.sent_at)),
        "source": result.row.source,
    }


def _moment(time: str | None) -> str:
    """Return a time of RFC 3339 to the second, as people write it."""
    return (time or "")[:19].replace("T", " ")


def _table(rows: Iterable[Row], name: str = "") -> str:
    """Return a table of rows with the same columns, '' without rows."""
    head, body = "", []
    for row in rows:
        head = head or "".join(f"<th>{escape(column)}</th>" for column in row)
        cells = (escape("" if value is None else str(value)) for value in row.values())
        body.append(f"<tr><td>{'</td><td>'.join(cells)}</td></tr>")
    if not body:
        return ""
    table = f"<table{f' id={name}' if name else ''}><thead><tr>{head}</tr></thead>"
    return f'<div class="wide">{table}<tbody>{"".join(body)}</tbody></table></div>'


def _none(text: str) -> str:
    return f'<p class="soft">{escape(text)}</p>'
