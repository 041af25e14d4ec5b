"""Tables of what the tables, columns and words of XER files become."""

from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from typing import Final

from service.formats.xer.mapping import ROOT, SKIPPED, TABLES, words
from service.formats.xer.mapping.fields import AUDIT
from service.formats.xer.tables import Cell
from tests.tools.reference.markdown import codes, table

_PACKAGE: Final = "service.formats.xer.mapping"


def xer(modules: str) -> str:
    """Return the table of the tables that modules of the mapping have."""
    rows = (row for module in modules.split() for name in tables_of(module) for row in _rows(name))
    return table(("Table", "Element", "Columns"), rows)


def tables_of(module: str) -> list[str]:
    """Return the names of the tables that a module of the mapping has."""
    return list(import_module(f"{_PACKAGE}.{module}").TABLES)


def _rows(name: str) -> Iterator[tuple[str, str, str]]:
    yield f"`{name}`", f"`{TABLES[name].element}`", _columns(TABLES[name].columns)
    if name == "PROJWBS":
        yield "its root row", f"`{TABLES['PROJECT'].element}`", _columns(ROOT)


def _columns(columns: Mapping[str, Cell]) -> str:
    """Return the columns that have another name in P6 XML, without those of many tables."""
    return _names({column: cell for column, cell in columns.items() if column not in AUDIT})


def _names(columns: Mapping[str, Cell]) -> str:
    return ", ".join(
        f"`{column}`: `{cell.name}`"
        for column, cell in columns.items()
        if cell.name and cell.name != column
    )


def xer_audit(_argument: str) -> str:
    """Return the columns that many tables have."""
    return f"{_names(AUDIT)}.\n"


def xer_skipped(_argument: str) -> str:
    """Return the tables that are counted and not read."""
    return f"{codes(sorted(SKIPPED))}.\n"


def xer_words(_argument: str) -> str:
    """Return the table of the words of columns that are closed lists."""
    found = (
        each for name, each in vars(words).items() if name.isupper() and name != "TYPE_CHECKING"
    )
    return table(("Columns", "Words"), (_words(each) for each in found))


def _words(mapping: Mapping[str, str]) -> tuple[str, str]:
    columns = {
        column: None
        for columns in (*_all_columns(), ROOT)
        for column, cell in columns.items()
        if _converts(cell, mapping)
    }
    assert columns, mapping
    return codes(columns), ", ".join(f"`{word}` is `{name}`" for word, name in mapping.items())


def _all_columns() -> Iterator[Mapping[str, Cell]]:
    for each in TABLES.values():
        yield each.columns
        yield from each.by_type.values()


def _converts(cell: Cell, mapping: Mapping[str, str]) -> bool:
    convert = cell.convert
    return convert is not None and all(
        convert(word.encode()) == name.encode() for word, name in mapping.items()
    )


TEXTS: Final[dict[str, Callable[[str], str]]] = {
    "xer": xer,
    "xer_audit": xer_audit,
    "xer_skipped": xer_skipped,
    "xer_words": xer_words,
}
"""The generators, by the name in a marker."""
