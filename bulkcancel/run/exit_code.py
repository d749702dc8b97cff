"""The exit code of a run: by what stopped it and when, else by what was counted."""

from bulkcancel.base.errors import BulkcancelError, Interruption
from bulkcancel.base.model import Outcome
from bulkcancel.base.tally import Tally

_GOOD = {Outcome.CANCELLED, Outcome.WOULD_CANCEL, Outcome.DRY_RUN}
_WORTH_RESUMING = {Outcome.FAILED, Outcome.UNKNOWN, Outcome.INVALID, Outcome.NOT_ATTEMPTED}


def exit_code(
    tally: Tally, stopped: BulkcancelError | None, *, sent: bool, proven: bool = True
) -> int:
    """Return 0 to 4, or the code of a signal.

    `sent` tells that a job was sent before the end; `proven` is False where the store does
    not confirm the report.
    """
    if isinstance(stopped, Interruption):
        return stopped.exit_code
    if stopped is not None:
        return 4 if sent else 2
    short = {outcome for outcome, count in tally.outcomes.items() if count} - tally.allow - _GOOD
    if tally.found_none:  # which may be the wrong store, whatever is allowed
        short.add(Outcome.NOT_FOUND)
    if not proven or tally.input_incomplete or short & _WORTH_RESUMING:
        return 1
    return 3 if short else 0
