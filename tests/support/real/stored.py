"""What the database has of a project."""

from typing import Any

from service.storage import Connection, Pool
from service.tables import COLUMNS, PROJECT_COLUMNS, Table

Row = dict[str, Any]


async def stored(pool: Pool, project_id: int) -> tuple[Row, dict[str, list[Row]]]:
    """A project of client 1, and its children's rows by table.

    All values are text as PostgreSQL prints it, intervals in ISO 8601 style.
    """
    async with pool.acquire() as conn, conn.transaction():
        await conn.execute("SET LOCAL intervalstyle = 'iso_8601'")
        own = ("external_id", *PROJECT_COLUMNS)
        [project] = await _rows(conn, "current_projects", own, project_id, "version")
        children = {
            table.value: await _rows(
                conn, f"current_{table}", COLUMNS[table], project_id, "ordinal"
            )
            for table in Table
        }
    return project, children


async def _rows(
    conn: Connection, view: str, columns: tuple[str, ...], project_id: int, order: str
) -> list[Row]:
    texts = ", ".join(f"{column}::text AS {column}" for column in columns)
    query = f"SELECT {texts} FROM {view} v WHERE client_id = 1 AND project_id = $1"
    return [dict(row) for row in await conn.fetch(f"{query} ORDER BY v.{order}", project_id)]
