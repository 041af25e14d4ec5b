"""What the tables of an XER file become: the types of ``mapping``, which names each of them.

A row becomes the element that P6 XML has for the same record, so one set of record rules reads both
formats. A column becomes the child element of the same meaning; a column that P6 XML does not have
keeps its name.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum, auto
from typing import Final

from service.formats.engine.interface import Node

TYPED: Final = "UDFTYPE"
"""Owner of a row that its type names: UDFTYPE, in ``table_name``."""

Convert = Callable[[bytes], bytes]
"""Converts a cell, as UTF-8 and not blank, to the text of P6 XML. A cell that it does not
understand it returns unchanged, so that the record rules report it as they report it in XML."""

Cells = Mapping[str, bytes]
"""The cells of a row by column, without blank ones."""

Leaf = tuple[str, bytes]
"""Local name and text of a child element without children."""


@dataclass(frozen=True, slots=True)
class Cell:
    """The destination of a column.

    Attributes:
        name: local name of the child element. It is empty for a column that only ``derive`` reads;
            the column is written under its own name if ``derive`` cannot.
        convert: None if the text is the same in P6 XML.
        number: whether the cell is a number, which P6 writes with the marks of a currency.
    """

    name: str
    convert: Convert | None = None
    number: bool = False


class Place(IntEnum):
    """The order of records in a project, which the record rules of P6 XML rely on."""

    PROJECT = auto()
    WBS = auto()
    ACTIVITY = auto()
    ASSIGNMENT = auto()
    OTHER = auto()
    RELATIONSHIP = auto()


@dataclass(frozen=True, eq=False, slots=True)
class XerTable:
    """The destination of the rows of a table.

    Attributes:
        element: local name of the element that a row becomes.
        columns: the destinations of columns, by name in small letters.
        project: column with the id of the row's project; a row without one, or of a table without
            the column, is a shared object.
        shared: column, and the words in it of rows that are shared objects although they have a
            project.
        follows: the table that has the project of a row without one, and the column with the id of
            the row there.
        owner: the table that a row belongs to, and the column with the id of the row there. The
            element becomes a child of that row's element. The table of a value of a user-defined
            field is ``TYPED``.
        key: column with the row's id, by which the rows of other tables name their owner.
        place: of the element in its project.
        derive: returns further children, which P6 XML states and an XER file implies. It raises
            ValueError for cells that it cannot read.
        by_type: other destinations of columns of a user-defined field's value, by its type:
            ``logical_data_type`` of UDFTYPE.
    """

    element: str
    columns: Mapping[str, Cell] = field(default_factory=dict)
    project: str = "proj_id"
    shared: tuple[str, frozenset[bytes]] | None = None
    follows: tuple[str, str] | None = None
    owner: tuple[str, str] | None = None
    key: str | None = None
    place: Place = Place.OTHER
    derive: Callable[[Cells], Iterable[Node]] | None = None
    by_type: Mapping[bytes, Mapping[str, Cell]] = field(default_factory=dict)
