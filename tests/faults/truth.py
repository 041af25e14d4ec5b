"""Whether what was told of imports is true: each project there whole, or not at all."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, Final

import asyncpg
from lxml import etree

_NAMESPACE: Final = "{urn:project-bulk-import:1}"
_TABLES: Final = {
    "tasks": "task",
    "dependencies": "dependency",
    "resources": "resource",
    "assignments": "assignment",
}
_LANDED: Final = ("created", "updated", "unchanged")

# By import and attempt, what the outcomes count, where an import's row says otherwise.
_MISCOUNTED: Final = """
SELECT i.client_id, i.import_id, i.state, i.counts, r.counts AS stored
  FROM imports i
 CROSS JOIN LATERAL (
       SELECT count(*) FILTER (WHERE outcome = 'created') AS created,
              count(*) FILTER (WHERE outcome = 'updated') AS updated,
              count(*) FILTER (WHERE outcome = 'unchanged') AS unchanged,
              count(*) FILTER (WHERE outcome = 'failed') AS failed
         FROM import_results
        WHERE client_id = i.client_id AND import_id = i.import_id AND attempt = i.attempt) AS c
 CROSS JOIN LATERAL (SELECT to_jsonb(c) AS counts) AS r
 WHERE i.state <> 'running' AND i.counts <> r.counts
"""
# Versions of which no outcome tells, and those with fewer or more tasks than it tells.
_UNTOLD: Final = """
SELECT v.client_id, v.project_id, v.version
  FROM project_versions v
  LEFT JOIN import_results r
    ON r.client_id = v.client_id AND r.import_id = v.import_id AND r.project_id = v.project_id
   AND r.version = v.version AND r.outcome IN ('created', 'updated')
 WHERE r.tasks IS DISTINCT FROM (SELECT count(*)
                                   FROM tasks t
                                  WHERE t.client_id = v.client_id AND t.project_id = v.project_id
                                    AND t.version = v.version)
"""
_POINTING_NOWHERE: Final = """
SELECT client_id, project_id FROM projects p
 WHERE NOT EXISTS (SELECT FROM project_versions
                    WHERE client_id = p.client_id AND project_id = p.project_id
                      AND version = p.version)
"""
_ORPHANS: Final = """
SELECT client_id, project_id, version FROM {table} c
 WHERE NOT EXISTS (SELECT FROM project_versions
                    WHERE client_id = c.client_id AND project_id = c.project_id
                      AND version = c.version)
"""
_LAID_DOWN: Final = """
SELECT project_id, version, (SELECT count(*) FROM {table} c
                              WHERE c.client_id = v.client_id AND c.project_id = v.project_id
                                AND c.version = v.version) AS number
  FROM project_versions v
 WHERE client_id = $1
"""


async def assert_all_told_is_true(
    dsn: str,
    content: bytes,
    outcomes: Iterable[Mapping[str, Any]],
    *,
    client_id: int = 1,
    running: bool = False,
) -> None:
    """Hold what callers were told of a file against the database.

    Each project that an outcome calls landed is there with as many children as the file has; each
    version there has an outcome; nothing is there in part; ended imports have counts that fit.

    Args:
        dsn: the database, by a URL.
        content: a native file.
        outcomes: of imports of that file, as answers or the stored rows tell them.
        client_id: whose they are.
        running: imports may be running.

    Raises:
        AssertionError: something is not as it was told; says what.
    """
    connection = await asyncpg.connect(dsn)
    try:
        await _assert_whole(connection, running=running)
        await _assert_as_in_file(connection, content, outcomes, client_id)
    finally:
        await connection.close()


async def stored_outcomes(dsn: str, client_id: int = 1) -> list[dict[str, Any]]:
    """All outcomes of a client's imports, as they are stored."""
    connection = await asyncpg.connect(dsn)
    try:
        rows = await connection.fetch(
            "SELECT * FROM import_results WHERE client_id = $1 ORDER BY import_id, attempt, index",
            client_id,
        )
        return [dict(row) for row in rows]
    finally:
        await connection.close()


async def _assert_whole(connection: "asyncpg.Connection[Any]", *, running: bool) -> None:
    """What is true of every database, whatever was imported."""
    for query in (_MISCOUNTED, _UNTOLD, _POINTING_NOWHERE):
        assert await connection.fetch(query) == []
    for table in (*_TABLES, "project_parts"):
        assert await connection.fetch(_ORPHANS.format(table=table)) == [], table
    if not running:
        left = "SELECT client_id, import_id FROM imports WHERE state = 'running'"
        assert await connection.fetch(left) == []


async def _assert_as_in_file(
    connection: "asyncpg.Connection[Any]",
    content: bytes,
    outcomes: Iterable[Mapping[str, Any]],
    client_id: int,
) -> None:
    said = _children(content)
    there: dict[tuple[int, int], dict[str, int]] = {}
    for table in _TABLES:
        for row in await connection.fetch(_LAID_DOWN.format(table=table), client_id):
            counts = there.setdefault((row["project_id"], row["version"]), {})
            counts[table] = row["number"]
    names = dict(
        await connection.fetch(
            "SELECT project_id, external_id FROM projects WHERE client_id = $1", client_id
        )
    )
    for told in outcomes:
        if told["outcome"] in _LANDED:
            key = (told["project_id"], told["version"])
            assert names.get(key[0]) == told["external_id"], told
            assert there.get(key) == said[told["external_id"]], told


def _children(content: bytes) -> dict[str, dict[str, int]]:
    """By project of a native file, how many children it has for each table."""
    found = {}
    for project in etree.fromstring(content).iter(f"{_NAMESPACE}project"):
        numbers = Counter(child.tag for child in project.iter())
        found[str(project.get("id"))] = {
            table: numbers[f"{_NAMESPACE}{tag}"] for table, tag in _TABLES.items()
        }
    return found
