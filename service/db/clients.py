"""Who may have imports."""

from service.db import Connection
from service.db.queries import Queries

_SQL = Queries("imports")


async def exists(conn: Connection, client_id: int) -> bool:
    """Whether there is such a client; a disabled one counts as none."""
    return await conn.fetchval(_SQL.client, client_id) is not None
