"""`python -m bulkcancel`, and the command itself: Ctrl-C is heeded even while it loads."""

import sys

from bulkcancel.base.loading import loading


def main() -> int:
    """Run the command; return its exit code."""
    try:
        with loading():
            from bulkcancel.cli.cancel import main as run  # noqa: PLC0415  (to import is to wait)
        return run()
    except KeyboardInterrupt:  # in the moments before it is heard
        return 130


if __name__ == "__main__":
    sys.exit(main())
