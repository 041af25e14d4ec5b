"""Large projects, put into the tables without an import."""

from service.storage import Pool


async def plant(pool: Pool, tasks: int, attributes: str = "'{}'") -> int:
    """Insert a project of client 1 with ``tasks`` tasks; ``attributes`` is SQL over ``n``."""
    project_id: int = await pool.fetchval(
        "INSERT INTO projects (client_id, external_id, version, content_hash)"
        r" VALUES (1, 'large', 1, '\x00') RETURNING project_id"
    )
    await pool.execute(
        "INSERT INTO project_versions (client_id, project_id, version, import_id, content_hash,"
        " name, source, attributes)"
        r" VALUES (1, $1, 1, 1, '\x00', 'Large', 'native', '{}')",
        project_id,
    )
    await pool.execute(
        "INSERT INTO tasks (client_id, project_id, version, ordinal, task_id, kind, name, start,"
        " milestone, summary, attributes)"
        " SELECT 1, $1, 1, n, 'T' || n, 'activity', 'A task of many', '2026-01-05 08:00',"
        f" false, false, ({attributes})::jsonb FROM generate_series(0, $2::integer - 1) AS n",
        project_id,
        tasks,
    )
    return project_id
