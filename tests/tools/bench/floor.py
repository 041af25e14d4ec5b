"""The floor: what no import can be faster than by much.

Bare ``iterparse`` over the same bytes, with the tag filter and the clearing of the service's reader
and nothing done with a record, or ``csv`` for XER; then bare COPY of the rows that the import
wrote, from memory.
"""

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final

from lxml import etree

from service.formats.native.mapping import NAMESPACE
from service.formats.registry import FORMATS
from tests.tools.bench import xer
from tests.tools.bench.database import Database

_NAMESPACES: Final = {
    "native": NAMESPACE,
    "mspdi": "http://schemas.microsoft.com/project",
}


def bare(dialect: str, file: Path) -> Callable[[], None]:
    """Return the bare parse of a file."""
    if dialect == "xer":
        return partial(xer.split, file)
    return partial(_parse, file, _tags(dialect, file))


def _tags(dialect: str, file: Path) -> list[str]:
    """The elements whose events the service's reader asks for, but for the root."""
    spoken = next(known for known in FORMATS if known.name == dialect)
    names = {path.rpartition("/")[2] for path in spoken.records}
    names |= {spoken.project.name, *spoken.outside, *spoken.passed_over}
    namespace = _NAMESPACES.get(dialect) or _root_namespace(file)
    return [f"{{{namespace}}}{name}" if namespace else name for name in sorted(names)]


def _parse(file: Path, wanted: list[str]) -> None:
    """Bare ``iterparse``: each record is removed once the next one has ended."""
    previous: etree._Element | None = None
    events = etree.iterparse(
        file,
        events=("end",),
        tag=wanted,
        collect_ids=False,
        resolve_entities=False,
        no_network=True,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    for _, element in events:
        if previous is not None:
            parent = previous.getparent()
            if parent is not None:
                parent.remove(previous)
        previous = element


async def copy(database: Database, pieces: dict[str, list[bytes]]) -> float:
    """Seconds of bare COPY of the rows into the emptied tables."""
    await database.empty()
    begun = time.perf_counter()
    await database.load(pieces)
    return time.perf_counter() - begun


def _root_namespace(file: Path) -> str | None:
    with file.open("rb") as opened:
        for _, root in etree.iterparse(opened, events=("start",)):
            return etree.QName(root).namespace
    return None
