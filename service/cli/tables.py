"""Tables that fit the terminal: numbers to the right, long texts cut, empty columns left out."""

import contextlib
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

from service.cli.output import (
    MAX_CELL,
    print_error,
    print_json,
    print_line,
    print_visible,
    shorten,
    window_width,
)
from service.control_characters import make_visible

_GAP: Final = 2
_LEAST: Final = 6
"""Columns that a cut text keeps by default; with less, the last columns are left out."""


class Column(NamedTuple):
    """A column of a table.

    Attributes:
        title: its heading.
        fixed: whether its cells are always whole, such as numbers and dates.
        right: whether its cells end at the right.
        least: columns that a cut text keeps.
    """

    title: str
    fixed: bool = False
    right: bool = False
    least: int = _LEAST


def number(title: str) -> Column:
    """Return a column of numbers."""
    return Column(title, fixed=True, right=True)


def fixed(title: str) -> Column:
    """Return a column of short texts, such as states and dates."""
    return Column(title, fixed=True)


def print_table(
    title: str,
    columns: Sequence[str | Column],
    rows: Sequence[Sequence[Any]],
    total: int | None = None,
) -> None:
    """Print rows as a table, and the number of omitted rows of ``total``; without rows, nothing.

    A terminal shows it in its width: texts are cut, and then the last columns left out. In a pipe,
    the width is that of ``COLUMNS``, or unlimited.
    """
    if not rows:
        return
    heads = [column if isinstance(column, Column) else Column(column) for column in columns]
    cells = [[make_visible(_format_cell(cell)) for cell in row] for row in rows]
    used = [place for place in range(len(heads)) if any(row[place] for row in cells)]
    heads = [heads[place] for place in used]
    cells = [[row[place] for place in used] for row in cells]
    lines = [[head.title for head in heads], *cells]
    widths = _fit([max(_width(line[at]) for line in lines) for at in range(len(heads))], heads)
    if title:
        print_line(title)
    for index, line in enumerate(lines):
        parts = [_pad(line[at], width, heads[at]) for at, width in enumerate(widths)]
        print_visible((" " * _GAP).join(parts).rstrip(), style="" if index else "bold")
    if total is not None and total > len(rows):
        print_line(f"and {total - len(rows):,} more")


def _fit(widths: list[int], columns: Sequence[Column]) -> list[int]:
    """Return the widths of the columns that fit; the longest texts are cut first."""
    limit = window_width()
    if limit is None:
        return widths
    widths = widths.copy()
    while True:
        excess = sum(widths) + _GAP * (len(widths) - 1) - limit
        flexible = {at for at, column in enumerate(columns[: len(widths)]) if not column.fixed}
        while excess > 0 and flexible:
            longest = max(flexible, key=lambda at: widths[at])
            if widths[longest] > columns[longest].least:
                widths[longest] -= 1
                excess -= 1
            else:
                flexible.remove(longest)
        if excess <= 0 or len(widths) == 1:
            return widths
        widths.pop()


def _width(text: str) -> int:
    if text.isascii():
        return len(text)
    from rich.cells import cell_len

    return cell_len(text)


def _pad(text: str, width: int, column: Column) -> str:
    if _width(text) > width:
        from rich.cells import set_cell_size

        return f"{set_cell_size(text, width - 1)}…"
    space = " " * (width - _width(text))
    return f"{space}{text}" if column.right else f"{text}{space}"


def _format_cell(value: Any) -> str:
    return "" if value is None else shorten(str(value), MAX_CELL)


def format_time(value: Any) -> str:
    """Return a time of the API as local time to the minute; as it is, if it is none."""
    try:
        moment = datetime.fromisoformat(str(value))
        return f"{moment.astimezone():%Y-%m-%d %H:%M}"
    except (ValueError, OverflowError, OSError):
        return "" if value is None else str(value)


def format_counts(counts: Mapping[str, Any] | None) -> str:
    """Return counts by outcome without zeros; failures first, because the end may be cut."""
    ordered = sorted((counts or {}).items(), key=lambda item: item[0] != "failed")
    return ", ".join(f"{count} {outcome}" for outcome, count in ordered if count)


async def print_items(
    items: AsyncGenerator[dict[str, Any], None],
    columns: Sequence[str | Column],
    to_row: Callable[[Mapping[str, Any]], Sequence[Any]],
    limit: int,
    *,
    as_json: bool,
    empty: str = "",
) -> None:
    """Print at most ``limit`` items: as a table, or as lines of JSON while they arrive.

    Args:
        empty: what is printed instead of a table without rows.
    """
    rows = []
    count = 0
    more = False
    async with contextlib.aclosing(items):
        async for item in items:
            more = count == limit
            if more:
                break
            count += 1
            if as_json:
                print_json(item)
            else:
                rows.append([*map(_format_cell, to_row(item))])
    print_table("", columns, rows)
    if more:
        print_error(f"There are more than {limit}: raise --limit to list them.")
    if not count and not as_json and empty:
        print_error(empty)
