"""The rates of resources on the day of the export, which P6 XML states with the resource."""

from typing import Final

from service.formats.xer.tables import Cells
from service.formats.xer.values import DATE

TABLE: Final = "RSRCRATE"
_COLUMNS: Final = ("max_qty_per_hr", "cost_per_qty")
_MOST: Final = 20_000
"""Resources whose rates are noted. The further ones have theirs in ``ResourceRate`` only."""
_LONGEST: Final = 40
"""Bytes of a cell that is noted."""
_NONE: Final[Cells] = {}


class CurrentRates:
    """The rates in effect on one day.

    Args:
        day: of the export, as the first line of the file has it. Without one, no rate is known to
            be in effect.
    """

    def __init__(self, day: bytes) -> None:
        self._day = _read_date(day)[:10]
        self._rates: dict[bytes, tuple[bytes, Cells]] = {}

    def note(self, cells: Cells) -> None:
        """Note a row of the table, unless it begins later, or holds for some shifts only."""
        start, resource = _read_date(cells.get("start_date", b"")), cells.get("rsrc_id", b"")
        if not start or start[:10] > self._day or "shift_period_id" in cells:
            return
        known = self._rates.get(resource)
        if known[0] > start if known else len(self._rates) >= _MOST:
            return
        rate = {column: cells[column] for column in _COLUMNS if column in cells}
        if max(map(len, (resource, *rate.values()))) <= _LONGEST:
            self._rates[resource] = start, rate

    def of(self, resource: bytes) -> Cells:
        """Return the cells of the rate of a resource; none if it is not known."""
        return self._rates.get(resource, (b"", _NONE))[1]


def _read_date(cell: bytes) -> bytes:
    """Return a date as P6 XML has it; empty if it cannot be read."""
    date = DATE(cell)
    return date if b"T" in date else b""
