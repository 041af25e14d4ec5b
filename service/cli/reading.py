"""Asking a service what it has: lists, one project, two of its versions, an import to its end."""

import sys
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import orjson

from service.cli.answers import Cut, members
from service.cli.asking import follow, listed, take_outcomes
from service.cli.connecting import Service, Unanswered, reached, whole
from service.cli.failures import LANDED, REFUSED, Piecewise, Report, table
from service.cli.patience import Patience
from service.cli.progress import bars
from service.cli.screen import Failure
from service.cli.splitting import uncut

IMPORT: Final = ("import", "state", "file", "started", "by", "counts", "notes")
PROJECT: Final = ("project", "external id", "version", "name", "source", "changed", "lock")


async def imports(service: Service, query: Mapping[str, str], limit: int, *, as_json: bool) -> int:
    """List imports, the latest first."""

    def row(item: Mapping[str, Any]) -> Sequence[Any]:
        counts = ", ".join(f"{number} {name}" for name, number in (item["counts"] or {}).items())
        told = counts or f"{item['projects_done']} projects done"
        about = item["import_id"], item["state"], item["filename"], item["started_at"]
        return *about, item["subject"], told, item["notes"]

    await _list(listed(service, "imports", query), IMPORT, row, limit, as_json=as_json)
    return LANDED


async def projects(service: Service, query: Mapping[str, str], limit: int, *, as_json: bool) -> int:
    """List projects."""

    def row(item: Mapping[str, Any]) -> Sequence[Any]:
        lock = item["lock"]
        about = item["project_id"], item["external_id"], item["version"], item["name"]
        held = lock and f"{lock['holder']} until {lock['expires_at']}"
        return *about, item["source"], item["updated_at"], held

    await _list(listed(service, "projects", query), PROJECT, row, limit, as_json=as_json)
    return LANDED


async def export(
    service: Service, project_id: int | None, external_id: str | None, output: Path | None
) -> int:
    """Write a project as native XML; to a file whole or not at all."""
    if external_id is not None:
        project_id = await _id_of(service, external_id)
    address = service.address(f"projects/{project_id}")
    wanted = {"Accept": "application/xml"}
    with reached(service.root):
        async with service.session.get(address, headers=wanted) as response:
            if response.status != 200:
                raise Failure(f"project {project_id}: {await whole(response)}")
            if output is None:
                async for block in response.content.iter_any():
                    sys.stdout.buffer.write(block)
                sys.stdout.buffer.flush()
                return LANDED
            partial = output.with_name(f".{output.name}.partial")
            try:
                with partial.open("wb") as file:
                    async for block in response.content.iter_any():
                        file.write(block)
                partial.replace(output)
            finally:
                partial.unlink(missing_ok=True)
    return LANDED


async def watch(service: Service, import_id: int, retry_for: float, *, as_json: bool) -> int:
    """Follow an import to its end, and tell what became of it."""
    patience = Patience(f"import {import_id}", retry_for)
    with bars() as progress:
        task = progress.add_task(f"import {import_id}", total=None, phase="")

        def told(found: Mapping[str, Any]) -> None:
            done = f"{found['projects_done']} projects done"
            progress.update(task, completed=found["bytes_read"], phase=done)

        while True:
            report = Report(f"import {import_id}")
            try:
                found = await follow(service, import_id, told)
                if found is None:
                    raise Failure(f"there is no import {import_id}, or the token may not read it")
                report.file = found["filename"] or report.file
                await take_outcomes(service, found, Piecewise(report, uncut(0)))
                break
            except Unanswered as error:
                await patience.pause(error)
        progress.update(task, total=max(found["bytes_read"], 1))
    ended_well = found["state"] == "completed"
    if as_json:
        print(report.as_json())
    else:
        report.show()
        if not ended_well:
            cause = found["cause"]
            print(f"  it is {found['state']}" + (f": {cause}" if cause else ""))
    return report.code if ended_well else max(report.code, REFUSED)


async def compare(service: Service, project_id: int, old: int, new: int, *, as_json: bool) -> int:
    """Tell what differs between two versions of a project, record by record."""
    address = service.address(f"projects/{project_id}/versions/{new}")
    complete = False
    with reached(service.root):
        async with service.session.get(address, params={"compare": str(old)}) as response:
            if response.status != 200:
                raise Failure(f"project {project_id}: {await whole(response)}")
            try:
                async for kind, item in members(response.content.iter_any()):
                    complete = complete or kind == "complete"
                    if isinstance(item, dict) and "change" in item:
                        print(_as_line(kind, item) if as_json else _in_words(kind, item))
            except Cut as error:
                raise Unanswered(str(error)) from error
    if not complete:
        raise Unanswered("the answer broke off")
    return LANDED


def _as_line(kind: str, item: Mapping[str, Any]) -> str:
    return orjson.dumps({"kind": kind, **item}).decode()


def _in_words(kind: str, item: Mapping[str, Any]) -> str:
    called = [
        f"{name}={value}"
        for name, value in item.items()
        if name not in ("change", "fields", "attributes") and value is not None
    ]
    lines = [" ".join([item["change"], kind, *called])]
    for name, told in {**item.get("fields", {}), **item.get("attributes", {})}.items():
        sides = (orjson.dumps(told[side]).decode() for side in ("from", "to"))
        lines.append(f"    {name}: {' -> '.join(sides)}")
    return "\n".join(lines)


async def _list(
    items: AsyncIterator[dict[str, Any]],
    columns: Sequence[str],
    row: Callable[[Mapping[str, Any]], Sequence[Any]],
    limit: int,
    *,
    as_json: bool,
) -> None:
    """Print the first items: as a table, or each as a line of JSON, as they come."""
    rows = []
    number = 0
    async for item in items:
        if number == limit:
            print(f"There are more than {limit}: --limit shows them.", file=sys.stderr)
            break
        number += 1
        if as_json:
            print(orjson.dumps(item).decode())
        else:
            rows.append(row(item))
    table("", columns, rows)


async def _id_of(service: Service, external_id: str) -> int:
    """The project that has an external id, archived or not."""
    query = {"text": external_id[:100], "archived": "include"}
    async for item in listed(service, "projects", query):
        if item["external_id"] == external_id:
            return int(item["project_id"])
    raise Failure(f"there is no project {external_id}")
