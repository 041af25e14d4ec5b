"""Asks each node of a Citus cluster by itself, so that one that is away is missed alone.

Each call opens a connection to each node, because Citus could wait for the answer of a silent node
on an older one for as long as the network lets it.
"""

from collections.abc import Sequence
from typing import Final

import structlog

from service.storage import Connection
from service.storage.queries import Queries

_SQL = Queries("citus")
_log = structlog.get_logger()

_TIMEOUT: Final = 1.0
"""Seconds in which a node must accept a connection."""


async def find_lost_nodes(conn: Connection) -> str | None:
    """Return which nodes hold rows of clients and do not answer, if some do not."""
    async with conn.transaction():
        await _limit_timeout(conn)
        nodes = await conn.fetchval(_SQL.find_lost_nodes)
    if nodes is None:
        return None
    return f"Citus cannot reach {nodes}: requests for the clients on these nodes fail"


async def fetch_from_nodes(conn: Connection, query: str, tables: Sequence[str]) -> list[int]:
    """Return the rows that a query finds on the nodes that answer; log the others.

    Args:
        query: of one bigint, without parameters; each row depends on one client alone.
        tables: names of the distributed tables that it reads.
    """
    async with conn.transaction():
        await _limit_timeout(conn)
        answers = await conn.fetch(_SQL.fetch_from_nodes, query, tables)
    found: list[int] = []
    for node, success, result in answers:
        if success:
            found += map(int, result.strip("{}").split(",") if result else ())
        else:
            _log.warning("a node of Citus cannot be read", node=node, fault=result)
    return found


async def _limit_timeout(conn: Connection) -> None:
    await conn.execute(_SQL.limit_timeout, f"{_TIMEOUT * 1000:.0f}")
