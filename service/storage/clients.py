"""Who may have imports."""

from service.storage import Connection
from service.storage.queries import Queries

_SQL = Queries("clients")

DISABLED = "Client is disabled"


async def is_disabled(conn: Connection, client_id: int) -> bool | None:
    """Whether a client is disabled; None where there is no such client."""
    disabled: bool | None = await conn.fetchval(_SQL.is_disabled, client_id)
    return disabled
