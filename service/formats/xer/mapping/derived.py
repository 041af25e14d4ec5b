"""Children that P6 XML states and an XER file implies.

A value is derived only where it follows from the row alone. The cells are the file's, but the marks
of numbers are the point of XML. These functions run for each activity and assignment of a file.
"""

import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Final

from service.formats.values import plain
from service.formats.xer.tables import Cells, Leaf
from service.formats.xer.values import DATE, NUMBER, PERCENT

_ZERO: Final = b"0"
_MILESTONES: Final = frozenset({b"TT_Mile", b"TT_FinMile"})
_NUMBER: Final = re.compile(rb"[+-]?[0-9]{1,11}(?:\.[0-9]{0,16})?(?:[eE]-0?[0-9]{1,2})?")
"""A number that can be added. P6 writes 17 digits at most, and the rest of a calculation, such as
``1.13686837721616E-013``, with an exponent."""
_DECIMALS: Final = 16


def activity(cells: Cells) -> Iterator[Leaf]:
    """Derive the dates, the percentages and the sums of an activity.

    ``ActualDuration``, and with it ``AtCompletionDuration`` of an activity that has started, needs
    the activity's calendar.
    """
    get = cells.get
    yield from _dates(cells)
    done, other_done = get("act_work_qty"), get("act_equip_qty")
    labor = _add(done, get("remain_work_qty"))
    other = _add(other_done, get("remain_equip_qty"))
    if labor is not None:
        yield "AtCompletionLaborUnits", labor
    if other is not None:
        yield "AtCompletionNonLaborUnits", other
    status, remaining = get("status_code"), get("remain_drtn_hr_cnt")
    if get("task_type") in _MILESTONES:
        yield "ActualDuration", _ZERO
        yield "AtCompletionDuration", _ZERO
    elif status == b"TK_NotStart":
        yield "ActualDuration", _ZERO
        if remaining is not None:
            yield "AtCompletionDuration", remaining
    duration = _duration(status, get("target_drtn_hr_cnt"), remaining)
    if duration is not None:
        yield "DurationPercentComplete", duration
    units = None
    if labor is not None and other is not None:
        units = _share(_add(done, other_done), _add(labor, other))
        if units is not None:
            yield "UnitsPercentComplete", units
    percent: bytes | None = None
    match get("complete_pct_type"):
        case b"CP_Drtn":
            percent = duration
        case b"CP_Phys":
            physical = get("phys_complete_pct")
            percent = None if physical is None else PERCENT(physical)
        case b"CP_Units":
            percent = units
    if percent is not None:
        yield "PercentComplete", percent


def assignment(cells: Cells) -> Iterator[Leaf]:
    """Derive the dates and the sums of an assignment."""
    yield from _dates(cells)
    get = cells.get
    for actual, at_completion, regular, overtime, remaining in (
        ("ActualUnits", "AtCompletionUnits", "act_reg_qty", "act_ot_qty", "remain_qty"),
        ("ActualCost", "AtCompletionCost", "act_reg_cost", "act_ot_cost", "remain_cost"),
    ):
        done = _add(get(regular), get(overtime))
        if done is not None:
            yield actual, done
        elif regular in cells or overtime in cells:
            continue
        complete = _add(done, get(remaining))
        if complete is not None:
            yield at_completion, complete


def resource(cells: Cells) -> Iterator[Leaf]:
    """Derive the rate of a resource. The cells include those of the rate on the export's day."""
    for name, column in ("MaxUnitsPerTime", "max_qty_per_hr"), ("PricePerUnit", "cost_per_qty"):
        if column in cells:
            yield name, NUMBER(cells[column])


def expense(cells: Cells) -> Iterator[Leaf]:
    """Derive the cost of an expense at completion."""
    complete = _add(cells.get("act_cost"), cells.get("remain_cost"))
    if complete is not None:
        yield "AtCompletionCost", complete


def schedule_options(cells: Cells) -> Iterator[Leaf]:
    """Derive the one choice that an XER file has as two flags."""
    choice = {
        (b"Y", b"N"): b"Retained Logic",
        (b"N", b"Y"): b"Progress Override",
        (b"N", b"N"): b"Actual Dates",
    }.get((cells.get("sched_retained_logic", b""), cells.get("sched_progress_override", b"")))
    if choice is not None:
        yield "OutOfSequenceScheduleType", choice


def _dates(cells: Cells) -> Iterator[Leaf]:
    """Derive the current start and finish: actual, else remaining early, else planned.

    An assignment has no other dates; an activity without planned dates has early ones.
    """
    get = cells.get
    start = get("act_start_date") or get("restart_date") or get("target_start_date")
    if start := start or get("early_start_date"):
        yield "StartDate", DATE(start)
    finish = get("act_end_date") or get("reend_date") or get("target_end_date")
    if finish := finish or get("early_end_date"):
        yield "FinishDate", DATE(finish)


def _duration(status: bytes | None, planned: bytes | None, remaining: bytes | None) -> bytes | None:
    """Return the share of the planned duration that is done."""
    if status == b"TK_NotStart":
        return _ZERO
    if status == b"TK_Complete":
        return b"1"
    if planned is None or remaining is None or not _are_numbers(planned, remaining):
        return None
    whole, left = float(planned), float(remaining)
    return _fraction(max(whole - left, 0.0), whole) if whole > 0 else None


def _share(part: bytes | None, whole: bytes | None) -> bytes | None:
    """Return the share of the units that are done, which is 0 without units."""
    if part is None or whole is None:
        return None
    return _ZERO if part == _ZERO else _fraction(float(part), float(whole))


def _fraction(part: float, whole: float) -> bytes | None:
    """Return a share, or None if it cannot be one: remaining units may be negative."""
    if not 0 <= part <= whole or not whole:
        return None
    return f"{part / whole:.10f}".rstrip("0").rstrip(".").encode()


def _add(first: bytes | None, second: bytes | None) -> bytes | None:
    """Return the sum of two numbers, of which a blank one is 0; None if it cannot be known."""
    if first is None or first == _ZERO:
        first, second = second, first
    if first is None:
        return second
    if second is None or second == _ZERO:
        return NUMBER(first) if _are_numbers(first) else None
    if not _are_numbers(first, second):
        return None
    return plain(round(Decimal(first.decode()) + Decimal(second.decode()), _DECIMALS)).encode()


def _are_numbers(*cells: bytes) -> bool:
    return all(map(_NUMBER.fullmatch, cells))
