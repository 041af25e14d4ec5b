"""The rows of one baseline of Primavera, until they join the rows of its project.

Their ordinals and the number of the baseline depend on the project, which may come later in the
file. So they are written once more when the baseline joins.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Final

from service.formats.diagnostics import Diagnostics
from service.formats.limits import Limits
from service.formats.project_content import ProjectContent
from service.formats.references import Row
from service.spool.copy_rows import CopyRows, StoredRows
from service.spool.spool import SpoolFile, TooLarge
from service.tables import Table

ELEMENT: Final = "BaselineProject"
NUMBER: Final = "#baseline"
"""Member with the number of the baseline in the attributes of its parts. It sorts before the names
of elements and XML attributes, as the canonical order of members requires."""

_TOGETHER: Final = 500
"""Rows that are written before other imports get their turn."""


class BaselineContent(ProjectContent):
    """The rows of a baseline's records: as they are stored, and without the volatile members.

    Args:
        limits: of the file.
    """

    def __init__(self, limits: Limits) -> None:
        super().__init__(limits)
        self._stable: CopyRows | StoredRows = CopyRows(limits.spill_bytes, limits.spool)

    @property
    def size(self) -> int:
        """Bytes of all rows."""
        return self.rows.size + self._stable.size

    def add(self, row: Row) -> None:
        """Add a row.

        Raises:
            TooLarge: the rows are over the limit of a project.
        """
        self.extend(
            row.table,
            1,
            b"%d\t%b\n" % (self.rows.count(row.table), row.text),
            row.hashed + b"\n",
        )

    def extend(self, table: Table, rows: int, text: bytes, hashed: bytes) -> None:
        """Add rows; as ``ProjectBuilder.extend``.

        Raises:
            TooLarge: the rows are over the limit of a project.
        """
        assert isinstance(self.rows, CopyRows)
        assert isinstance(self._stable, CopyRows)
        self.rows.add_block(table, rows, text)
        self._stable.add_block(table, rows, hashed)
        if self.rows.size > self._limit:
            raise TooLarge(f"the rows of its baseline are over {self._limit} bytes")

    def park(self, file: SpoolFile) -> None:
        """Move the rows to the end of a file, unless they have one, until ``join``."""
        super().park(file)
        self._stable = self._stable.park(file)

    def join(
        self,
        content: ProjectContent,
        number: int,
        *,
        current: bool,
        give_way: Callable[[], None],
    ) -> None:
        """Add the rows to those of a project, and free them.

        Args:
            content: of the project.
            number: of the baseline.
            current: whether the project is compared with the baseline.
            give_way: called between steps; as ``FileContext.give_way``.

        Raises:
            TooLarge: the project's rows are over the limit.
        """
        write = {
            Table.BASELINES: partial(_baseline, number=number, current=current),
            Table.BASELINE_TASKS: partial(_task, number=number),
            Table.PARTS: partial(_part, number=number),
        }
        for table, row in write.items():
            first = content.rows.count(table)
            for lines in _in_turns(self.rows.blocks(table), give_way):
                found = enumerate(lines, first)
                text = [b"%d\t%b\n" % (at, row(line.partition(b"\t")[2])) for at, line in found]
                content.extend(table, len(text), b"".join(text), b"")
                first += len(text)
            for lines in _in_turns(self._stable.blocks(table), give_way):
                hashed = b"".join([row(line) + b"\n" for line in lines])
                content.extend(table, 0, b"", hashed)
        self.close()

    def close(self) -> None:
        """Free memory and disk."""
        super().close()
        self._stable.close()


@dataclass(slots=True)
class Baseline:
    """A complete baseline.

    Attributes:
        object_id, project_id: its own ``ObjectId`` and that of its project, as COPY text.
        content: its own row, and those of its records.
        referred: names of the shared objects that its records refer to.
        diagnostics: its problems.
        too_large: why it exceeds a limit; empty if it does not.
    """

    object_id: bytes
    project_id: bytes
    content: BaselineContent
    referred: set[bytes]
    diagnostics: Diagnostics
    too_large: str


def _in_turns(blocks: Iterator[bytes], give_way: Callable[[], None]) -> Iterator[list[bytes]]:
    for block in blocks:
        lines = block.split(b"\n")
        lines.pop()  # the last newline ends the last row
        for at in range(0, len(lines), _TOGETHER):
            yield lines[at : at + _TOGETHER]
            give_way()


def _baseline(row: bytes, number: int, *, current: bool) -> bytes:
    """Set the number, and whether it is current."""
    _, name, kind, _, attributes = row.split(b"\t")
    return b"%d\t%b\t%b\t%b\t%b" % (number, name, kind, b"t" if current else b"f", attributes)


def _task(row: bytes, number: int) -> bytes:
    """Set the number, which is the first column and a null until now."""
    return b"%d\t%b" % (number, row.partition(b"\t")[2])


def _part(row: bytes, number: int) -> bytes:
    """Name the baseline in element and attributes."""
    element, _, attributes = row.partition(b"\t")
    end = b"}" if attributes == b"{}" else b"," + attributes[1:]
    return b'%b/%b\t{"%b":%d%b' % (ELEMENT.encode(), element, NUMBER.encode(), number, end)
