"""Primavera XER files for tests: from tables in Python, and large ones that are made row by row.

xer({"PROJECT": [{"proj_id": 1, "proj_short_name": "P-1"}], "TASK": [...]})
b"".join(portfolio(projects=3, activities=100))
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from service.samples.plan import WORK

HEADER: Final = (
    "ERMHDR\t20.12\t2026-03-09\tProject\tadmin\tAda Moreau\tdbxDatabaseNoName\t"
    "Project Management\tEUR"
)
END: Final = "%E"

Rows = Sequence[Mapping[str, object]]

_TEMPLATE: Final = Path(__file__).with_name("data") / "xer_portfolio.txt"
_WORK: Final = [word.encode() for word in WORK]
_WBS_ACTIVITIES: Final = 100
_PIECE: Final = 1_000
"""Activities whose rows are made at once."""


def xer(
    tables: Mapping[str, Rows] | Iterable[tuple[str, Rows]],
    *,
    header: str = HEADER,
    end: str = END,
    encoding: str = "utf-8",
    newline: str = "\r\n",
) -> bytes:
    """Write a file.

    Args:
        tables: rows by table, or pairs if a table comes more than once. The columns of a table are
            those of all its rows, and a cell of None or without a value is blank.
        header: the first line.
        end: the last line; blank for a file that breaks off.
        encoding: of the bytes.
        newline: after each line.
    """
    pairs = tables.items() if isinstance(tables, Mapping) else tables
    lines = [header, *(line for name, rows in pairs for line in table(name, rows)), end]
    return "".join(line + newline for line in lines if line).encode(encoding)


def table(name: str, rows: Rows) -> Iterator[str]:
    """Yield the lines of a table."""
    columns = list(dict.fromkeys(column for row in rows for column in row))
    yield f"%T\t{name}"
    yield "\t".join(["%F", *columns])
    for row in rows:
        cells = ["" if (cell := row.get(column)) is None else str(cell) for column in columns]
        yield "\t".join(["%R", *cells])


def portfolio(projects: int, activities: int) -> Iterator[bytes]:
    """Yield the pieces of a file as P6 writes it, with all columns of the large tables.

    Each activity has a predecessor, an assignment, an activity code and a custom value, and each
    hundred activities have a WBS. An activity has some 800 bytes.

    Args:
        projects: number of projects. Their names are ``PRJ-0``, ``PRJ-1`` and so on.
        activities: number of activities of each project, less than a million.
    """
    yield f"{HEADER}\r\n".encode()
    for line in _TEMPLATE.read_bytes().splitlines():
        row = line + b"\r\n"
        if b"%(" not in row:
            yield row
            continue
        template = b"%" + row
        for project in range(projects):
            yield from _rows(template, project, activities)
    yield f"{END}\r\n".encode()


def _rows(template: bytes, project: int, activities: int) -> Iterator[bytes]:
    """Yield the rows of a template for a project, its WBS elements, or its activities."""
    if b"%(task)" in template:
        numbers = range(1 if b"%(before)" in template else 0, activities)
    elif b"%(wbs)" in template:
        numbers = range(0, activities, _WBS_ACTIVITIES)
    else:
        numbers = range(1)
    for start in range(0, len(numbers), _PIECE):
        piece = numbers[start : start + _PIECE]
        yield b"".join([template % _cells(project, number) for number in piece])


def _cells(project: int, number: int) -> dict[bytes, object]:
    first = 1_000_000 * (project + 1)
    return {
        b"proj": project + 1,
        b"name": b"PRJ-%d" % project,
        b"root": first,
        b"wbs": first + 1 + number // _WBS_ACTIVITIES,
        b"task": first + number,
        b"before": first + number - 1,
        b"code": b"A%d" % (10 * number),
        b"work": _WORK[number % len(_WORK)],
        b"value": number % 7,
        b"day": 1 + number % 28,
    }
