"""An answer, as people read it."""

import shlex
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from rich.table import Table

from service.cli.screen import command, console

LANDED, FAILED, REFUSED = 0, 1, 2
"""Codes that the command ends with."""
SHOWN = 20
"""Rows of a table; the rest is counted."""


def show(file: Path, status: int, answer: Mapping[str, Any]) -> int:
    """Print one file's answer.

    Args:
        file: what was sent.
        status: the HTTP status.
        answer: the envelope.

    Returns:
        ``LANDED``, ``FAILED`` where some projects failed, or ``REFUSED`` where the file was.
    """
    out = console()
    if status != 207:
        out.print(f"{file.name}: {status} {answer['message']}: {answer['details']}", style="red")
        return REFUSED
    counts: Mapping[str, int] = answer["counts"]
    told = ", ".join(f"{counts[name]} {name}" for name in counts)
    out.print(f"{file.name}: {answer['status']}, {answer['message']}")
    out.print(f"  import {answer['import_id']}: {told}")
    details = answer["details"]
    _table("Failures", _failures(details["errors"]), ("line", "project", "error", "message"))
    _table("Warnings", _warnings(details), ("line", "project", "warning", "element", "value"))
    return FAILED if counts["failed"] else LANDED


def where(client: int) -> None:
    """Print how to see the rows."""
    query = (
        "SELECT external_id, version, name, start, finish FROM current_projects "
        f"WHERE client_id = {client}"
    )
    out = console()
    out.print("The rows are in current_projects, current_tasks and the other views:")
    out.print(f"  {command()} psql -c {shlex.quote(query)}", soft_wrap=True)


def _failures(errors: Iterable[Mapping[str, Any]]) -> list[tuple[Any, ...]]:
    return [
        (item["line"], item["external_id"] or item["name"], item["error"], item["message"])
        for item in errors
    ]


def _warnings(details: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    rows: list[tuple[Any, ...]] = [
        (None, "the file", warning["code"], None, warning["message"])
        for warning in details.get("warnings", ())
    ]
    for item in details["successes"]:
        for warning in (item.get("warnings") or {}).get("first", ()):
            seen = warning["code"], warning["element"], warning["value"]
            rows.append((warning["line"], item["external_id"], *seen))
    return rows


def _table(title: str, rows: list[tuple[Any, ...]], columns: tuple[str, ...]) -> None:
    if not rows:
        return
    table = Table(*columns, title=title, title_justify="left")
    for row in rows[:SHOWN]:
        table.add_row(*("" if cell is None else str(cell) for cell in row))
    out = console()
    out.print(table)
    if len(rows) > SHOWN:
        out.print(f"  and {len(rows) - SHOWN} more")
