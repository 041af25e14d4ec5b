"""The bench's PostgreSQL: durable, its tables emptied before a run, their rows out and in again."""

import contextlib
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit, urlunsplit

import asyncpg

from service.storage.embedded import server as embedded

VERSION: Final = "18"
CLIENTS: Final = 400
_BLOCK: Final = 256 * 1024
_COPY_BYTES: Final = 8 * 1024 * 1024
"""Rows of a table in one COPY, which is one transaction."""


@dataclass(frozen=True)
class Database:
    """One database of the server; each call opens a new connection."""

    dsn: str

    @contextlib.asynccontextmanager
    async def connected(self) -> "AsyncIterator[asyncpg.Connection[asyncpg.Record]]":
        connection = await asyncpg.connect(self.dsn, statement_cache_size=0)
        try:
            yield connection
        finally:
            await connection.close()

    async def execute(self, *statements: str) -> None:
        """Run statements one by one, each in its own transaction."""
        async with self.connected() as connection:
            for statement in statements:
                await connection.execute(statement, timeout=None)

    async def value(self, query: str) -> Any:
        async with self.connected() as connection:
            return await connection.fetchval(query)

    async def settle(self) -> None:
        """Prepare a timed run: leave no rows to vacuum and no pages to write from before."""
        await self.execute("VACUUM", "CHECKPOINT")

    async def empty(self) -> None:
        """Empty all tables that imports write to, and settle."""
        await self.execute(f"TRUNCATE {', '.join(await self.tables())} RESTART IDENTITY")
        await self.settle()

    async def tables(self) -> list[str]:
        """The tables that imports write to."""
        async with self.connected() as connection:
            rows = await connection.fetch(
                "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
                " AND tablename NOT IN ('clients', 'schema_migrations') ORDER BY tablename"
            )
        return [row["tablename"] for row in rows]

    async def sizes(self, *, outcomes: bool) -> tuple[int, int]:
        """Bytes of tables, TOAST included, and of their indexes.

        Args:
            outcomes: those of ``import_results`` alone, which are kept for days and not by what the
                database holds; or else those of all other tables.
        """
        chosen = "=" if outcomes else "<>"
        async with self.connected() as connection:
            row = await connection.fetchrow(
                "SELECT sum(pg_table_size(c.oid))::bigint, sum(pg_indexes_size(c.oid))::bigint"
                "  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
                " WHERE n.nspname = 'public' AND c.relkind = 'r'"
                f"  AND c.relname {chosen} 'import_results'"
            )
        assert row is not None
        return row[0], row[1]

    async def dump(self) -> dict[str, list[bytes]]:
        """All rows of all tables that imports write to, as COPY text in the tables' own order.

        Returns:
            By table, its rows in pieces of whole rows, each a COPY's worth.
        """
        pieces: dict[str, list[bytes]] = {}
        async with self.connected() as connection:
            for table in await self.tables():
                rows = bytearray()

                async def take(data: bytes, rows: bytearray = rows) -> None:
                    rows.extend(data)

                await connection.copy_from_table(table, output=take, format="text")
                pieces[table] = [*_pieces(bytes(rows))]
        return pieces

    async def load(self, pieces: dict[str, list[bytes]]) -> None:
        """Bare COPY of what ``dump`` gave, one COPY after the other."""
        async with self.connected() as connection:
            for table, rows in pieces.items():
                for piece in rows:
                    await connection.copy_to_table(table, source=_blocks(piece), format="text")


@contextlib.asynccontextmanager
async def server(directory: Path) -> AsyncIterator[Database]:
    """A PostgreSQL of the bench's own with its default database.

    Raises:
        EmbeddedError: it cannot be had.
        RuntimeError: it would trade durability for speed.
    """
    with embedded.run_server(directory, VERSION) as dsn:
        database = Database(dsn)
        for setting in ("fsync", "synchronous_commit", "full_page_writes"):
            if await database.value(f"SHOW {setting}") != "on":
                raise RuntimeError(f"{setting} is not on")
        yield database


async def another(database: Database, name: str) -> Database:
    """Make a further database on the same server."""
    await database.execute(f"CREATE DATABASE {name}")
    return Database(urlunsplit(urlsplit(database.dsn)._replace(path=f"/{name}")))


async def add_clients(database: Database) -> None:
    """Clients 1 to ``CLIENTS``."""
    await database.execute(
        "INSERT INTO clients (client_id, name)"
        f" SELECT n, 'Client ' || n FROM generate_series(1, {CLIENTS}) n"
    )


def _pieces(rows: bytes) -> Iterator[bytes]:
    start = 0
    while start < len(rows):
        end = rows.find(b"\n", min(start + _COPY_BYTES, len(rows) - 1)) + 1
        yield rows[start:end]
        start = end


async def _blocks(piece: bytes) -> AsyncIterator[bytes]:
    view = memoryview(piece)
    for start in range(0, len(piece), _BLOCK):
        yield view[start : start + _BLOCK]  # type: ignore[misc]
