"""Looks in the database for every cell of an XER file.

The file is read, and its cells are compared with what is stored, without code or mapping of the
service. A cell is found if the record of its row has it, as text, date, number, flag, word or GUID.
The name of the member or column is not prescribed, but one column of a table must have one name in
all rows, and two columns must have two.
"""

import re
from base64 import b64decode
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import suppress
from datetime import date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any, Final
from uuid import UUID

from tests.support.leaves import Leaves, json_leaves
from tests.support.p6_leaves import same_hours

Cells = dict[str, str]
Tables = dict[str, list[Cells]]
Path = tuple[str, ...]


def read_tables(content: bytes) -> Tables:
    """Return the rows of a file by table, without blank cells."""
    tables: Tables = defaultdict(list)
    table, columns = "", [""]
    for line in decode(content).replace("\r\n", "\n").split("\n"):
        mark, *cells = line.split("\t")
        if mark == "%T":
            table = cells[0].strip()
        elif mark == "%F":
            columns = [name.strip() for name in cells]
        elif mark == "%R":
            further = len(cells) - len(columns)
            note = [number for number, cell in enumerate(cells) if cell.lower().startswith("<html")]
            if further > 0 and note:  # a text with tabs
                [first, last] = note[0], note[0] + further + 1
                cells[first:last] = ["\t".join(cells[first:last])]
            row = {name: cell for name, cell in zip(columns, cells, strict=False) if cell.strip()}
            tables[table].append(row)
    return tables


def decode(content: bytes) -> str:
    """Return the text of a file that is UTF-8 as a whole, or else in the code page of Windows."""
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return "".join(map(_WINDOWS.__getitem__, content))


_WINDOWS: Final = [bytes([code]).decode("cp1252", "ignore") or chr(code) for code in range(256)]


WORDS: Final[Mapping[str, tuple[str, ...]]] = {
    "TK_NotStart": ("Not Started",),
    "TK_Active": ("In Progress",),
    "TK_Complete": ("Completed",),
    "TT_Task": ("Task Dependent",),
    "TT_Rsrc": ("Resource Dependent",),
    "TT_LOE": ("Level of Effort",),
    "TT_Mile": ("Start Milestone",),
    "TT_FinMile": ("Finish Milestone",),
    "TT_WBS": ("WBS Summary",),
    "DT_FixedDrtn": ("Fixed Duration and Units/Time",),
    "DT_FixedDUR2": ("Fixed Duration and Units",),
    "DT_FixedQty": ("Fixed Units",),
    "DT_FixedRate": ("Fixed Units/Time",),
    "CP_Drtn": ("Duration",),
    "CP_Phys": ("Physical",),
    "CP_Units": ("Units",),
    "PT_Top": ("Top",),
    "PT_High": ("High",),
    "PT_Normal": ("Normal",),
    "PT_Low": ("Low",),
    "PT_Lowest": ("Lowest",),
    "PR_FS": ("Finish to Start", "FS"),
    "PR_SS": ("Start to Start", "SS"),
    "PR_FF": ("Finish to Finish", "FF"),
    "PR_SF": ("Start to Finish", "SF"),
    "CS_ALAP": ("As Late As Possible",),
    "CS_MANDSTART": ("Mandatory Start",),
    "CS_MANDFIN": ("Mandatory Finish",),
    "CS_MSO": ("Start On",),
    "CS_MSOA": ("Start On or After",),
    "CS_MSOB": ("Start On or Before",),
    "CS_MEO": ("Finish On",),
    "CS_MEOA": ("Finish On or After",),
    "CS_MEOB": ("Finish On or Before",),
}
"""The words of P6 XML for the words that planners ask about. All others may be either's."""
_OTHER_WORD: Final = re.compile(r"[A-Z]{2,4}_\w+|[A-Z_]{4,}|rcal_\w+|[.,]")
_DATE: Final = re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d(:\d\d)?")


def _as_text(cell: str, leaf: str) -> bool:
    return leaf in (cell, cell.replace('""', '"').replace("\x7f\x7f", "\n"), cell.strip())


def _as_flag(cell: str, leaf: str) -> bool:
    return leaf in {"Y": ("1", "t", "true"), "N": ("0", "f", "false")}.get(cell, ())


def _as_date(cell: str, leaf: str) -> bool:
    if _DATE.fullmatch(cell) is None or _DATE.fullmatch(leaf) is None:
        return False
    return datetime.fromisoformat(cell) == datetime.fromisoformat(leaf)


def _as_number(cell: str, leaf: str) -> bool:
    with suppress(InvalidOperation):
        number = Decimal(cell)
        if leaf.startswith("PT"):
            return same_hours(cell, leaf)
        return Decimal(leaf) in (number, number / 100)
    return False


def _as_guid(cell: str, leaf: str) -> bool:
    with suppress(ValueError):
        return len(cell) == 22 and UUID(bytes_le=b64decode(cell + "==")) == UUID(leaf)
    return False


def _as_color(cell: str, leaf: str) -> bool:
    return len(cell) == 6 and leaf in (f"#{cell}", f"#{cell[4:]}{cell[2:4]}{cell[:2]}")


def _as_word(cell: str, leaf: str) -> bool:
    if cell in WORDS:
        return leaf in WORDS[cell]
    return _OTHER_WORD.fullmatch(cell) is not None and leaf[:1].isupper()


_WAYS: Final[tuple[Callable[[str, str], bool], ...]] = (
    *(_as_text, _as_flag, _as_date, _as_number, _as_guid, _as_color, _as_word),
)


@lru_cache(200_000)
def says(cell: str, leaf: str) -> bool:
    """Return whether a stored text has the meaning of a cell."""
    return any(way(cell, leaf) for way in _WAYS)


class Record:
    """A stored record, or a child of one.

    Attributes:
        leaves: texts by path; the path of a column is its name after ``=``.
        table: of its row; ``project``, or ``outside`` for a shared object or a child.
        children: the objects inside its attributes.
    """

    def __init__(
        self, attributes: Mapping[str, Any], columns: Mapping[str, Any], table: str = "outside"
    ) -> None:
        self.leaves = json_leaves(attributes)
        for name, text in columns.items():
            if isinstance(text, str):
                self.leaves["=" + name,] = [text]
        self.table = table
        self.children = [
            Record(each, {})
            for value in attributes.values()
            for each in (value if isinstance(value, list) else [value])
            if isinstance(each, dict)
        ]

    def paths(self, cell: str, among: Iterable[Path] | None = None) -> set[Path]:
        """Return where the record has a cell, of all places or of some."""
        return {
            path
            for path in (self.leaves if among is None else among)
            if any(says(cell, text) for text in self.leaves.get(path, ()))
        }


class Names:
    """The names under which the columns of one table are found."""

    def __init__(self) -> None:
        self.found: dict[str, set[Path]] = {}

    def add(self, row: Mapping[str, str], record: Record, left_out: Collection[str]) -> bool:
        """Return whether a record has the cells of its row, and learn their names."""
        found = {}
        for column, cell in row.items():
            if column not in left_out:
                found[column] = record.paths(cell, self.found.get(column))
                if not found[column]:
                    return False
        self.found |= found
        return True

    def lost(self, row: Mapping[str, str], record: Record, left_out: Collection[str]) -> list[str]:
        """Return the columns of a row that a record lacks."""
        return sorted(
            column
            for column, cell in row.items()
            if column not in left_out and not record.paths(cell, self.found.get(column))
        )

    def ambiguous(self) -> list[str]:
        """Return the columns that share a name with another column."""
        taken: dict[Path, str] = {}
        return [column for column in self.found if not self._place(column, taken, set())]

    def _place(self, column: str, taken: dict[Path, str], tried: set[Path]) -> bool:
        for path in sorted(self.found[column] - tried):
            tried.add(path)
            if path not in taken or self._place(taken[path], taken, tried):
                taken[path] = column
                return True
        return False


def work_hours(data: str) -> tuple[list[tuple[str, str]], list[str]]:
    """Return the shifts of a calendar's text, and the dates of its exceptions, both sorted."""
    shifts = []
    for shift in re.findall(r"\(([sf]\|[\d: APM]+\|[sf]\|[\d: APM]+)\)", data):
        first, start, second, finish = shift.split("|")
        pair = {first: start, second: finish}
        shifts.append((pair["s"].zfill(5) + ":00", pair["f"].zfill(5) + ":00"))
    days = re.findall(r"\(d\|(\d+)\)", data)
    return sorted(shifts), sorted(
        f"{date(1899, 12, 30) + timedelta(int(day))}T00:00:00" for day in days
    )


def stored_hours(leaves: Leaves) -> tuple[list[tuple[str, str]], list[str]]:
    """Return the shifts of a stored calendar, with the minute after, and its exceptions."""
    starts, finishes, days = [], [], []
    for path, texts in leaves.items():
        if path[-1] == "Start":
            starts += texts
        elif path[-1] == "Finish":
            finishes += texts
        elif path[-1] == "Date":
            days += texts
    after = [
        (datetime.combine(date.min, time.fromisoformat(each)) + timedelta(minutes=1)).time()
        for each in finishes
    ]
    return sorted(zip(starts, map(str, after), strict=True)), sorted(days)
