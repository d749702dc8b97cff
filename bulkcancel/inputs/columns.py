"""Find the id column of a table by the cells of its first row: no column is guessed."""

import re
from dataclasses import dataclass

from bulkcancel.base.errors import InputError
from bulkcancel.base.model import Outcome, is_uuid
from bulkcancel.base.text import one_line
from bulkcancel.inputs import job_ids
from bulkcancel.inputs.job_ids import BLANK

NAME_IT = "name it: --column NAME or --column NUMBER"
NUMBER = re.compile(r"[0-9]{1,6}")  # that `--column` gives, not a name
_RUN_ID_AT = 12  # in the rows of a report
_RUN_ID = re.compile(r"[0-9]{8}T[0-9]{6}Z-[0-9a-f]{8}")
_OUTCOMES = frozenset(outcome.value for outcome in Outcome)
_SHOWN = 12  # columns


@dataclass(frozen=True, slots=True)
class Column:
    """Where the ids are: a 0-based index, and whether the first row is a header.

    `note` says how the first row was read where that is not plain. `is_certain` tells that
    the operator has named the column, or that its first id is a UUID.
    """

    index: int
    has_header: bool = False
    note: str = ""
    is_certain: bool = False


def find_column(cells: list[str], column: str | None, file: str) -> Column:
    """Find the id column by the cells of the first row; raises `InputError`."""
    cells = [cell.strip(BLANK) for cell in cells]
    if column is not None and NUMBER.fullmatch(column):
        return _numbered(cells, int(column), file)
    wanted = job_ids.id_places(tuple(cells), column)
    if column is not None or wanted:
        if len(wanted) != 1:
            name = cells[wanted[0]] if column is None else column
            count = "two columns are" if wanted else "no column is"
            raise InputError(f"{count} named {one_line(name, 40)!r}: {seen(cells)}", NAME_IT)
        return Column(wanted[0], has_header=True, is_certain=column is not None)
    if len(cells) > _RUN_ID_AT and cells[1] in _OUTCOMES and _RUN_ID.fullmatch(cells[_RUN_ID_AT]):
        return Column(0, is_certain=True)  # a row of a report, whose header a filter has dropped
    uuids = [place for place, cell in enumerate(cells) if is_uuid(cell)]
    if len(uuids) == 1:
        return Column(uuids[0], is_certain=True)
    ids = uuids or [place for place, cell in enumerate(cells) if job_ids.is_id(cell)]
    if len(ids) != 1 or any(map(job_ids.has_uuid, cells)):
        raise _no_column(cells, len(ids))
    if not job_ids.may_be_data(cells[ids[0]]):
        what = f'"{one_line(cells[ids[0]], 40)}" may be a header as well as a job id'
        hint = f"if it is a header, add --column {ids[0] + 1}; if not, put a line id above it"
        raise InputError(what, hint)
    return Column(ids[0])


def _no_column(cells: list[str], ids: int) -> InputError:
    """Say what is wrong with a first row that has this many ids, and no id column."""
    what = "no column is certain to hold job ids" if ids else "there is no job id column"
    has_uuid, hint = any(map(job_ids.has_uuid, cells)), NAME_IT
    if len(cells) == 1 and has_uuid:
        what, hint = job_ids.problem_of(cells[0], ""), job_ids.EXTRACT
    elif len(cells) == 1:
        hint = "if it is a header, add --column 1; if not, take the line out"
    elif ids == len(cells) > 2:
        hint = f"if all of them are job ids, put one on each line; if not, {NAME_IT}"
    elif has_uuid and not any(map(is_uuid, cells)):
        hint = f"{NAME_IT}; or {job_ids.EXTRACT}"
    return InputError(f"{what}: {seen(cells)}", hint)


def _numbered(cells: list[str], number: int, file: str) -> Column:
    """Return the column of a 1-based number, and how its first row is read."""
    if not 1 <= number <= len(cells):
        what = f"there is no column {number}: {seen(cells)}"
        raise InputError(what, "columns are counted from 1")
    cell, named = cells[number - 1], bool(job_ids.id_places(tuple(cells)))
    is_header = named or not (is_uuid(cell) or job_ids.may_be_data(cell))
    what = "a header, not as a job id" if is_header else "a job id, not as a header"
    note = f'the first row of {file} is read as {what}: "{one_line(cell, 40)}"'
    return Column(number - 1, is_header, "" if named or is_uuid(cell) else note, is_certain=True)


def seen(cells: list[str]) -> str:
    """Return the columns as a refusal names them."""
    shown = ", ".join(f'{i} "{one_line(cell, 40)}"' for i, cell in enumerate(cells[:_SHOWN], 1))
    return f"the columns are {shown}{', …' if len(cells) > _SHOWN else ''}"
