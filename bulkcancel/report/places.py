"""Where the files of a run go, and which places are refused before anything is sent."""

import os
import stat
import sys
import time
from collections.abc import Collection, Iterator
from contextlib import suppress
from pathlib import Path

from bulkcancel.base.errors import ReportError
from bulkcancel.base.model import Outcome
from bulkcancel.base.settings import ReportOptions
from bulkcancel.base.text import visible
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


def target_of(options: ReportOptions) -> str:
    """Return where the report goes: a file, or `-` for standard output."""
    return options.output or STDOUT


def format_of(options: ReportOptions) -> Format:
    """Return the chosen format, else that of the file's suffix, else CSV."""
    if options.format:
        return Format(options.format)
    jsonl = Path(target_of(options)).suffix.lower() in {".jsonl", ".ndjson"}
    return Format.JSONL if jsonl else Format.CSV


def is_stream(target: str) -> bool:
    """Tell whether a report goes to standard output, a pipe or a device."""
    path = Path(target)
    return target == STDOUT or (path.exists() and not path.is_file())


def is_pipe(target: str) -> bool:
    """Tell whether a report goes to a named pipe, which needs a reader first."""
    return target != STDOUT and Path(target).is_fifo()


def split_files(folder: Path) -> dict[Outcome, Path]:
    """Return the file that holds the rows of each outcome."""
    return {outcome: folder / f"{outcome.value}.csv" for outcome in Outcome}


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


def check_places(options: ReportOptions, inputs: Collection[str] = ()) -> None:
    """Refuse files that can't be written, or that would replace another; raises `ReportError`.

    `inputs` are the files of the run, none where only a list is written.
    """
    try:
        for name, _, hint in _written(options):
            _check_name(name, hint)
        _check_distinct(options, inputs)
        _check_report(options, can_resume=bool(inputs))
        if options.split is not None:
            _check_split(options, options.split)
        for path in options.summary:
            _check_folder(path, _SUMMARY)
            if path.exists() and not path.is_file():
                raise ReportError(f"{path} is not a file", _SUMMARY)
            if path.exists() and not (options.overwrite or options.resume):
                raise ReportError(
                    f"{path} exists already", f"replace it (--overwrite), or {_SUMMARY}"
                )
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


def _check_distinct(options: ReportOptions, inputs: Collection[str]) -> None:
    """Refuse two names of one file; only a report that is resumed may be an input as well."""
    roles = {
        _identity(name, 0): "standard input" if name == STDOUT else f"the input {name}"
        for name in inputs
    }
    if options.resume:
        roles.pop(_identity(target_of(options), 1), None)
    for name, role, hint in _written(options):
        identity = _identity(name, 1)
        if identity is not None and identity in roles:
            raise ReportError(f"{name_of(name)} is also {roles[identity]}", hint)
        roles[identity] = role


def _written(options: ReportOptions) -> Iterator[tuple[str, str, str]]:
    """Yield the name, the role and a hint for each file that the run writes."""
    target = target_of(options)
    yield target, "the report", _REDIRECT if target == STDOUT else _REPORT
    for path in options.summary:
        yield str(path), "a summary", _SUMMARY
    if options.split is not None:
        for path in (options.split, *split_files(options.split).values()):
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


def _check_report(options: ReportOptions, *, can_resume: bool) -> None:
    target, path = target_of(options), Path(target_of(options))
    if path.suffix.lower() in _OTHER_FORMATS and not (options.format or options.resume):
        what = f"{target} would hold {format_of(options)}, which its name does not say"
        raise ReportError(what, "name it .csv or .jsonl, or add --format")
    if target != STDOUT and path.is_dir():
        raise ReportError(f"{target} is a directory", "name a file in it with --output")
    if is_stream(target):
        if options.resume:
            raise ReportError(f"{target} is not a file, and can't be resumed", _REPORT)
    elif not path.exists():
        _check_folder(path, _REPORT)
    elif not (options.resume or options.overwrite):
        resume = "resume it (--resume), " if can_resume else ""
        hint = f"{resume}replace it (--overwrite), or {_REPORT}"
        raise ReportError(f"{target} exists already", hint)


def _check_folder(path: Path, hint: str) -> None:
    if not os.access(path.parent, os.W_OK):
        why = "in a folder that does not exist, or can't be written to"
        raise ReportError(f"{path} would be {why}", hint)


def _check_split(options: ReportOptions, folder: Path) -> None:
    followed(str(folder))
    if is_stream(target_of(options)):
        raise ReportError("--split needs a report in a file", "name one with --output")
    if folder.exists() and not folder.is_dir():
        raise ReportError(f"{folder} is not a folder", _SPLIT)
    there = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    if not os.access(there, os.W_OK | os.X_OK):
        raise ReportError(f"{folder} can't be written to", _SPLIT)
    for path in filter(Path.exists, split_files(folder).values()):
        if not (options.overwrite or options.resume):
            hint = f"replace the files of an earlier split (--overwrite), or {_SPLIT}"
            raise ReportError(f"{path} exists already", hint)
        if options.resume and read_regular(path, len(_SPLIT_HEADER)) != _SPLIT_HEADER:
            raise ReportError(f"{path} is not of an earlier run", _SPLIT)
