"""Tables that are distributed by client over the nodes of a cluster.

``sql/citus.sql`` does the work. ``migrate`` repeats it after each migration of a distributed
database, so that new tables are distributed too. Nothing else depends on it.
"""

from typing import Final

import asyncpg

from service.storage import Connection
from service.storage.queries import SQL, Queries

DEFAULT_SHARDS: Final = 32
_DONE: Final = "distributed "
"""Before the name of a table in a notice of ``citus.sql``."""
_SQL: Final = Queries("citus")


class DistributionError(Exception):
    """The tables cannot be distributed; the text is one line for the user."""


async def distribute_tables(dsn: str, shards: int = DEFAULT_SHARDS) -> list[str]:
    """Distribute every table that is keyed by client, except those that are distributed already.

    Args:
        dsn: URL of the migrated database on the coordinator, with the role that owns the tables.
        shards: number of shards of each table; tables that are distributed keep theirs.

    Returns:
        Names of the tables that were distributed.

    Raises:
        DistributionError: the cluster has no workers, or the tables are partitioned.
        OSError, asyncpg.PostgresError: the database cannot be reached.
    """
    connection = await asyncpg.connect(dsn)
    notices: list[str] = []
    connection.add_log_listener(lambda _, notice: notices.append(notice.message))
    try:
        await connection.execute(f"SET bulk_import.shards = {shards}")
        await connection.execute((SQL / "citus.sql").read_text("utf-8"))
        return [text.removeprefix(_DONE) for text in notices if text.startswith(_DONE)]
    except asyncpg.RaiseError as error:
        raise DistributionError(f"{error}. {error.hint}") from error
    finally:
        await connection.close()


async def read_state(dsn: str) -> tuple[bool, bool]:
    """Return whether a database has Citus, and whether its tables are distributed.

    Raises:
        OSError, asyncpg.PostgresError: the database cannot be reached.
    """
    connection = await asyncpg.connect(dsn)
    try:
        return await has_citus(connection), await is_distributed(connection)
    finally:
        await connection.close()


async def is_distributed(connection: Connection) -> bool:
    """Return whether the tables are distributed."""
    return await has_citus(connection) and bool(await connection.fetchval(_SQL.is_distributed))


async def has_citus(connection: Connection) -> bool:
    """Return whether the database has the extension."""
    return bool(await connection.fetchval(_SQL.has_citus))
