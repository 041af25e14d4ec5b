"""Whose import is in a project's way."""

from service.storage import Connection
from service.storage.advisory_locks import import_key, project_key
from service.storage.queries import Queries

_SQL = Queries("writer")


async def find_lock_holder(conn: Connection, client_id: int, external_id: str) -> int | None:
    """The id of the client's running import that holds the project's advisory lock, if one does."""
    running = [row["import_id"] for row in await conn.fetch(_SQL.running, client_id)]
    keys = {import_key(client_id, import_id): import_id for import_id in running}
    key = await conn.fetchval(_SQL.in_the_way, project_key(client_id, external_id), list(keys))
    return keys.get(key)
