"""Uploads of small plans, their outcomes, and the rows that they leave."""

from typing import Any

import asyncpg

from service.imports.options import DEFAULT_OPTIONS
from service.storage import Pool
from tests.support.answer import Answer
from tests.support.native import native_file
from tests.support.raw_http import form, part, upload
from tests.support.service import Service, token


def plans(*ids: str, name: str = "Plan", attributes: str = "") -> bytes:
    """Return an upload of projects with one task each."""
    tasks = '<tasks><task id="T"><name>t</name></task></tasks>'
    made = (f'<project id="{i}"{attributes}><name>{name}</name>{tasks}</project>\n' for i in ids)
    return form(part("file", native_file(*made)))


async def send(service: Service, body: bytes, query: str = "", *headers: str) -> Answer:
    path = "/api/v2/clients/1/projects/bulk"
    return await upload(service, body, *headers, path=f"{path}?{query}" if query else path)


def read_outcomes(answer: Answer) -> dict[str, str]:
    """Return each project's outcome or error code by its external_id."""
    details = answer.json["details"]
    items = [*details["successes"], *details["errors"]]
    return {item["external_id"]: item.get("outcome") or item["error"] for item in items}


async def rows(pool: Pool) -> list[asyncpg.Record]:
    """Return all rows that an import of projects may change."""
    return [
        row
        for table in ("projects", "project_versions", "tasks", "shared_objects")
        for row in await pool.fetch(f"SELECT '{table}', * FROM {table} ORDER BY 2, 3, 4")
    ]


async def abandoned(pool: Pool, key: str, *, seconds: int) -> None:
    """Insert import 1 as running under a key, with a last heartbeat ``seconds`` ago."""
    await pool.execute(
        "INSERT INTO imports (client_id, subject, idempotency_key, key_claimed_at, options)"
        " VALUES (1, 'tester', $1, now(), $2)",
        key,
        DEFAULT_OPTIONS.as_dict(),
    )
    await pool.execute(
        "INSERT INTO import_progress (client_id, import_id, attempt, beat_at)"
        " VALUES (1, 1, 1, now() - make_interval(secs => $1))",
        seconds,
    )


SCOPE = "projects:read projects:import projects:undo"


async def undo(service: Service, import_id: int, *headers: str, **claims: Any) -> Answer:
    path = f"/api/v2/clients/1/imports/{import_id}/undo"
    return await upload(service, b"", *headers, path=path, token=token(scope=SCOPE, **claims))


async def current(pool: Pool) -> dict[str, list[Any]]:
    """Return active projects from the views, without the numbers that an undo increments."""
    counted = {"version", "import_id", "created_at", "created_by"}
    said: dict[str, list[Any]] = {}
    tables = (
        "tasks",
        "dependencies",
        "resources",
        "assignments",
        "baselines",
        "baseline_tasks",
        "project_parts",
    )
    for view in ("projects", *tables):
        rows = await pool.fetch(
            f"SELECT c.* FROM current_{view} c JOIN projects p USING (client_id, project_id)"
            " WHERE p.archived_at IS NULL ORDER BY 1, 2, 3, 4"
        )
        said[view] = [{k: v for k, v in row.items() if k not in counted} for row in rows]
    return said
