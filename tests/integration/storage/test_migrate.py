"""Migrations on an empty database, at once, and again."""

import asyncio
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest

from service.storage.migrate import MIGRATIONS, MigrationError, migrate, pending_migrations


async def test_an_empty_database_is_brought_up_to_date_once(empty: str) -> None:
    names = sorted(path.name for path in MIGRATIONS.glob("*.sql"))
    assert await pending_migrations(empty) == names
    assert migrate(empty) == names
    assert await pending_migrations(empty) == []
    assert migrate(empty) == []


async def test_several_at_once_migrate_once(empty: str) -> None:
    done = await asyncio.gather(*(asyncio.to_thread(migrate, empty) for _ in range(4)))
    assert sorted(map(len, done)) == [0, 0, 0, len([*MIGRATIONS.glob("*.sql")])]


async def test_a_failure_is_told_in_one_line(server: str) -> None:
    missing = urlunsplit(urlsplit(server)._replace(path="/missing"))
    with pytest.raises(MigrationError, match='database "missing" does not exist') as caught:
        migrate(missing)
    assert "\n" not in str(caught.value)


async def test_a_newer_schema_is_taken(dsn: str) -> None:
    """The version before goes on while the next one is rolled out."""
    connection = await asyncpg.connect(dsn)
    await connection.execute("INSERT INTO schema_migrations (version) VALUES ('29990101000000')")
    await connection.close()
    assert await pending_migrations(dsn) == []
