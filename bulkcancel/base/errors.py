"""What ends a run; the exit code follows from its phase. A job's own trouble is a `JobResult`."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bulkcancel.base.model import JobResult


class BulkcancelError(Exception):
    """End the run; neither what is wrong nor the hint, what to do about it, has a secret in it.

    `results` are those of all jobs, where `cancel_jobs_sync` could not return them.
    """

    results: "Sequence[JobResult]" = ()

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
    """A report, or a file made of one, that can't be created, opened or resumed."""


class StoreError(BulkcancelError):
    """The store is no use: no token, no connection, a redirect, or too long a wait."""


LoginError = StoreError  # as the library called it before


class StoreUnreachableError(StoreError):
    """No token for now: the store did not answer, or could not log anybody in."""


class GuardError(BulkcancelError):
    """A guard ended the run; the rest is `not_attempted`."""


class Interruption(GuardError):
    """The operator, or the system, asked the run to end, with its own exit code."""

    def __init__(self, message: str, exit_code: int) -> None:
        super().__init__(message)
        self.exit_code = exit_code
