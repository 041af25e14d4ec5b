"""XER files with random faults in lines, cells and bytes."""

import random
from collections.abc import Callable
from typing import Final

from tests.support.fuzzing import VALUES, mutated
from tests.support.paths import CHECKOUT

XER: Final = (CHECKOUT / "tests/data/xer/plan.xer").read_bytes()
"""A file with two projects, a stub of a third one, and the usual tables."""
_NAMES: Final = [
    *("", "#text", "@id", "<", "a b", "é", "x" * 64, "x" * 65, "1st", "xml", "a:b", "\x7f"),
    *("proj_id", "PROJ_ID", "task_id", "wbs_id", "proj_node_flag", "export_flag", "ObjectId"),
]
_CELLS: Final = [
    *VALUES,
    *("Y", "N", "1", "2", "3", "100", "1001", "TK_Active", "TT_LOE", "PR_SF", "CP_Units"),
    *("2026-01-05 08:00", "2026-02-30 08:00", "05-Jan-26", "1,5", "1.234,5", '""', "\x7f\x7f"),
    *("(0||CalendarData()())", "(0||CalendarData()((0||DaysOfWeek()((0||1(", "<html>", "\x01"),
    "FiUhBhRVr0GJmAn0bvZfGg",
]
_IDS: Final = ["1", "2", "3", "11", "31", "51", "71", "100", "101", "1000", "1001"]
_MARKS: Final = ["%T", "%F", "%R", "%E", "%X", "", "%T\tTASK", "ERMHDR\t1", "text", "\r", "\x1a"]


def damaged(seed: int, data: bytes, most: int = 8) -> bytes:
    """Return a file with up to ``most`` faults."""
    chance = random.Random(seed)
    lines = data.decode("utf-8", "surrogateescape").split("\n")
    for _ in range(chance.randint(1, most)):
        if lines:
            chance.choice(_FAULTS)(lines, chance)
    changed = "\n".join(lines).encode("utf-8", "surrogateescape")
    kind = chance.random()
    if kind < 0.1:
        return changed[: chance.randrange(len(changed) + 1)]
    if kind < 0.3:
        return mutated(seed, changed, 3)
    if kind < 0.35:
        return changed.decode("utf-8", "replace").encode(
            chance.choice(["utf-16", "cp1252"]), "replace"
        )
    return changed


def _place(lines: list[str], chance: random.Random) -> int:
    return chance.randrange(len(lines))


def _remove_lines(lines: list[str], chance: random.Random) -> None:
    at = _place(lines, chance)
    del lines[at : at + 1 + int(chance.expovariate(0.5))]


def _repeat_line(lines: list[str], chance: random.Random) -> None:
    at = _place(lines, chance)
    lines[at:at] = [lines[at]] * chance.choice([1, 1, 2, 40])


def _move_lines(lines: list[str], chance: random.Random) -> None:
    at = _place(lines, chance)
    moved = lines[at : at + chance.choice([1, 1, 3, 10])]
    del lines[at : at + len(moved)]
    to = chance.randrange(len(lines) + 1)
    lines[to:to] = moved


def _move_table(lines: list[str], chance: random.Random) -> None:
    starts = [at for at, line in enumerate(lines) if line.startswith("%T")]
    if len(starts) > 2:
        first = chance.randrange(len(starts) - 1)
        moved = lines[starts[first] : starts[first + 1]]
        del lines[starts[first] : starts[first + 1]]
        to = chance.choice(
            [at for at, line in enumerate(lines) if line.startswith(("%T", "%E"))] or [0]
        )
        lines[to:to] = moved if chance.random() < 0.8 else [*moved, *moved]


def _insert_line(lines: list[str], chance: random.Random) -> None:
    lines.insert(_place(lines, chance), chance.choice(_MARKS))


def _break_line(lines: list[str], chance: random.Random) -> None:
    at = _place(lines, chance)
    cut = chance.randrange(len(lines[at]) + 1)
    lines[at : at + 1] = [lines[at][:cut], lines[at][cut:]]


def _change_cells(lines: list[str], chance: random.Random) -> None:
    at = _place(lines, chance)
    cells = lines[at].split("\t")
    cell = chance.randrange(len(cells))
    kind = chance.randrange(5)
    if kind == 0:
        del cells[cell : cell + chance.choice([1, 2, 30])]
    elif kind == 1:
        cells[cell:cell] = [chance.choice(_CELLS)] * chance.choice([1, 2, 1200])
    elif kind == 2:
        other = chance.randrange(len(cells))
        cells[cell], cells[other] = cells[other], cells[cell]
    else:
        cells[cell] = chance.choice(_NAMES if lines[at].startswith("%F") else _CELLS)
    lines[at] = "\t".join(cells)


def _change_ids(lines: list[str], chance: random.Random) -> None:
    """Replace an id everywhere, so that records collide or lose their owners in many tables."""
    old, new = chance.sample(
        ["1", "2", "3", "11", "31", "51", "100", "101", "1000", "1001", "71"], 2
    )
    for at, line in enumerate(lines):
        if line.startswith("%R") and chance.random() < 0.7:
            lines[at] = "\t".join(new if cell == old else cell for cell in line.split("\t"))


_FAULTS: Final[list[Callable[[list[str], random.Random], None]]] = [
    *(_change_cells, _change_cells, _change_cells, _change_cells, _remove_lines, _repeat_line),
    *(_move_lines, _move_table, _insert_line, _break_line, _change_ids),
]
