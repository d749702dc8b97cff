"""`python -m bulkcancel`, and the command itself: signals are heard even while it loads."""

import sys

from bulkcancel.base.interrupts import exit_on_signal, ignore_signals


def main() -> int:
    """Run the command; return its exit code."""
    exit_on_signal()
    from bulkcancel.cli.cancel import main as run  # noqa: PLC0415  (to import is to wait)

    exit_code = run()
    ignore_signals()
    return exit_code


if __name__ == "__main__":
    sys.exit(main())
