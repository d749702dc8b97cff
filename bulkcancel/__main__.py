"""`python -m bulkcancel`, and the command itself: Ctrl-C is heeded even while it loads."""

import gc
import sys

from bulkcancel.base.loading import loading


def main() -> int:
    """Run the command; return its exit code."""
    # hundreds of requests in flight leave next to no cycles: at the usual 700 objects the
    # search for them took a fifth of a run's CPU
    gc.set_threshold(10_000, 20, 20)
    try:
        with loading():
            from bulkcancel.cli.cancel import main as run  # noqa: PLC0415  (to import is to wait)
        return run()
    except KeyboardInterrupt:  # in the moments before it is heard
        return 130


if __name__ == "__main__":
    sys.exit(main())
