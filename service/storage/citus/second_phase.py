"""Transactions of Citus that are committed on the coordinator, and on their node only prepared.

If the second phase of a commit is lost, the rows become visible when Citus recovers the
transaction, every ``citus.recover_2pc_interval``. Until then, nothing on the coordinator shows it:
neither a lock nor a session. Without Citus, there are none.
"""

import asyncio
from datetime import datetime, timedelta
from typing import Final

from service.storage import Connection, watchdog
from service.storage.citus.distribution import has_citus
from service.storage.queries import Queries

_SQL = Queries("citus")
_POLL: Final = 0.02
_LONGEST: Final = timedelta(seconds=watchdog.TRANSACTION_TIMEOUT + 5)
"""From the start of a transaction to its first phase, on the clocks of two nodes."""


async def wait_for_second_phases(conn: Connection, client_id: int) -> None:
    """Wait until every transaction that is prepared on the client's node has ended.

    Later statements see its rows, if they do not read an older snapshot.

    Args:
        conn: of a database that has Citus.
    """
    awaited: set[str] | None = None
    while True:
        prepared = {row["gid"] for row in await conn.fetch(_SQL.list_prepared, client_id)}
        awaited = prepared if awaited is None else awaited & prepared
        if not awaited:
            return
        await asyncio.sleep(_POLL)


async def limit_by_second_phases(conn: Connection, client_id: int, mark: datetime) -> datetime:
    """Return a time before which no prepared transaction on the client's node began.

    Args:
        mark: the start of the oldest transaction that the coordinator showed before.
    """
    if not await has_citus(conn):
        return mark
    rows = await conn.fetch(_SQL.list_prepared, client_id)
    prepared: list[datetime] = [row["prepared"] for row in rows]
    return min([mark, *(each - _LONGEST for each in prepared)])
