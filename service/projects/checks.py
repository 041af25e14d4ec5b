"""Reads the schedule checks of a project's current version; the views have their rules."""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import orjson

from service.projects.records import SQL, VersionGone
from service.storage import Connection
from service.storage.queries import Queries

_SQL: Final = Queries("checks")

CHECKS: Final = (
    "open_ends",
    "leads",
    "lags",
    "relationship_types",
    "hard_constraints",
    "high_float",
    "negative_float",
    "high_duration",
    "invalid_dates",
    "missing_resources",
    "missed_tasks",
    "critical_path_test",
    "cpli",
    "bei",
)
"""Names of the checks, in the order of the assessment, whose points begin with 1."""


class Check(NamedTuple):
    """One check of a project.

    Attributes:
        summary: counts, threshold and result, by the names of the API.
        tasks: a page of findings, in JSON.
        last: position of the last one; 0 if there are none.
    """

    summary: dict[str, Any]
    tasks: list[orjson.Fragment]
    last: int


class ProjectChecks(NamedTuple):
    """The checks of one version of a project."""

    version: int
    checks: list[Check]


async def read_checks(
    conn: Connection, client_id: int, project_id: int, names: Sequence[str], after: int, limit: int
) -> ProjectChecks:
    """Return checks with their findings. Everything is read as it is at one moment.

    Args:
        conn: a connection outside any transaction.
        client_id: client of the project.
        project_id: project to check.
        names: checks to return.
        after: position after which the findings of each check begin; -1 for the first ones.
        limit: findings of each check.

    Raises:
        VersionGone: the client does not have the project.
        asyncpg.PostgresError: the database failed.
    """
    async with conn.transaction(isolation="repeatable_read", readonly=True):
        await conn.execute(SQL.follow_keys)
        version = await conn.fetchval(SQL.current, client_id, project_id)
        if version is None:
            raise VersionGone
        key = (client_id, project_id, version, list(names))
        summaries = await conn.fetch(_SQL.checks, *key)
        findings = await conn.fetch(_SQL.findings, *key, after, limit)
    checks = {row["name"]: Check(dict(row), [], 0) for row in summaries}
    for row in findings:
        check = checks[row["check_name"]]
        check.tasks.append(orjson.Fragment(row["line"]))
        checks[row["check_name"]] = check._replace(last=max(check.last, row["position"]))
    return ProjectChecks(version, list(checks.values()))
