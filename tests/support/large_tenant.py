"""One large client beside many small ones, with the statistics of the planner in known states."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from service.storage import Connection

LARGE: Final = 1
"""The large client."""

KEEP: Final = 3
"""Versions that pruning keeps of each project; some projects have one more."""

_GROWTH: Final = 10
_SUPERSEDED_EVERY: Final = 36
"""Each so-many-th project has a superseded version."""


class Statistics(StrEnum):
    """What the planner knows about the rows."""

    NONE = "none"
    FRESH = "fresh"
    TENTH = "before the client grew tenfold"
    ABSENT = "before the client had rows"


@dataclass(frozen=True, slots=True)
class Size:
    """How many rows there are.

    Attributes:
        projects: of the large client.
        clients: small ones.
        imports: in the history of the large client. The first fiftieth has outcomes.
        tasks: of each project, and outcomes of each old import.
        prefix: of the external ids. A long one makes their index higher than the primary key.
    """

    projects: int
    clients: int
    imports: int
    tasks: int = 20
    prefix: str = "P-"

    @property
    def superseded(self) -> int:
        """Versions that pruning deletes."""
        return self.projects // _SUPERSEDED_EVERY

    @property
    def old_imports(self) -> int:
        """Imports whose outcomes pruning deletes."""
        return self.imports // 50


def last_import(size: Size) -> int:
    """Return the id of the large client's last import, whose file has all projects but ten."""
    return size.imports


async def fill(conn: Connection, size: Size, statistics: Statistics) -> None:
    """Fill an empty database; autovacuum must be off.

    Args:
        conn: as a superuser.
        size: how many rows.
        statistics: the state in which to leave the planner.
    """
    await _add_small_clients(conn, size)
    if statistics is Statistics.ABSENT:
        await conn.execute("ANALYZE")
    begun = size.projects // _GROWTH, size.imports // _GROWTH
    await _add_rows(conn, size, (1, begun[0]), (1, begun[1]))
    if statistics is Statistics.TENTH:
        await conn.execute("ANALYZE")
    await _add_rows(conn, size, (begun[0] + 1, size.projects), (begun[1] + 1, size.imports))
    await _add_last_outcomes(conn, size)
    if statistics is Statistics.FRESH:
        await conn.execute("ANALYZE")


async def _add_small_clients(conn: Connection, size: Size) -> None:
    """Clients with five projects each, whose ids are above those of the large one."""
    await conn.execute(
        f"""
        INSERT INTO clients (client_id, name)
        SELECT n, 'Client ' || n FROM generate_series({LARGE}, {LARGE + size.clients}) n
        """
    )
    await conn.execute(
        f"""
        INSERT INTO projects (client_id, project_id, external_id, version, content_hash)
        SELECT c, {size.projects} + c * 5 + n, '{size.prefix}' || n, 1, ''
          FROM generate_series({LARGE + 1}, {LARGE + size.clients}) c, generate_series(1, 5) n
        """
    )
    await _add_versions(conn, f"p.client_id > {LARGE}", size.tasks)
    await conn.execute(
        f"""
        INSERT INTO imports (client_id, import_id, state, subject, started_at, ended_at)
        SELECT c, {size.imports} + c, 'completed', 's', now() - interval '9 days',
               now() - interval '9 days'
          FROM generate_series({LARGE + 1}, {LARGE + size.clients}) c
        """
    )
    await _add_progress(conn, f"client_id > {LARGE}")


async def _add_rows(
    conn: Connection, size: Size, projects: tuple[int, int], imports: tuple[int, int]
) -> None:
    await conn.execute(
        f"""
        INSERT INTO projects (client_id, project_id, external_id, version, content_hash)
        SELECT {LARGE}, n, '{size.prefix}' || n,
               CASE WHEN n % {_SUPERSEDED_EVERY} = 0 THEN {KEEP + 1} ELSE 1 END, ''
          FROM generate_series($1::bigint, $2) n
        """,
        *projects,
    )
    chosen = f"p.client_id = {LARGE} AND p.project_id BETWEEN {projects[0]} AND {projects[1]}"
    await _add_versions(conn, chosen, size.tasks)
    await conn.execute(
        f"""
        INSERT INTO imports (client_id, import_id, state, subject, idempotency_key, filename,
                             counts, started_at, ended_at)
        SELECT {LARGE}, n, 'completed', 's', 'key-' || n, 'plan-' || n || '.xml', '{{}}', at, at
          FROM generate_series($1::bigint, $2) n,
               LATERAL (SELECT now() - interval '1 s' * ({size.imports} - n)
                               - CASE WHEN n <= {size.old_imports} THEN interval '40 days'
                                      ELSE '1 h' END) t (at)
        """,
        *imports,
    )
    await _add_progress(
        conn, f"client_id = {LARGE} AND import_id BETWEEN {imports[0]} AND {imports[1]}"
    )
    await conn.execute(
        f"""
        INSERT INTO import_results (client_id, import_id, attempt, index, outcome, external_id)
        SELECT {LARGE}, i, 1, n, 'unchanged', '{size.prefix}' || n
          FROM generate_series($1::bigint, least($2::bigint, {size.old_imports})) i,
               generate_series(0, {size.tasks - 1}) n
        """,
        *imports,
    )


async def _add_versions(conn: Connection, chosen: str, tasks: int) -> None:
    await conn.execute(
        f"""
        INSERT INTO project_versions (client_id, project_id, version, import_id, content_hash, name,
                                      source, attributes, created_at)
        SELECT client_id, project_id, n, 1, '', 'Plant ' || external_id, 'native', '{{}}',
               now() - interval '1 day' * (9 - n) + interval '1 ms' * project_id
          FROM projects p, generate_series(1, p.version) n
         WHERE {chosen}
        """
    )
    await conn.execute(
        f"""
        INSERT INTO tasks (client_id, project_id, version, ordinal, task_id, kind, name,
                           milestone, summary, attributes)
        SELECT client_id, project_id, v, n, 'T' || n, 'activity', 'Foundation ' || n,
               false, false, '{{}}'
          FROM projects p, generate_series(1, p.version) v, generate_series(1, {tasks}) n
         WHERE {chosen}
        """
    )


async def _add_progress(conn: Connection, chosen: str) -> None:
    await conn.execute(
        f"""
        INSERT INTO import_progress (client_id, import_id, attempt)
        SELECT client_id, import_id, attempt FROM imports WHERE {chosen}
        """
    )


async def _add_last_outcomes(conn: Connection, size: Size) -> None:
    await conn.execute(
        f"""
        INSERT INTO import_results (client_id, import_id, attempt, index, outcome, external_id,
                                    project_id, version)
        SELECT {LARGE}, {last_import(size)}, 1, n - 1, 'unchanged', '{size.prefix}' || n, n, 1
          FROM generate_series(1, {size.projects - 10}) n
        """
    )
