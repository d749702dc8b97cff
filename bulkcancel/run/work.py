"""What a run is asked for, once all that can be refused without a request is checked."""

from dataclasses import dataclass

from bulkcancel.base.access import Access
from bulkcancel.base.settings import Settings
from bulkcancel.console import Output
from bulkcancel.inputs import Input
from bulkcancel.report import EarlierReport, Plan
from bulkcancel.run.remaining import Remaining


@dataclass(frozen=True, slots=True)
class Work:
    """The settings, and what follows from them: input, report, and what is left to do."""

    settings: Settings
    access: Access
    output: Output
    input: Input
    left: Remaining
    plan: Plan
    before: EarlierReport
