"""Notifies those who listen to the database, in the transaction that makes a change.

An event is sent by the commit, once, and not at all if the transaction rolls back. Events have ids
only, because every role that can connect can listen.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

import orjson
import structlog

from service.storage import Connection
from service.storage.queries import Queries

_SQL = Queries("events")
_log = structlog.get_logger()

CHANNEL: Final = "bulk_import"

LOCK_WAIT: Final = "5s"
"""Longest wait of a commit for the commits of other transactions that notify."""


def import_event(
    client_id: int, import_id: int, attempt: int, state: str, options: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the event of an import, or undo, that has ended in a state."""
    undone = options.get("undo")
    event = {
        "client_id": client_id,
        "kind": "import" if undone is None else "undo",
        "import_id": import_id,
        "attempt": attempt,
        "state": state,
    }
    more = {"dry_run": options.get("dry_run", False)} if undone is None else {"undone": undone}
    return event | more


def archive_event(
    client_id: int, project_id: int, version: int, *, archive: bool
) -> dict[str, Any]:
    """Return the event of a project that was archived or restored as a new version."""
    return {
        "client_id": client_id,
        "kind": "archive" if archive else "restore",
        "project_id": project_id,
        "version": version,
    }


async def notify(conn: Connection, events: Iterable[Mapping[str, Any]]) -> None:
    """Send events when the transaction commits; drop them if the server's queue is nearly full.

    Call this last: it changes the lock time-out of the transaction.
    """
    payloads = [orjson.dumps(event).decode() for event in events]
    if payloads and not await conn.fetchval(_SQL.notify, CHANNEL, payloads, LOCK_WAIT):
        _log.warning("events.dropped", events=len(payloads), reason="the queue of NOTIFY is full")
