"""The state of a client."""

from service.storage import Connection
from service.storage.queries import Queries

_SQL = Queries("clients")

DISABLED = "Client is disabled: an operator enables it with `bulk-import client enable`"


async def is_disabled(conn: Connection, client_id: int) -> bool | None:
    """Return whether a client is disabled, or None if it does not exist."""
    disabled: bool | None = await conn.fetchval(_SQL.is_disabled, client_id)
    return disabled


async def list_running_imports(conn: Connection, client_id: int) -> list[int]:
    """Return the ids of the client's running imports."""
    return [row["import_id"] for row in await conn.fetch(_SQL.list_running_imports, client_id)]
