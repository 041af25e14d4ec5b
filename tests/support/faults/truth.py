"""Checks that the database holds every project exactly as the outcomes of imports report it."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import asyncpg
from lxml import etree

from service.formats.native.mapping import NAMESPACE
from service.storage import Connection

_COUNTED: Final[dict[str, dict[str, tuple[str, ...]]]] = {
    NAMESPACE: {
        "tasks": ("task",),
        "dependencies": ("dependency",),
        "resources": ("resource",),
        "assignments": ("assignment",),
    },
    "http://schemas.microsoft.com/project": {
        "tasks": ("Task",),
        "dependencies": ("PredecessorLink",),
        "resources": ("Resource",),
        "assignments": ("Assignment",),
    },
    # P6 files keep resources outside the projects; a project has those that it uses.
    "http://xmlns.oracle.com/Primavera/P6/V23.12/API/BusinessObjects": {
        "tasks": ("WBS", "Activity"),
        "dependencies": ("Relationship",),
        "assignments": ("ResourceAssignment",),
    },
}
"""By namespace and table, the elements that become rows of it."""
_TABLES: Final = ("tasks", "dependencies", "resources", "assignments")
LANDED: Final = ("created", "updated", "unchanged")

# Imports whose counts differ from those of the stored outcomes of their attempt.
_MISCOUNTED: Final = """
SELECT i.import_id, i.state, i.counts, r.counts AS stored
  FROM imports i
 CROSS JOIN LATERAL (
       SELECT count(*) FILTER (WHERE outcome = 'created') AS created,
              count(*) FILTER (WHERE outcome = 'updated') AS updated,
              count(*) FILTER (WHERE outcome = 'unchanged') AS unchanged,
              -- Earlier releases counted a broken file as a project, and no files.
              count(*) FILTER (WHERE outcome = 'failed'
                                 AND (i.files_failed IS NULL
                                      OR error NOT IN ('MALFORMED_XML', 'UNSUPPORTED_FILE',
                                                       'FILE_TOO_LARGE'))) AS failed
         FROM import_results
        WHERE client_id = $1 AND import_id = i.import_id AND attempt = i.attempt) AS c
 CROSS JOIN LATERAL (SELECT to_jsonb(c) AS counts) AS r
 WHERE i.client_id = $1 AND i.state <> 'running' AND i.counts <> r.counts
"""
_RUNNING: Final = "SELECT import_id FROM imports WHERE client_id = $1 AND state = 'running'"
# Versions without an outcome, and those whose number of tasks differs from the outcome.
_UNREPORTED: Final = """
SELECT v.project_id, v.version
  FROM project_versions v
  LEFT JOIN import_results r
    ON r.client_id = $1 AND r.import_id = v.import_id AND r.project_id = v.project_id
   AND r.version = v.version AND r.outcome IN ('created', 'updated')
 WHERE v.client_id = $1
   AND r.tasks IS DISTINCT FROM (SELECT count(*)
                                   FROM tasks t
                                  WHERE t.client_id = $1 AND t.project_id = v.project_id
                                    AND t.version = v.version)
"""
# Each reported change is one version; versions are numbered from 1 to the current one.
_MISNUMBERED: Final = """
SELECT p.project_id, p.version, v.first, v.last, v.number, coalesce(r.number, 0) AS reported
  FROM projects p
  LEFT JOIN (SELECT project_id, min(version) AS first, max(version) AS last, count(*) AS number
               FROM project_versions
              WHERE client_id = $1
              GROUP BY project_id) AS v USING (project_id)
  LEFT JOIN (SELECT project_id, count(*) AS number
               FROM import_results
               JOIN imports i USING (client_id, import_id)
              WHERE client_id = $1 AND outcome IN ('created', 'updated')
                AND (i.options ->> 'dry_run') IS DISTINCT FROM 'true'
              GROUP BY project_id) AS r USING (project_id)
 WHERE p.client_id = $1
   AND ((v.first, v.last, v.number) IS DISTINCT FROM (1, p.version, p.version::bigint)
        OR coalesce(r.number, 0) <> p.version)
"""
_ORPHANS: Final = """
SELECT DISTINCT project_id, version FROM {table} c
 WHERE client_id = $1
   AND NOT EXISTS (SELECT FROM project_versions
                    WHERE client_id = $1 AND project_id = c.project_id
                      AND version = c.version)
"""
_CHILD_COUNTS: Final = """
SELECT project_id, version, (SELECT count(*) FROM {table} c
                              WHERE c.client_id = $1 AND c.project_id = v.project_id
                                AND c.version = v.version) AS number
  FROM project_versions v
 WHERE client_id = $1
"""


@dataclass
class Findings:
    """Differences between the outcomes and the database.

    Attributes:
        lost: projects that an outcome reports as imported and that are not stored so.
        partial: projects that are stored in part, or have versions without an outcome.
        wrong_state: imports whose row has a wrong state or wrong counts.
    """

    lost: list[str] = field(default_factory=list)
    partial: list[str] = field(default_factory=list)
    wrong_state: list[str] = field(default_factory=list)


async def assert_outcomes_are_stored(
    dsn: str,
    content: bytes,
    outcomes: Iterable[Mapping[str, Any]],
    *,
    client_id: int = 1,
    running: bool = False,
) -> None:
    """Compare the reported outcomes of a file with the database.

    Each project that an outcome calls landed is there with as many children as the file has; each
    version there has an outcome; nothing is there in part; ended imports have counts that fit.

    Args:
        dsn: the database, by a URL.
        content: the file.
        outcomes: of imports of that file, from responses or from the stored rows.
        client_id: whose they are.
        running: imports may be running.

    Raises:
        AssertionError: the database differs from the outcomes; the message lists where.
    """
    connection = await asyncpg.connect(dsn)
    try:
        found = await look(connection, client_id, running=running)
        there = await count_children(connection, client_id)
    finally:
        await connection.close()
    expected = children_of(content)
    found.lost += [
        f"{dict(outcome)}"
        for outcome in outcomes
        if not is_stored(outcome, there, expected[outcome["external_id"]])
    ]
    assert found == Findings()


def is_stored(
    outcome: Mapping[str, Any],
    stored: Mapping[tuple[int, int], tuple[str, Mapping[str, int]]],
    expected: Mapping[str, int],
) -> bool:
    """Return whether the project is stored with the children of its file, or was not imported."""
    if outcome["outcome"] not in LANDED:
        return True
    external_id, numbers = stored.get((outcome["project_id"], outcome["version"]), (None, {}))
    return external_id == outcome["external_id"] and all(
        numbers[table] == number for table, number in expected.items()
    )


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


async def look(connection: Connection, client_id: int, *, running: bool = False) -> Findings:
    """Return the inconsistencies of a client's tables; expects that no version was pruned.

    Args:
        running: imports may be running.
    """

    async def ask(query: str) -> list[str]:
        return [f"{dict(row)}" for row in await connection.fetch(query, client_id)]

    found = Findings(wrong_state=await ask(_MISCOUNTED))
    if not running:
        found.wrong_state += await ask(_RUNNING)
    for query in (_UNREPORTED, _MISNUMBERED):
        found.partial += await ask(query)
    for table in (*_TABLES, "baselines", "baseline_tasks", "project_parts"):
        found.partial += [f"{table}: {row}" for row in await ask(_ORPHANS.format(table=table))]
    return found


async def count_children(
    connection: Connection, client_id: int
) -> dict[tuple[int, int], tuple[str, dict[str, int]]]:
    """Return by project and version its external_id and its number of rows in each table."""
    query = "SELECT project_id, external_id FROM projects WHERE client_id = $1"
    rows = await connection.fetch(query, client_id)
    names: dict[int, str] = {row["project_id"]: row["external_id"] for row in rows}
    there: dict[tuple[int, int], tuple[str, dict[str, int]]] = {}
    for table in _TABLES:
        for row in await connection.fetch(_CHILD_COUNTS.format(table=table), client_id):
            key = (row["project_id"], row["version"])
            name = names.get(row["project_id"], "nobody")
            there.setdefault(key, (name, {}))[1][table] = row["number"]
    return there


def children_of(content: bytes) -> dict[str, dict[str, int]]:
    """Return by project of a file its number of records for each table, where that is simple.

    Of a project that occurs twice, the first counts.
    """
    found: dict[str, dict[str, int]] = {}
    for project in etree.fromstring(content).iter("{*}project", "{*}Project"):
        space = etree.QName(project).namespace
        numbers = Counter(child.tag for child in project.iter())
        counted = {
            table: sum(numbers[f"{{{space}}}{tag}"] for tag in tags)
            for table, tags in _COUNTED[str(space)].items()
        }
        guid = project.findtext("{*}GUID", "").lower()
        name = project.get("id") or guid or project.findtext("{*}Id")
        found.setdefault(str(name), counted)
    return found
