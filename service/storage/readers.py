"""Roles that may read the schema ``report``, each limited to some clients.

The views of the schema show a role the clients that ``report.readers`` names for it.
"""

from collections.abc import Sequence
from typing import Final

import asyncpg

from service.storage import Connection
from service.storage.citus.distribution import is_distributed
from service.storage.queries import Queries

_SQL: Final = Queries("readers")


class ReaderError(Exception):
    """The role or a client does not exist, or the role cannot be limited; the text is one line."""


async def grant_reader(dsn: str, role: str, clients: Sequence[int]) -> None:
    """Let a role read the views of ``report``, with the rows of these clients.

    The clients are added to those that the role may see already.

    Args:
        dsn: URL of the migrated database, with the role that owns the tables.
        role: the reader's role.
        clients: ids of clients.

    Raises:
        ReaderError: the role or a client does not exist, the role owns the tables, or Citus
            distributes them.
        OSError, asyncpg.PostgresError: the database cannot be reached, or refuses the grant.
    """
    connection = await asyncpg.connect(dsn, statement_cache_size=0)
    try:
        async with connection.transaction():
            oid = await _find_role(connection, role)
            if await is_distributed(connection):
                raise ReaderError("on Citus, no role can be limited to some clients")
            found = {row["client_id"] for row in await connection.fetch(_SQL.find_clients, clients)}
            for client_id in clients:
                if client_id not in found:
                    raise ReaderError(f"there is no client {client_id}")
            await connection.execute(_SQL.add, oid, clients)
            for (statement,) in await connection.fetch(_SQL.grants, role):
                await connection.execute(statement)
    finally:
        await connection.close()


async def revoke_reader(dsn: str, role: str, clients: Sequence[int] | None) -> None:
    """Stop a role from reading clients; without clients left, it loses the schema too.

    Args:
        dsn: URL of the migrated database, with the role that owns the tables.
        role: the reader's role.
        clients: ids of clients, or None for all.

    Raises:
        ReaderError: the role does not exist, or it owns the tables.
        OSError, asyncpg.PostgresError: the database cannot be reached, or refuses the change.
    """
    connection = await asyncpg.connect(dsn, statement_cache_size=0)
    try:
        async with connection.transaction():
            oid = await _find_role(connection, role)
            await connection.execute(_SQL.remove, oid, clients)
            if not await connection.fetchval(_SQL.has_clients, oid):
                for (statement,) in await connection.fetch(_SQL.revocations, role):
                    await connection.execute(statement)
    finally:
        await connection.close()


async def _find_role(connection: Connection, role: str) -> int:
    row = await connection.fetchrow(_SQL.find_role, role)
    if row is None:
        raise ReaderError(f'there is no role "{role}"')
    if row["is_owner"]:  # the views run with its rights: without them, no reader could read
        raise ReaderError(f'the role "{role}" owns the tables, so it sees all clients')
    oid: int = row["oid"]
    return oid
