"""What a run is asked for, once all that can be refused without a request is checked."""

from dataclasses import dataclass

from bulkcancel.config import Settings
from bulkcancel.console import Console
from bulkcancel.earlier import Left
from bulkcancel.inputs import Input
from bulkcancel.record import Before, Plan


@dataclass(frozen=True, slots=True)
class Work:
    """The settings, and what follows from them: input, report, and what is left to do."""

    settings: Settings
    console: Console
    input: Input
    left: Left
    plan: Plan
    before: Before
