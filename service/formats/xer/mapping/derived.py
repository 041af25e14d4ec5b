"""Children that P6 XML states and an XER file implies.

A value is derived only where it follows from the row alone. The cells are the file's, but the marks
of numbers are the point of XML.
"""

import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Final

from service.formats.text_cache import TextCache
from service.formats.values import plain
from service.formats.xer.tables import Cells, Leaf
from service.formats.xer.values import DATE, PERCENT

_ZERO: Final = b"0"
_NUMBER: Final = re.compile(rb"[+-]?[0-9]{1,11}(?:\.[0-9]{0,16})?")
"""A number that is added without rounding. P6 writes 17 digits at most."""
_RATIO: Final = Decimal("1e-10")


def activity(cells: Cells) -> Iterator[Leaf]:
    """Derive the dates, the percentage and the sums of an activity.

    ``ActualDuration``, and with it ``AtCompletionDuration`` of an activity that has started, needs
    the activity's calendar.
    """
    status = cells.get("status_code")
    yield from _dates(cells, "early_start_date", "early_end_date")
    if status == b"TK_NotStart":
        yield "ActualDuration", _ZERO
        remaining = cells.get("remain_drtn_hr_cnt")
        if remaining is not None:
            yield "AtCompletionDuration", remaining
    labor = total(cells, "act_work_qty", "remain_work_qty")
    other = total(cells, "act_equip_qty", "remain_equip_qty")
    if labor is not None:
        yield "AtCompletionLaborUnits", labor
    if other is not None:
        yield "AtCompletionNonLaborUnits", other
    percentages = {
        b"CP_Phys": _physical(cells),
        b"CP_Drtn": _duration(cells, status),
        b"CP_Units": _units(cells, labor, other),
    }
    for name, value in (
        ("DurationPercentComplete", percentages[b"CP_Drtn"]),
        ("UnitsPercentComplete", percentages[b"CP_Units"]),
        ("PercentComplete", percentages.get(cells.get("complete_pct_type", b""))),
    ):
        if value is not None:
            yield name, value


def assignment(cells: Cells) -> Iterator[Leaf]:
    """Derive the dates and the sums of an assignment."""
    yield from _dates(cells)
    for actual, at_completion, columns in (
        ("ActualUnits", "AtCompletionUnits", ("act_reg_qty", "act_ot_qty", "remain_qty")),
        ("ActualCost", "AtCompletionCost", ("act_reg_cost", "act_ot_cost", "remain_cost")),
    ):
        done = total(cells, *columns[:2])
        if done is not None:
            yield actual, done
        complete = total(cells, *columns)
        if complete is not None:
            yield at_completion, complete


def schedule_options(cells: Cells) -> Iterator[Leaf]:
    """Derive the one choice that an XER file has as two flags."""
    retained, override = (
        cells.get(name) for name in ("sched_retained_logic", "sched_progress_override")
    )
    if retained is not None and override is not None:
        choice = {
            (b"Y", b"N"): b"Retained Logic",
            (b"N", b"Y"): b"Progress Override",
            (b"N", b"N"): b"Actual Dates",
        }.get((retained, override))
        if choice is not None:
            yield "OutOfSequenceScheduleType", choice


def _dates(cells: Cells, *early: str) -> Iterator[Leaf]:
    """Derive the current start and finish: actual, else remaining early, else planned."""
    starts = ("act_start_date", "restart_date", "target_start_date", *early[:1])
    finishes = ("act_end_date", "reend_date", "target_end_date", *early[1:])
    for name, columns in ("StartDate", starts), ("FinishDate", finishes):
        for column in columns:
            cell = cells.get(column)
            if cell is not None:
                yield name, DATE(cell)
                break


def _physical(cells: Cells) -> bytes | None:
    cell = cells.get("phys_complete_pct")
    return None if cell is None else PERCENT(cell)


def _duration(cells: Cells, status: bytes | None) -> bytes | None:
    if status == b"TK_NotStart":
        return _ZERO
    if status == b"TK_Complete":
        return b"1"
    planned, remaining = (
        _decimal(cells.get(name, b"")) for name in ("target_drtn_hr_cnt", "remain_drtn_hr_cnt")
    )
    if planned is None or remaining is None or planned <= 0:
        return None
    return _fraction(max(planned - remaining, Decimal(0)), planned)


def _units(cells: Cells, labor: bytes | None, other: bytes | None) -> bytes | None:
    actual = total(cells, "act_work_qty", "act_equip_qty")
    if actual is None or labor is None or other is None:
        return None
    whole, part = _decimal(_TOTALS[labor, other] or b""), _decimal(actual)
    if whole is None or part is None:
        return None
    return _fraction(part, whole) if part else _ZERO


def _fraction(part: Decimal, whole: Decimal) -> bytes | None:
    """Return the share that is done, or None if it cannot be: remaining work may be negative."""
    if not 0 <= part <= whole:
        return None
    return plain((part / whole).quantize(_RATIO)).encode()


def total(cells: Cells, *columns: str) -> bytes | None:
    """Return the sum of columns; a blank one is 0, unless all are blank."""
    known = [cell for column in columns if (cell := cells.get(column)) is not None]
    return _TOTALS[tuple(cell for cell in known if cell != _ZERO)] if known else None


def _add(terms: tuple[bytes, ...]) -> bytes | None:
    values = [_decimal(term) for term in terms]
    numbers = [value for value in values if value is not None]
    if len(numbers) < len(terms):
        return None
    return plain(sum(numbers, Decimal(0))).encode()


_TOTALS: Final = TextCache(_add)


def _decimal(cell: bytes) -> Decimal | None:
    return Decimal(cell.decode()) if _NUMBER.fullmatch(cell) else None
