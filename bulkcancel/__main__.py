"""`python -m bulkcancel`, and the commands themselves: signals are heard even while they load."""

import sys
from importlib import import_module

from bulkcancel.base.interrupts import exit_on_signal, ignore_signals


def main() -> int:
    """Run `bulkcancel`; return its exit code."""
    return _run("bulkcancel.cli.cancel", cancels=True)


def jobs() -> int:
    """Run `bulkcancel-jobs`; return its exit code."""
    return _run("bulkcancel.cli.jobs", cancels=False)


def sandbox() -> int:
    """Run `bulkcancel-sandbox`; return its exit code."""
    return _run("bulkcancel.cli.sandbox", cancels=False)


def _run(module: str, *, cancels: bool) -> int:
    exit_on_signal(cancels=cancels)
    exit_code = int(import_module(module).main())  # to import is to wait
    ignore_signals()
    return exit_code


if __name__ == "__main__":
    sys.exit(main())
