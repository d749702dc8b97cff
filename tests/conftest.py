"""Servers on loopback for the tests that use real HTTP, and the command line in-process."""

import asyncio
import os
import re
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import settings

from bulkcancel.base.text import Mask
from bulkcancel.cli.cancel import main
from bulkcancel.sandbox.server import Rules, Sandbox, seeds_of

SAMPLES = Path(__file__).parent.parent / "samples"
KEY = {"EPCC_CLIENT_ID": "night-operator", "EPCC_CLIENT_SECRET": "s3cret-of-the-store"}
settings.register_profile("unhurried", deadline=None)  # a busy machine is no fault
settings.load_profile("unhurried")

NOT_OURS = re.compile(r"(?i)BULKCANCEL_|EPCC_|.*_PROXY$|NO_COLOR$|FORCE_COLOR$")
Serve = Callable[[AbstractAsyncContextManager[str]], str]


@contextmanager
def served(server: AbstractAsyncContextManager[str]) -> Iterator[str]:
    """Run an async server in a thread of its own for the length of a `with`."""
    ready: list[str] = []
    started, loop = threading.Event(), asyncio.new_event_loop()
    ended = asyncio.Event()

    async def serve() -> None:
        async with server as url:
            ready.append(url)
            started.set()
            await ended.wait()

    def work() -> None:
        loop.run_until_complete(serve())
        loop.close()

    thread = threading.Thread(target=work)
    thread.start()
    assert started.wait(10), "the server did not start"
    try:
        yield ready[0]
    finally:
        loop.call_soon_threadsafe(ended.set)
        thread.join(10)


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Start servers that live until the test ends; returns their base URLs."""
    with ExitStack() as stack:
        yield lambda server: stack.enter_context(served(server))


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def rows(self) -> list[list[str]]:
        """Return the cells of a report on standard output, without its header."""
        return [line.split(",") for line in self.out.splitlines()[1:]]


Cli = Callable[..., Ended]


def _hang_up(_: int, __: object) -> None:
    """Do nothing: what was ignored stays without effect here, and is the default in children."""


@pytest.fixture(autouse=True)
def default_signals() -> Iterator[None]:
    """Start each test with the signals of a shell's foreground, whatever started pytest.

    Under `nohup`, in the background and by some CI runners INT or HUP are ignored, and
    children would inherit that.
    """
    meant = {signal.SIGINT: signal.default_int_handler, signal.SIGHUP: _hang_up}
    ignored = [number for number in meant if signal.getsignal(number) is signal.SIG_IGN]
    for number in ignored:
        signal.signal(number, meant[number])
    yield
    for number in ignored:
        signal.signal(number, signal.SIG_IGN)


@pytest.fixture(autouse=True)
def no_secrets_of_other_tests(monkeypatch: pytest.MonkeyPatch) -> None:
    """Secrets are those of the process: each test starts with none."""
    monkeypatch.setattr("bulkcancel.base.text._mask", Mask())


@pytest.fixture(autouse=True)
def at_home(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make home an empty folder: nobody's own profile has a say."""
    home = tmp_path_factory.getbasetemp() / "home"
    home.mkdir(exist_ok=True)
    monkeypatch.setenv("HOME", str(home))
    return home


KeepProfile = Callable[[str | bytes], Path]


@pytest.fixture
def keep_profile(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> KeepProfile:
    """Write `~/.epcc/config`, in a home folder of this test's own; returns the file."""
    home = tmp_path / "home"
    monkeypatch.setenv("HOME", str(home))

    def keep(text: str | bytes) -> Path:
        file = home / ".epcc" / "config"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text.encode() if isinstance(text, str) else text)
        return file

    return keep


@pytest.fixture
def cli(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path) -> Cli:
    """Run `bulkcancel` in this process, in an empty directory, no terminal, with only `env` set."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["bulkcancel"])
    monkeypatch.setattr("bulkcancel.console.prompt._TERMINAL", ("no/keyboard", "no/screen"))
    for name in [name for name in os.environ if NOT_OURS.match(name)]:
        monkeypatch.delenv(name)

    def run(*arguments: str | Path, stdin: str | None = "", **env: str) -> Ended:
        with monkeypatch.context() as patch:
            for name, value in env.items():
                patch.setenv(name, value)
            (tmp_path / "stdin").write_text(stdin or "", encoding="utf-8")
            with (tmp_path / "stdin").open(encoding="utf-8") as stream:
                patch.setattr("sys.stdin", None if stdin is None else stream)
                capfd.readouterr()
                code = main([str(argument) for argument in arguments])
        out, err = capfd.readouterr()
        return Ended(code, out, err)

    return run


def sandbox(count: int = 3, rules: Rules | None = None, **statuses: str) -> Sandbox:
    """Return a practice API with pending jobs `job-1`…, and more by id and status."""
    rows = [{"jobid": f"job-{i}"} for i in range(1, count + 1)]
    rows += [{"jobid": name.replace("_", "-"), "status": s} for name, s in statuses.items()]
    return Sandbox(seeds_of(rows), rules)
