"""Hash partitions by client, which an operator can choose while the tables are empty.

Migrations create plain tables. ``partition_tables`` recreates each table that is keyed by client
with partitions. Run it again after a migration that adds tables. Nothing else depends on it.
"""

from typing import Final

import asyncpg

from service.storage import Connection
from service.storage.citus.distribution import is_distributed
from service.storage.queries import Queries

_SQL: Final = Queries("partitions")


class PartitionError(Exception):
    """The tables cannot be partitioned; the text is one line for the user."""


async def partition_tables(dsn: str, number: int) -> list[str]:
    """Partition every table that is keyed by client, by the hash of ``client_id``.

    All tables are partitioned in one transaction. Tables that have the partitions are left as they
    are.

    Args:
        dsn: URL of the migrated database, with the role that owns the tables.
        number: number of partitions of each table.

    Returns:
        Names of the tables that were partitioned.

    Raises:
        PartitionError: a table has rows, or another number of partitions, or is distributed.
        OSError, asyncpg.PostgresError: the database cannot be reached.
    """
    connection = await asyncpg.connect(dsn)
    try:
        async with connection.transaction():
            await connection.execute(_SQL.wait_for_others)
            if await is_distributed(connection):
                raise PartitionError("its tables are distributed over the nodes of a Citus cluster")
            return await _partition(connection, number)
    finally:
        await connection.close()


async def _partition(connection: Connection, number: int) -> list[str]:
    plain = []
    for name, partitions in await connection.fetch(_SQL.tables):
        if partitions not in (0, number):
            raise PartitionError(f"{name} has {partitions} partitions, which cannot be changed")
        if not partitions:
            plain.append(name)
    for name in plain:
        await connection.execute(_SQL.hold.format(table=name))
        if await connection.fetchval(_SQL.has_rows.format(table=name)):
            raise PartitionError(f"{name} has rows: only empty tables can be partitioned")
    for (statement,) in await connection.fetch(_SQL.statements, plain, number):
        await connection.execute(statement)
    return plain
