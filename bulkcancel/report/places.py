"""Where the files of a run go, and which places are refused before anything is sent."""

import os
import stat
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from bulkcancel.base.errors import ReportError
from bulkcancel.base.text import visible
from bulkcancel.report.by_outcome import split_files
from bulkcancel.report.destination import ELSEWHERE, STDOUT, name_of
from bulkcancel.report.regular_file import followed, read_regular
from bulkcancel.report.rows import FIRST_COLUMNS, Format, Layout

_REPORT = "choose another --output"
_REDIRECT = "redirect it to another file; a shell empties that one before the run begins"
_SPLIT = "name another folder with --split"
_SUMMARY = "name another place with --summary"
_SPLIT_HEADER = Layout(Format.CSV, FIRST_COLUMNS).header.rstrip()  # and perhaps more columns
_OTHER_FORMATS = frozenset(
    {
        *(".json", ".xml", ".yaml", ".yml", ".html", ".pdf"),
        *(".tsv", ".xls", ".xlsx", ".ods", ".parquet"),
        *(".gz", ".bz2", ".xz", ".zst", ".zip"),
    }
)


@dataclass(frozen=True, slots=True)
class Plan:
    """The files that a run reads and writes, and what may happen to existing ones.

    `target` is the report, `-` for standard output; `chosen` its format, None: by its name.
    `resumable` tells that one that is there could be resumed.
    """

    target: str
    chosen: str | None = None
    overwrite: bool = False
    resume: bool = False
    resumable: bool = True
    split: Path | None = None
    summaries: tuple[Path, ...] = ()
    inputs: tuple[str, ...] = ()

    @property
    def format(self) -> Format:
        """Return the chosen format, else that of the file's suffix, else CSV."""
        if self.chosen:
            return Format(self.chosen)
        jsonl = Path(self.target).suffix.lower() in {".jsonl", ".ndjson"}
        return Format.JSONL if jsonl else Format.CSV

    @property
    def is_stream(self) -> bool:
        """Tell whether the report goes to standard output, a pipe or a device."""
        path = Path(self.target)
        return self.target == STDOUT or (path.exists() and not path.is_file())

    @property
    def is_pipe(self) -> bool:
        """Tell whether the report goes to a named pipe, which needs a reader first."""
        return self.target != STDOUT and Path(self.target).is_fifo()


def choose_target(output: str | None, chosen: str | None, *, kept: bool = True) -> str:
    """Return where the report goes: the file asked for, `-`, or a new time-stamped file.

    Standard output is no place if it is a terminal, closed, or the null device; one that need
    not be `kept` goes nowhere then.
    """
    if output:
        return output
    if not (sys.stdout is None or sys.stdout.isatty() or stdout_is_null()):
        return STDOUT
    if not kept:
        return os.devnull
    return f"bulkcancel-{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}.{chosen or Format.CSV}"


def stdout_is_null() -> bool:
    """Tell whether what goes to standard output is lost."""
    with suppress(OSError):
        found = os.fstat(1)
        return stat.S_ISCHR(found.st_mode) and found.st_rdev == Path(os.devnull).stat().st_rdev
    return False


def check_places(plan: Plan) -> None:
    """Refuse files that can't be written, or that would replace another; raises `ReportError`."""
    try:
        for name, _, hint in _written(plan):
            _check_name(name, hint)
        _check_distinct(plan)
        if plan.target != STDOUT:
            _check_report(plan)
        if plan.split is not None:
            _check_split(plan, plan.split)
        for path in plan.summaries:
            _check_summary(plan, path)
    except OSError as error:
        what = f"{error.filename or 'the current folder'} can't be used: {error.strerror}"
        raise ReportError(what, ELSEWHERE) from None


def _check_name(name: str, hint: str) -> None:
    in_letters = os.fsencode(name).decode(errors="replace")  # it need not be UTF-8
    if visible(in_letters) != in_letters:
        hint = f"does a script have Windows line ends? or {hint}"
        raise ReportError(f"{visible(name)} has characters in its name that can't be seen", hint)
    if Path(name).is_symlink() and not Path(name).exists():
        raise ReportError(f"{name} is a link to {Path(name).readlink()}, which is not there", hint)


def _check_distinct(plan: Plan) -> None:
    """Refuse two names of one file; only a report that is resumed may be an input as well."""
    roles = {
        _identity(name, 0): "standard input" if name == STDOUT else f"the input {name}"
        for name in plan.inputs
    }
    if plan.resume:
        roles.pop(_identity(plan.target, 1), None)
    for name, role, hint in _written(plan):
        identity = _identity(name, 1)
        if identity is not None and identity in roles:
            raise ReportError(f"{name_of(name)} is also {roles[identity]}", hint)
        roles[identity] = role


def _written(plan: Plan) -> Iterator[tuple[str, str, str]]:
    """Yield the name, the role and a hint for each file that the run writes."""
    yield plan.target, "the report", _REDIRECT if plan.target == STDOUT else _REPORT
    for path in plan.summaries:
        yield str(path), "a summary", _SUMMARY
    if plan.split is not None:
        for path in (plan.split, *split_files(plan.split).values()):
            yield str(path), "a file of the split", _SPLIT


def _identity(name: str, standard: int) -> object:
    """Return what all names of a file share, None where it is no regular file.

    `standard` is the descriptor that `-` stands for.
    """
    try:
        found = os.stat(standard if name == STDOUT else name)  # noqa: PTH116  (or a descriptor)
    except OSError:
        with suppress(OSError):  # the current folder may be gone
            return os.path.realpath(name)
        return name
    return (found.st_dev, found.st_ino) if stat.S_ISREG(found.st_mode) else None


def _check_report(plan: Plan) -> None:
    target, path = plan.target, Path(plan.target)
    if path.suffix.lower() in _OTHER_FORMATS and not (plan.chosen or plan.resume):
        hint = "name it .csv or .jsonl, or add --format"
        raise ReportError(f"{target} would hold {plan.format}, which its name does not say", hint)
    if not path.exists():
        _check_folder(path, _REPORT)
    elif path.is_dir():
        raise ReportError(f"{target} is a directory", "name a file in it with --output")
    elif plan.resume and plan.is_stream:
        raise ReportError(f"{target} is not a file, and can't be resumed", _REPORT)
    elif not (plan.resume or plan.overwrite or plan.is_stream):
        resume = "resume it (--resume), " if plan.resumable else ""
        hint = f"{resume}replace it (--overwrite), or {_REPORT}"
        raise ReportError(f"{target} exists already", hint)


def _check_folder(path: Path, hint: str) -> None:
    if not os.access(path.parent, os.W_OK):
        why = "in a folder that does not exist, or can't be written to"
        raise ReportError(f"{path} would be {why}", hint)


def _check_split(plan: Plan, folder: Path) -> None:
    followed(str(folder))
    if plan.is_stream:
        raise ReportError("--split needs a report in a file", "name one with --output")
    if folder.exists() and not folder.is_dir():
        raise ReportError(f"{folder} is not a folder", _SPLIT)
    there = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    if not os.access(there, os.W_OK | os.X_OK):
        raise ReportError(f"{folder} can't be written to", _SPLIT)
    for path in filter(Path.exists, split_files(folder).values()):
        if not (plan.overwrite or plan.resume):
            hint = f"replace the files of an earlier split (--overwrite), or {_SPLIT}"
            raise ReportError(f"{path} exists already", hint)
        if plan.resume and read_regular(path, len(_SPLIT_HEADER)) != _SPLIT_HEADER:
            raise ReportError(f"{path} is not of an earlier run", _SPLIT)


def _check_summary(plan: Plan, path: Path) -> None:
    _check_folder(path, _SUMMARY)
    if path.exists() and not path.is_file():
        raise ReportError(f"{path} is not a file", _SUMMARY)
    if path.exists() and not (plan.overwrite or plan.resume):
        raise ReportError(f"{path} exists already", f"replace it (--overwrite), or {_SUMMARY}")
