"""What people type who know other tools, and what they need here."""

from collections.abc import Sequence
from pathlib import Path

_OPTIONS = {  # but for those whose nearest option, which click names, is the right one
    ("--json", "--jsonl"): "--format jsonl writes a JSON report, --log-format json JSON log lines",
    ("-f", "--force", "--no-confirm", "--assume-yes"): "--yes leaves out the question",
    ("-i", "--file", "--input", "--ids", "--job-id"): (
        "name files without an option (bulkcancel jobs.csv), or pipe ids in"
    ),
    ("-p", "--parallel", "--threads", "--workers"): (
        "--concurrency limits the requests in flight, --rate those per second"
    ),
    ("--rps", "--qps", "--limit", "--throttle"): "--rate limits requests per second",
    ("--token", "--client-id", "--client-secret", "--secret", "--api-key", "--password"): (
        "a login is never an argument: set EPCC_CLIENT_ID and EPCC_CLIENT_SECRET in the environment"
    ),
    ("--host", "--endpoint", "--region", "--store"): "--base-url names the store's API",
    ("--debug", "--trace", "--log-level"): "-v shows each job, -vv each request",
    ("--continue", "--append", "--restart"): "--resume -o REPORT resumes an interrupted run",
    ("--simulate", "--test", "--noop", "--what-if"): (
        "--dry-run uses no network, --check only reads"
    ),
    ("--all", "--list", "--status", "--type", "--since", "--until", "--follow"): (
        "bulkcancel-jobs lists a store's queue, with --status, --type, --since and --follow"
    ),
}
_WORDS = {
    "help": "bulkcancel --help shows all options",
    "list": "bulkcancel-jobs lists a store's queue",
    "sandbox": "bulkcancel --sandbox FILE practises, bulkcancel-sandbox serves the practice API",
    "cancel": "leave the word out: bulkcancel jobs.csv",
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
