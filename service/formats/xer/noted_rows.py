"""What some rows of an XER file say about others."""

from typing import Final

from service.errors import FileRefused
from service.formats.xer.layout import MAX_KEY, MAX_NAME, Layout
from service.formats.xer.mapping import TABLES
from service.model import shorten
from service.spool.disk_set import DiskSet
from service.spool.spool import SpoolShare

NO_TYPE: Final = b"", b""
"""The type of a user-defined field that the file lacks."""

MAX_TYPES: Final = 50_000
"""Types of user-defined fields whose values become parts of their records."""

MAX_KINDS: Final = 1_000
"""Different tables and data types of these types; P6 has some 200."""

MAX_HOMES: Final = 20_000
"""Rows of projects that rows of other tables follow. Rows that follow others are shared objects."""

_FOLLOWED: Final = frozenset(table.follows[0] for table in TABLES.values() if table.follows)
NOTED: Final = frozenset({"PROJECT", "UDFTYPE", "CURRTYPE", *_FOLLOWED})
"""The tables of these rows."""


class NotedRows:
    """What is noted of the rows of one file.

    Args:
        spool: share of the spool that the working file of the ids belongs to.

    Attributes:
        currency: short name of the currency whose marks numbers have; empty if it is not known.
        marks: decimal and grouping mark of this currency.
        homes: the projects of rows that rows of other tables follow, by table and id.
        types: the table of the owners and the data type of each type of user-defined fields, by
            its id.
    """

    def __init__(self, spool: SpoolShare) -> None:
        self.currency = b""
        self.marks = b".", b","
        self.homes: dict[tuple[str, bytes], bytes] = {}
        self.types: dict[bytes, tuple[bytes, bytes]] = {}
        self._kinds: dict[tuple[bytes, bytes], tuple[bytes, bytes]] = {}
        self._projects = DiskSet(spool)

    def note(self, layout: Layout, line: int, row: bytes) -> None:
        """Note a row of a table in ``NOTED``.

        Raises:
            FileRefused: it is a project whose rows cannot be found by its id. The project would be
                imported without them, and replace a stored plan.
            TooLarge, OSError: as ``DiskSet.add``.
        """
        if layout.name == "PROJECT":
            self._check_project(layout.project_of(row), line)
        elif layout.name == "UDFTYPE":
            self._note_type(layout, row)
        elif layout.name == "CURRTYPE":
            self._note_currency(layout, row)
        elif len(self.homes) < MAX_HOMES:
            home = layout.project_of(row)
            if 0 < len(home) <= MAX_NAME:
                self.homes[layout.name, layout.key_of(row)[:MAX_NAME]] = home

    def close(self) -> None:
        """Free memory and disk."""
        self._projects.close()

    def _check_project(self, project_id: bytes, line: int) -> None:
        if not project_id:
            reason = "a project has no proj_id, so its rows cannot be found"
        elif len(project_id) > MAX_KEY:
            reason = f"the proj_id of a project is longer than {MAX_KEY} bytes"
        elif self._projects.add(project_id) is not None:
            shown = shorten(project_id.decode("latin-1"))
            reason = f"two projects have the proj_id {shown}, so their rows cannot be told apart"
        else:
            return
        raise FileRefused(f"{reason}; export the projects again", line=line)

    def _note_type(self, layout: Layout, row: bytes) -> None:
        if len(self.types) < MAX_TYPES:
            cells = layout.cells(row)
            table = cells.get("table_name", b"")[:MAX_NAME]
            kind = table, cells.get("logical_data_type", b"")[:MAX_NAME]
            if len(self._kinds) < MAX_KINDS:
                self._kinds.setdefault(kind, kind)
            known = self._kinds.get(kind, NO_TYPE)
            self.types.setdefault(layout.key_of(row)[:MAX_NAME], known)

    def _note_currency(self, layout: Layout, row: bytes) -> None:
        cells = layout.cells(row)
        if self.currency and cells.get("curr_short_name") == self.currency:
            self.currency = b""  # the first row of that name counts
            self.marks = cells.get("decimal_symbol", b"."), cells.get("digit_group_symbol", b"")
