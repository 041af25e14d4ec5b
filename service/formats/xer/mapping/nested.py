"""Columns that become children with children: calendars and curves."""

from typing import Final

from service.formats.engine.interface import Node
from service.formats.xer.mapping.calendars import read_calendar
from service.formats.xer.tables import Cells
from service.formats.xer.values import NUMBER, TEXT

CURVE: Final = {f"pct_usage_{step}": f"Value{5 * step}" for step in range(21)}
"""The values of a resource curve, in steps of five percent, by column."""


def calendar(cells: Cells) -> list[Node]:
    """Return the week and the exceptions of a row of CALENDAR.

    Raises:
        ValueError: if its text is damaged.
    """
    data = cells.get("clndr_data")
    return [] if data is None else read_calendar(TEXT(data).decode())


def curve(cells: Cells) -> list[Node]:
    """Return the values of a row of RSRCCURVDATA."""
    values = [(name, NUMBER(cells[column])) for column, name in CURVE.items() if column in cells]
    return [("Values", values)] if values else []
