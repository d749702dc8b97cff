"""What people type who know other tools, and what they need here."""

from collections.abc import Sequence
from pathlib import Path

_OPTIONS = {
    ("--json", "--jsonl"): "--format jsonl writes a JSON report, --log-format json JSON log lines",
    ("--csv",): "the report is CSV, unless --format or the name of the report says otherwise",
    ("-f", "--force", "--no-confirm", "--confirm", "--assume-yes", "--non-interactive"): (
        "--yes leaves out the question"
    ),
    ("-i", "--file", "--input", "--ids", "--id", "--job-id"): (
        "name files without an option (bulkcancel jobs.csv), or pipe ids in"
    ),
    ("-p", "--parallel", "--threads", "--workers", "--max-concurrency"): (
        "--concurrency limits the requests in flight, --rate those per second"
    ),
    (
        "--rps",
        "--qps",
        "--limit",
        "--rate-limit",
        "--throttle",
    ): "--rate limits requests per second",
    ("--token", "--client-id", "--client-secret", "--secret", "--api-key", "--password"): (
        "a login is never an argument: set EPCC_CLIENT_ID and EPCC_CLIENT_SECRET in the environment"
    ),
    ("--url", "--host", "--endpoint", "--region", "--store"): "--base-url names the store's API",
    ("--debug", "--trace", "--log-level"): "-v shows each job, -vv each request",
    ("--silent",): "-q shows nothing but errors",
    ("--retry", "--max-retries"): "--retries says how often a job's cancel is sent again",
    ("--continue", "--append", "--restart"): "--resume -o REPORT resumes an interrupted run",
    ("--out", "--report", "--output-file"): "-o names the report",
    ("--dryrun", "--simulate", "--test", "--noop", "--what-if"): (
        "--dry-run uses no network, --check only reads"
    ),
    ("--all", "--list", "--status", "--type", "--since", "--until", "--follow"): (
        "bulkcancel-jobs lists a store's queue, with --status, --type, --since and --follow"
    ),
    ("-d", "--delimiter", "--separator", "--sep"): (
        "the separator is found by itself; -c names the column"
    ),
}
_WORDS = {
    "help": "bulkcancel --help shows all options",
    "version": "bulkcancel --version shows it",
    "list": "bulkcancel-jobs lists a store's queue",
    "jobs": "bulkcancel-jobs lists a store's queue",
    "sandbox": "bulkcancel --sandbox FILE practises, bulkcancel-sandbox serves the practice API",
    "cancel": "leave the word out: bulkcancel jobs.csv",
    "run": "leave the word out: bulkcancel jobs.csv",
    "check": "bulkcancel FILE --check only reads",
    "resume": "bulkcancel FILE --resume -o REPORT resumes an interrupted run",
}


def hint_for_option(name: str) -> str:
    """Return what to use in place of an option that there is not, '' where that is not known."""
    return next((hint for names, hint in _OPTIONS.items() if name in names), "")


def hint_for_files(files: Sequence[str]) -> str:
    """Return what to type in place of a first word that is a command elsewhere, and no file."""
    hint = _WORDS.get(files[0].lower(), "") if files else ""
    return hint if hint and not Path(files[0]).exists() else ""
