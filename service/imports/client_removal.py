"""Disables and removes clients.

A disabled client begins no imports, and its running imports are cancelled. Removal disables the
client, deletes its rows in small transactions that block nobody, and deletes the client last. An
interrupted removal can be repeated: it continues where it stopped.
"""

import asyncio
from typing import Final

from service.imports.reaper import reap_dead_imports
from service.imports.record import request_cancel
from service.storage import Connection
from service.storage.advisory_locks import lock_client
from service.storage.clients import list_running_imports
from service.storage.queries import Queries

_SQL = Queries("clients")

_CHILD: Final = "project_id, version, ordinal"
KEYS: Final = {
    "lock_breaks": "break_id",
    "project_locks": "project_id",
    "import_results": "import_id, attempt, index",
    "shared_objects": "hash",
    "project_parts": _CHILD,
    "baseline_tasks": _CHILD,
    "baselines": _CHILD,
    "assignments": _CHILD,
    "resources": _CHILD,
    "dependencies": _CHILD,
    "tasks": _CHILD,
    "version_labels": "project_id, version",
    "pruned_versions": "project_id, version",
    "project_versions": "project_id, version",
    "projects": "project_id",
    "import_progress": "import_id",
    "imports": "import_id",
}
"""The tables with rows of a client in the order of deletion, and what follows ``client_id`` in each
primary key."""

_ROWS_AT_A_TIME: Final = 5000
_PAUSE: Final = 0.02
_POLL_INTERVAL: Final = 0.2
_OPERATOR: Final = "an operator"


async def disable_client(conn: Connection, client_id: int) -> bool:
    """Refuse a client's requests from now on, and cancel its running imports; its data stays.

    Args:
        conn: a connection outside any transaction.
        client_id: the client.

    Returns:
        Whether the client exists.
    """
    async with conn.transaction():
        await lock_client(conn, client_id)  # waits for imports that are about to begin
        disabled = await conn.fetchval(_SQL.disable, client_id)
    await _cancel_imports(conn, client_id)
    return disabled is not None


async def remove_client(
    conn: Connection, client_id: int, expiry: float, *, notifies: bool = False
) -> None:
    """Remove a client with all its rows.

    Args:
        conn: a connection outside any transaction.
        client_id: the client.
        expiry: seconds without a heartbeat after which an import is dead.
        notifies: the end of each import sends an event.
    """
    await disable_client(conn, client_id)
    while await _cancel_imports(conn, client_id):
        # Perhaps no service is running.
        await reap_dead_imports(conn, client_id, expiry, notifies=notifies)
        await asyncio.sleep(_POLL_INTERVAL)
    for table in KEYS:
        while await _delete_rows(conn, table, client_id):  # noqa: ASYNC110
            await asyncio.sleep(_PAUSE)
    async with conn.transaction():
        await lock_client(conn, client_id)
        for table in KEYS:  # rows of requests that were admitted before the client was disabled
            while await _delete_rows(conn, table, client_id):
                pass
        await conn.execute(_SQL.delete_client, client_id)


async def _cancel_imports(conn: Connection, client_id: int) -> int:
    """Cancel the client's running imports; return how many there are."""
    running = await list_running_imports(conn, client_id)
    for import_id in running:
        await request_cancel(conn, client_id, import_id, _OPERATOR)
    return len(running)


async def _delete_rows(conn: Connection, table: str, client_id: int) -> int:
    query = _SQL.delete_rows.format(table=table, key=KEYS[table])
    status = await conn.execute(query, client_id, _ROWS_AT_A_TIME)
    return int(status.rpartition(" ")[2])
