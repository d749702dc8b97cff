"""Servers on loopback for the tests that use real HTTP, and the command line in-process."""

import asyncio
import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import (
    AbstractAsyncContextManager,
    AbstractContextManager,
    ExitStack,
    contextmanager,
    nullcontext,
)
from pathlib import Path
from queue import SimpleQueue
from typing import IO, Any, Protocol, TextIO

import pytest
from hypothesis import settings

from bulkcancel.cli.cancel import main
from tests.support.practice import sandbox
from tests.support.programs import KEY, SETTINGS, Ended
from tests.support.virtual import VirtualLoop

__all__ = ["KEY", "Ended", "sandbox"]

SAMPLES = Path(__file__).parent.parent / "samples"
settings.register_profile("unhurried", deadline=None)  # a busy machine is no fault
settings.load_profile("unhurried")

Serve = Callable[[AbstractAsyncContextManager[str]], str]


class Server(Protocol):
    """A server that tests start."""

    def serve(self) -> AbstractAsyncContextManager[str]:
        """Serve for the length of a `with`, which yields the base URL."""
        ...


@contextmanager
def served(server: AbstractAsyncContextManager[str]) -> Iterator[str]:
    """Run an async server in a thread of its own for the length of a `with`."""
    ready: SimpleQueue[tuple[str, asyncio.AbstractEventLoop]] = SimpleQueue()
    ended = asyncio.Event()

    async def serve() -> None:
        async with server as url:
            ready.put((url, asyncio.get_running_loop()))
            await ended.wait()
            for _ in range(5):  # what has connected by now is taken, so that it is closed
                await asyncio.sleep(0)

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    url, loop = ready.get(timeout=10)
    try:
        yield url
    finally:
        loop.call_soon_threadsafe(ended.set)
        thread.join(10)


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Start servers that live until the test ends; returns their base URLs."""
    with ExitStack() as stack:
        yield lambda server: stack.enter_context(served(server))


def pytest_configure() -> None:
    """Start with the signals of a shell's foreground, whatever started pytest.

    Under `nohup`, in the background and by some CI runners INT or HUP are ignored, and
    children would inherit that.
    """
    meant = {signal.SIGINT: signal.default_int_handler, signal.SIGHUP: lambda _number, _frame: None}
    for number, handler in meant.items():
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, handler)


@pytest.fixture(autouse=True)
def no_secrets_of_other_tests(monkeypatch: pytest.MonkeyPatch) -> None:
    """Secrets are those of the process: each test starts with none."""
    monkeypatch.setattr("bulkcancel.base.masking._secrets", {})


@pytest.fixture(autouse=True)
def at_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Make home a folder that is not there: nobody's own profile has a say."""
    home = tmp_path / "home"
    monkeypatch.setenv("HOME", str(home))
    return home


def pytest_asyncio_loop_factories(
    item: pytest.Item,
) -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Let the clock of tests that are marked so jump from timer to timer."""
    in_virtual_time = item.get_closest_marker("virtual_time") is not None
    return {"loop": VirtualLoop if in_virtual_time else asyncio.new_event_loop}


KeepProfile = Callable[[str | bytes], Path]


@pytest.fixture
def keep_profile(at_home: Path) -> KeepProfile:
    """Write `~/.epcc/config`; returns the file."""

    def keep(text: str | bytes) -> Path:
        file = at_home / ".epcc" / "config"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text.encode() if isinstance(text, str) else text)
        return file

    return keep


@contextmanager
def fed_by(produce: Callable[[Callable[[bytes], object]], object]) -> Iterator[TextIO]:
    """Make a pipe that `produce` writes to, in a thread of its own, while a command reads it."""
    reading, writing = os.pipe()

    def work() -> None:
        with os.fdopen(writing, "wb", buffering=0) as pipe:
            produce(pipe.write)

    with ThreadPoolExecutor(1) as pool, os.fdopen(reading) as stream:
        fed = pool.submit(work)
        yield stream
        fed.result()


class Cli:
    """`bulkcancel` in this process, in an empty directory, without a terminal.

    Standard input is a file with a text, closed (None), or whatever a context manager opens.
    """

    def __init__(
        self,
        patch: pytest.MonkeyPatch,
        output: pytest.CaptureFixture[str],
        folder: Path,
        serve: Serve,
    ) -> None:
        self._patch, self._output, self._folder, self._serve = patch, output, folder, serve
        self._urls: dict[int, str] = {}
        self.program: Callable[[list[str]], int] = main

    def __call__(
        self,
        *arguments: str | Path,
        stdin: str | AbstractContextManager[IO[Any]] | None = "",
        **env: str,
    ) -> Ended:
        """Run the command with only `env` set."""
        file = self._folder / "stdin"
        if isinstance(stdin, str):
            file.write_text(stdin, encoding="utf-8")
            stdin = file.open(encoding="utf-8")
        with self._patch.context() as patch, stdin or nullcontext() as stream:
            for name, value in env.items():
                patch.setenv(name, value)
            patch.setattr("sys.stdin", stream)
            self._output.readouterr()
            try:
                code = self.program([str(argument) for argument in arguments])
            except SystemExit as left:  # a shell has asked for completions
                code = int(left.code or 0)
        out, err = self._output.readouterr()
        return Ended(code, out, err)

    def url(self, server: Server) -> str:
        """Return the base URL of a server, which is started when it is first asked for."""
        if id(server) not in self._urls:
            self._urls[id(server)] = self._serve(server.serve())
        return self._urls[id(server)]

    def against(self, server: Server, *arguments: str | Path, **options: Any) -> Ended:  # noqa: ANN401
        """Run the command against a server, with a login for it."""
        return self(*arguments, **{**KEY, "EPCC_API_BASE_URL": self.url(server), **options})


@pytest.fixture
def cli(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path, serve: Serve
) -> Cli:
    """Run `bulkcancel` in this process, as often as a test likes."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["bulkcancel"])
    monkeypatch.setattr("bulkcancel.console.prompt._TERMINAL", ("no/keyboard", "no/screen"))
    for name in [name for name in os.environ if SETTINGS.match(name)]:
        monkeypatch.delenv(name)
    return Cli(monkeypatch, capfd, tmp_path, serve)
