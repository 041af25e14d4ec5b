"""Hash partitions by client: a shape of the schema that is chosen while its tables are empty.

Migrations make plain tables. ``partition`` makes those that are keyed by client anew in so many
partitions each, and after a migration those that came with it; nothing else differs.
"""

from typing import Final

import asyncpg

from service.storage import Connection
from service.storage.queries import Queries

_SQL: Final = Queries("partitions")


class PartitionError(Exception):
    """The tables cannot be partitioned so; the text is one line that says why."""


async def partition(dsn: str, number: int) -> list[str]:
    """Have every table that is keyed by client in partitions, by the hash of ``client_id``.

    All of them in one transaction; where they are so already, nothing is done.

    Args:
        dsn: the database, by a URL whose role owns the tables; migrated.
        number: of partitions of each table.

    Returns:
        Names of the tables that were partitioned.

    Raises:
        PartitionError: a table holds rows, or has another number of partitions.
        OSError, asyncpg.PostgresError: the database cannot be asked.
    """
    connection = await asyncpg.connect(dsn)
    try:
        async with connection.transaction():
            await connection.execute(_SQL.wait_for_others)
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
            raise PartitionError(f"{name} holds rows: only empty tables can be partitioned")
    for (statement,) in await connection.fetch(_SQL.statements, plain, number):
        await connection.execute(statement)
    return plain
