"""Which projects there are, and at which version."""

from service.db import Connection
from service.reading.records import SQL


async def version(conn: Connection, client_id: int, project_id: int) -> int | None:
    """The version that a project is at, or None where the client has no such project."""
    current: int | None = await conn.fetchval(SQL.current, client_id, project_id)
    return current
