"""`python -m bulkcancel`."""

import sys

from bulkcancel.cli import main

sys.exit(main())
