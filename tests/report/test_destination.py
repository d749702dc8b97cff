"""The report as a stream: standard output, pipes and devices, slow or absent readers; reserves."""

import errno
import fcntl
import io
import os
import tempfile
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from unittest.mock import Mock

import pytest

from bulkcancel.base.errors import GuardError, ReportError
from bulkcancel.report.append_file import create
from bulkcancel.report.destination import STDOUT, Destination, Stream, open_stream, standard_output
from tests.support.disks import (
    FULL,
    NO_ROOM,
    full_device,
    linux_only,
    no_space,
    scarce,
    stdout_to,
    unread_pipe,
)


@pytest.mark.usefixtures("capfd")
def test_standard_output_is_never_truncated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that others write to as well is not cut, even where a line did not fit."""
    target = tmp_path / "both"
    file = os.open(target, os.O_RDWR | os.O_CREAT)
    os.write(file, b"of another program\n")
    monkeypatch.setattr(os, "write", scarce(2))
    with stdout_to(file), pytest.raises(GuardError, match=f"standard output {NO_ROOM}"):
        standard_output().append(b"two\n")
    assert target.read_bytes() == b"of another program\ntw"


@pytest.mark.parametrize(
    ("broken", "words"),
    [
        pytest.param(full_device, f"report.csv {NO_ROOM}; {FULL}", marks=linux_only),
        (unread_pipe, "nobody reads the report any more"),
    ],
    ids=["full", "pipe"],
)
def test_a_broken_stream_stops_the_run(broken: Callable[[], int], words: str) -> None:
    """A line that can't be written ends the run, and so does a pipe without a reader."""
    with closing(Stream(broken(), "report.csv")) as stream, pytest.raises(GuardError) as raised:
        stream.append(b"line\n")
    assert str(raised.value) == words


def test_a_slow_reader_gets_a_long_line_whole() -> None:
    """A non-blocking pipe takes a line of any length as its reader gets to it."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    line, stream = os.urandom(300_000), Stream(writing, "pipe")
    with ThreadPoolExecutor(1) as pool, os.fdopen(reading, "rb") as end:
        got = pool.submit(end.read)
        stream.append(line)
        stream.close()
        assert got.result(10) == line


@linux_only
def test_a_reader_that_stopped_is_given_up_after_the_limit() -> None:
    """A pipe that stays full blocks until a limit is set; after it nothing waits at all."""
    reading, writing = os.pipe()
    size = fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, 4096)
    stream = Stream(writing, STDOUT)
    stream.append(b"x" * size)
    limit = threading.Timer(0.02, lambda: stream.limit_wait(0.0))
    limit.start()
    for _ in range(2):
        with pytest.raises(GuardError, match="standard output can't be written: its reader does"):
            stream.append(b"line\n")
    limit.join()
    assert len(os.read(reading, 2 * size)) == size
    os.close(reading)
    os.close(writing)


def test_a_pipe_that_another_process_filled_is_tried_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Where a pipe that had space has none any more, the line still arrives whole."""
    reading, writing = os.pipe()
    write = Mock(side_effect=[BlockingIOError(errno.EAGAIN, "again"), 2, 3])
    monkeypatch.setattr(os, "write", write)
    with closing(Stream(writing, "pipe")) as stream:
        stream.append(b"line\n")
    os.close(reading)
    assert [bytes(call.args[1]) for call in write.mock_calls] == [b"line\n", b"line\n", b"ne\n"]


def test_a_pipe_is_abandoned_once_its_reader_has_gone() -> None:
    """A reader that had enough is told from one that is slow."""
    reading, writing = os.pipe()
    stream = Stream(writing, "pipe")
    assert not stream.is_abandoned()
    os.close(reading)
    assert stream.is_abandoned()
    stream.close()


def test_a_device_is_neither_synced_nor_removed() -> None:
    """A device is written as it is, and is still there when the report is discarded."""
    stream = open_stream(os.devnull)
    stream.append(b"line\n")
    stream.sync()
    stream.discard()
    assert Path(os.devnull).exists()


def test_what_has_become_no_stream_is_refused(tmp_path: Path) -> None:
    """A file in place of the pipe that was asked for is not written to, nor is a folder."""
    (tmp_path / "r").write_text("precious")
    with pytest.raises(ReportError, match="r was replaced by a file"):
        open_stream(str(tmp_path / "r"))
    assert (tmp_path / "r").read_text() == "precious"
    with pytest.raises(ReportError, match="can't be opened: Is a directory; choose another"):
        open_stream(str(tmp_path))


@pytest.mark.usefixtures("capfd")
@pytest.mark.parametrize("name", ["standard output", "r.csv"])
def test_a_disk_that_fails_to_sync_is_a_guard(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk is waited for, be it behind standard output; what it did not keep ends the run."""
    with stdout_to(os.open(tmp_path / "out", os.O_RDWR | os.O_CREAT)):
        output = create(str(tmp_path / name)) if name == "r.csv" else standard_output()
        output.sync()
        monkeypatch.setattr(os, "fsync", Mock(side_effect=OSError(errno.EIO, "I/O error")))
        with pytest.raises(GuardError, match=f"{name} can't be written: I/O error"):
            output.sync()
        output.close()


def test_standard_output_stays_open_when_closed(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Closing the report leaves it to the rest of the program; one that is closed is refused."""
    stream = open_stream(STDOUT)
    stream.append(b"line\n")
    stream.close()
    os.write(1, b"more\n")
    assert capfd.readouterr().out == "line\nmore\n"
    monkeypatch.setattr("sys.stdout", None)
    with pytest.raises(ReportError, match="standard output is closed; name a file with --output"):
        standard_output()


@linux_only
@pytest.mark.usefixtures("capfd")
def test_standard_output_reserves_space_on_the_disk_behind_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where standard output is a file, Linux tells its folder; other systems don't."""
    with stdout_to(os.open(tmp_path / "r.csv", os.O_RDWR | os.O_CREAT)):
        assert standard_output()._folder == tmp_path
        monkeypatch.setattr(Path, "readlink", Mock(side_effect=no_space()))
        assert standard_output()._folder is None


# --- space that is reserved on the disk


@pytest.fixture
def output(tmp_path: Path) -> Iterator[Destination]:
    made = create(str(tmp_path / "r.csv"))
    yield made
    made.discard()


class Small(io.BytesIO):
    """A file on a disk with 1000 bytes left, which takes 300 at a time."""

    def write(self, some: bytes, /) -> int:  # type: ignore[override]
        fits = min(300, 1000 - self.tell())
        if fits <= 0:
            raise no_space()
        return super().write(some[:fits])


def test_reserved_space_is_taken_on_the_disk(output: Destination, tmp_path: Path) -> None:
    """Reserved space is taken up by a file that has no name, until it is given back."""
    output.hold(800)
    assert output._reserve is not None
    assert os.fstat(output._reserve.fileno()).st_size == 800
    assert list(tmp_path.iterdir()) == [tmp_path / "r.csv"]
    output.release()
    assert output._reserve is None
    assert output.spent is None


def test_too_little_space_is_refused_and_given_back(
    output: Destination, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where there is not enough space for all, a report that is not begun takes none."""
    file = Small()
    monkeypatch.setattr(tempfile, "TemporaryFile", Mock(return_value=file))
    output.hold(1000)
    with pytest.raises(GuardError, match=f"r.csv {NO_ROOM}; {FULL}"):
        output.hold(1)
    output.discard()
    assert file.closed


@pytest.mark.parametrize("folder", [None, Path("nowhere")])
def test_a_folder_that_takes_no_file_needs_no_reserve(
    folder: Path | None, output: Destination
) -> None:
    """A folder that takes no new file, or is not known, is no reason to refuse."""
    output._folder = folder
    output.hold(800)
    assert output._reserve is None


def test_a_reserve_is_released_on_a_disk_that_fails(
    output: Destination, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What goes wrong with space that nobody needs any more is nobody's concern."""
    file = Mock(write=len, close=Mock(side_effect=no_space()))
    monkeypatch.setattr(tempfile, "TemporaryFile", Mock(return_value=file))
    output.hold(800)
    output.release()
    output.release()
    file.close.assert_called_once_with()
