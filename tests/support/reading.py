"""Files read to the end, and what came of them as plain data."""

import io
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

import pytest

from service.errors import FileRefused, FileTooLarge
from service.formats.engine import select
from service.formats.engine.python import PYTHON
from service.formats.format import Format
from service.formats.mspdi import format as mspdi
from service.formats.native.mapping import NAMESPACE
from service.formats.reader import Limits, Reader
from service.formats.registry import FORMATS
from service.formats.values import unescape
from service.model import FileWarning, Item, Project, Refusal, SharedObjects
from service.tables import COLUMNS, PROJECT_COLUMNS, Table
from tests.support.inflating import FirstFile

NATIVE: Final = NAMESPACE
MSPDI: Final = mspdi.NAMESPACE

Row = dict[str, str | None]


@dataclass(frozen=True)
class Reading:
    """What a reader gave: its items in order, the fault that ended it, and what it says itself."""

    items: list[Item]
    fault: FileRefused | FileTooLarge | None
    format_name: str | None
    complete: int
    closed: bool
    warnings: list[FileWarning]

    @property
    def projects(self) -> list[Project]:
        return [item for item in self.items if isinstance(item, Project)]

    @property
    def refusals(self) -> list[Refusal]:
        return [item for item in self.items if isinstance(item, Refusal)]

    @property
    def shared(self) -> list[SharedObjects]:
        return [item for item in self.items if isinstance(item, SharedObjects)]


def read(
    data: bytes | str,
    limits: Limits | None = None,
    charset: str | None = None,
    formats: tuple[Format, ...] = FORMATS,
) -> Reading:
    """Read a file until it ends or an error stops the reader."""
    source = io.BytesIO(data.encode() if isinstance(data, str) else data)
    limits = limits or Limits()
    reader = Reader(FirstFile(source, limits), limits, charset, formats)
    items: list[Item] = []
    fault = None
    try:
        for item in reader:
            if isinstance(item, SharedObjects):
                item = SharedObjects(tuple(item.objects))
            items.append(item)
    except (FileRefused, FileTooLarge) as error:
        fault = error
    return Reading(
        items, fault, reader.format_name, reader.complete, reader.closed, reader.warnings
    )


@contextmanager
def python_engine() -> Iterator[None]:
    """Read files with the engine in Python."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(select, "ENGINE", PYTHON)
        yield


def read_project(data: bytes | str, limits: Limits | None = None) -> Project:
    """Read a file with one project, which must land."""
    reading = read(data, limits)
    assert reading.fault is None, reading.fault
    assert not reading.refusals, reading.refusals
    [project] = reading.projects
    return project


def project_row(project: Project) -> Row:
    """The project's own row, as text by column."""
    return fields(PROJECT_COLUMNS, project.row)


def rows(project: Project, table: Table) -> list[Row]:
    """The rows of one of its tables, as text by column."""
    text = b"".join(project.rows.blocks(table))
    return [fields(COLUMNS[table], line) for line in text.split(b"\n")[:-1]]


def fields(columns: Iterable[str], line: bytes) -> Row:
    """One line of COPY text, as text by column."""
    return dict(zip(columns, map(unescape, line.split(b"\t")), strict=True))
