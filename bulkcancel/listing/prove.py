"""`--check --verify`: hold reports of earlier runs against what the store says now."""

import asyncio
import sys
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from bulkcancel.base.access import Access, find_access
from bulkcancel.base.errors import ConfigError, InputError, ReportError
from bulkcancel.base.model import Outcome
from bulkcancel.base.settings import Settings
from bulkcancel.base.tally import Tally
from bulkcancel.console import Output
from bulkcancel.engine import concurrency_for
from bulkcancel.epcc import connect
from bulkcancel.inputs import STDIN
from bulkcancel.listing.store_info import store_name
from bulkcancel.listing.verify import Verification, Verifier
from bulkcancel.report import Past, read_past, require_same_store, store_text


def prove(settings: Settings, environ: Mapping[str, str], output: Output) -> int:
    """Say whether the store confirms the reports that are the input; return 0 if it does.

    Raises `BulkcancelError` where they can't be read, or the store can't be asked.
    """
    report = settings.report
    if report.output or report.split or report.summary:
        raise ConfigError(
            "--check --verify writes no file", "leave out --output, --split and --summary"
        )
    if settings.store.sandbox:
        raise ConfigError("--verify needs the store of the report", "leave out --sandbox")
    past = [_read(file) for file in settings.jobs.files]
    access = find_access(settings.store, environ)
    verified = asyncio.run(_verify(settings, access, past, output))
    for difference in verified.differences:
        output.error(str(difference))
    say = output.error if verified.failure else output.note
    say(str(verified))
    return 0 if verified.is_clean else 1


def _read(file: str) -> Past:
    """Read a report; raises `InputError` or `ReportError`."""
    try:
        if file == STDIN:
            return read_past(sys.stdin.buffer, "standard input")
        with Path(file).open("rb") as lines:
            return read_past(lines, file)
    except OSError as error:
        raise InputError(f"{file}: {error.strerror}", "check the file's name") from None
    except ReportError as error:
        raise ReportError(error.message, "name the reports of earlier runs") from None


async def _verify(
    settings: Settings, access: Access, reports: list[Past], output: Output
) -> Verification:
    claims = dict[str, Outcome]()
    async with connect(access, settings.pace, Tally(), output.request) as sender:
        store = await store_name(sender)
        for past in reports:
            if not settings.report.allow_other_store:
                host = urlsplit(access.base_url).hostname or ""
                require_same_store(past, store_text(host, store.id))
            claims |= {job_id: earlier.outcome for job_id, earlier in past.jobs.items()}
        verifier = Verifier(sender, concurrency_for(settings.pace))
        return await verifier.verify(claims)
