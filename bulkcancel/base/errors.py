"""What ends a run: a small tree of exceptions, each with its exit code.

A job's own trouble is a `JobResult`, never one of these. The hint (what to do)
is kept apart from the message (what is wrong).
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bulkcancel.base.model import JobResult


class BulkcancelError(Exception):
    """End the run; `exit_code` is what the process returns.

    `message` says what is wrong and where, `hint` what to do about it; both are
    one line, without a secret in them.
    """

    exit_code = 2
    told = False  # the operator has read it already

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}; {self.hint}" if self.hint else self.message


class ConfigError(BulkcancelError, ValueError):
    """An option or a variable that can't be used, or one that is missing."""


class InputError(BulkcancelError):
    """A list of ids that can't be read without guessing."""


class ReportError(BulkcancelError):
    """A report that can't be created; no cancel has been sent yet."""


class LoginError(BulkcancelError):
    """No usable token, or no way to reach the store."""


class GuardError(BulkcancelError):
    """A guard ended the run after it had begun; the rest is `not_attempted`.

    `results` are those of all jobs, where `cancel_jobs_sync` could not return them.
    """

    exit_code = 4
    results: "Sequence[JobResult]" = ()


class Interruption(GuardError):
    """The operator, or the system, asked the run to end, with its own exit code."""

    def __init__(self, message: str, exit_code: int) -> None:
        super().__init__(message)
        self.exit_code = exit_code


class PipeClosed(GuardError):
    """The reader of standard output went away: nothing to complain about."""
