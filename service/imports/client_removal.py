"""Clients that are to have no more imports, or to be no more.

A client that is disabled begins none, and those that run are cancelled. One that is removed is
disabled first; then its rows go, a range of keys at a time, so that nobody waits for it, and last
the client itself. Whatever ends a removal in between, another goes on with it.
"""

import asyncio
from typing import Final

from service.imports.record import request_cancel
from service.storage import Connection
from service.storage.advisory_locks import client_key
from service.storage.queries import Queries

_SQL = Queries("clients")

_CHILD: Final = "project_id, version, ordinal"
KEYS: Final = {
    "lock_breaks": "break_id",
    "project_locks": "project_id",
    "import_results": "import_id, attempt, index",
    "shared_objects": "hash",
    "project_parts": _CHILD,
    "assignments": _CHILD,
    "resources": _CHILD,
    "dependencies": _CHILD,
    "tasks": _CHILD,
    "pruned_versions": "project_id, version",
    "project_versions": "project_id, version",
    "projects": "project_id",
    "import_progress": "import_id",
    "imports": "import_id",
}
"""What a client has, in the order in which it goes, and what follows ``client_id`` in each key."""

_ROWS: Final = 5000
_PAUSE: Final = 0.02
_LOOK: Final = 0.2
_WHO: Final = "an operator"


async def disable_client(conn: Connection, client_id: int, expiry: float) -> bool:
    """Refuse a client's requests from now on, and stop its running imports; its data stays.

    Args:
        conn: a connection outside any transaction.
        client_id: the client.
        expiry: seconds without a heartbeat after which an import's owner counts as dead.

    Returns:
        Whether there is such a client.
    """
    async with conn.transaction():
        await conn.execute(_SQL.hold_client, client_key(client_id))  # none is about to begin
        found = await conn.fetchval(_SQL.disable, client_id)
    await _stop_imports(conn, client_id, expiry)
    return found is not None


async def remove_client(conn: Connection, client_id: int, expiry: float) -> None:
    """Remove a client with all that it has; arguments as of ``disable``."""
    await disable_client(conn, client_id, expiry)
    while await _stop_imports(conn, client_id, expiry):  # noqa: ASYNC110
        await asyncio.sleep(_LOOK)
    for table in KEYS:
        while await _delete_some(conn, table, client_id):  # noqa: ASYNC110
            await asyncio.sleep(_PAUSE)
    async with conn.transaction():
        await conn.execute(_SQL.hold_client, client_key(client_id))
        for table in KEYS:  # what somebody let in before the client was disabled did meanwhile
            while await _delete_some(conn, table, client_id):
                pass
        await conn.execute(_SQL.delete_client, client_id)


async def _stop_imports(conn: Connection, client_id: int, expiry: float) -> int:
    """Wish each running import cancelled, as its owner reads with its next beat; how many run."""
    running = await conn.fetch(_SQL.running, client_id)
    for row in running:
        await request_cancel(conn, client_id, row["import_id"], _WHO, expiry)
    return len(running)


async def _delete_some(conn: Connection, table: str, client_id: int) -> int:
    query = _SQL.delete_some.format(table=table, key=KEYS[table])
    done = await conn.execute(query, client_id, _ROWS)
    return int(done.rpartition(" ")[2])
