"""Large XER files, made from a portfolio by repeating its projects, and their floor.

The portfolio is the real one if ``../shared`` has it, or else one of the same size that is made.
"""

import csv
import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from tests.support.paths import CHECKOUT
from tests.support.xer_files import portfolio

_REAL: Final = CHECKOUT.parent / "shared" / "real" / "xer" / "portfolio.xer"
_PROJECTS: Final = 8
_ACTIVITIES: Final = 100

_MARKER: Final = b"\0"
_IDS: Final = frozenset(
    b"proj_id wbs_id parent_wbs_id task_id pred_task_id pred_proj_id fk_id taskrsrc_id task_pred_id"
    b" schedoptions_id memo_id wbs_memo_id".split()
)
_PIECE: Final = 1 << 20


def write(path: Path, size: int) -> tuple[Path, int]:
    """Repeat the projects of a portfolio.

    Every copy has other ids, names and GUIDs. References to shared objects stay.

    Args:
        path: file to write.
        size: bytes of the file, roughly.

    Returns:
        The path, and the number of projects in the file.
    """
    if _REAL.exists():
        plans = _REAL.read_bytes().decode("cp1252").encode()
    else:
        plans = b"".join(portfolio(_PROJECTS, _ACTIVITIES))
    tables = list(_tables(plans))
    own = sum(len(rows) for _, _, rows in tables)
    copies = max(1, (size - len(plans) + own) // own)
    with path.open("wb") as file:
        for head, shared, rows in tables:
            file.write(head + shared)
            each = max(1, _PIECE // (len(rows) + 1))
            for first in range(0, copies if rows else 0, each):
                numbers = range(first, min(first + each, copies))
                file.write(b"".join([rows.replace(_MARKER, b"%05d" % n) for n in numbers]))
    projects = next(rows.count(b"\n") for head, _, rows in tables if b"\tPROJECT\r" in head)
    return path, projects * copies


def split(file: Path) -> None:
    """Read the lines of a file and split them by tab, as little as any import has to do."""
    with file.open(encoding="utf-8", newline="") as opened:
        for _ in csv.reader(opened, delimiter="\t", quoting=csv.QUOTE_NONE):
            pass


def _tables(plans: bytes) -> Iterator[tuple[bytes, bytes, bytes]]:
    """Yield the head of each table, its shared rows, and those of projects with markers.

    The header of the file is part of the first head, and ``%E`` is a last head.
    """
    head, shared, own = b"", b"", b""
    columns: list[bytes] = []
    for line in plans.splitlines():
        mark, *cells = line.split(b"\t")
        if mark != b"%R":
            if shared or own:
                yield head, shared, own
                head, shared, own = b"", b"", b""
            head += line + b"\r\n"
            columns = cells
        else:
            row = dict(zip(columns, cells, strict=False))
            if row.get(b"proj_id"):
                own += b"\t".join([b"%R", *itertools.starmap(_marked, row.items())]) + b"\r\n"
            else:
                shared += line + b"\r\n"
    yield head, b"", b""


def _marked(column: bytes, cell: bytes) -> bytes:
    if not cell:
        return cell
    if column in _IDS:
        return cell + _MARKER
    if column == b"proj_short_name":
        return cell + b"-" + _MARKER
    return _MARKER + cell[5:] if column == b"guid" else cell
