"""Whose import is in a project's way."""

from service.db import Connection
from service.db.queries import Queries
from service.importer.keys import import_key, project_key

_SQL = Queries("writer")


async def import_in_the_way(conn: Connection, client_id: int, external_id: str) -> int | None:
    """The id of the client's running import that holds the project's advisory lock, if one does."""
    running = [row["import_id"] for row in await conn.fetch(_SQL.running, client_id)]
    keys = {import_key(client_id, import_id): import_id for import_id in running}
    key = await conn.fetchval(_SQL.in_the_way, project_key(client_id, external_id), list(keys))
    return keys.get(key)
