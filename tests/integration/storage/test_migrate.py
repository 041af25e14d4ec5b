"""Migrations of an empty and of a migrated database, also by several processes."""

import asyncio
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest

from service.storage.migrate import MIGRATIONS, MigrationError, migrate, pending_migrations
from tests.support.databases import as_role


async def test_migrating_twice_applies_each_migration_once(empty: str) -> None:
    names = sorted(path.name for path in MIGRATIONS.glob("*.sql"))
    assert await pending_migrations(empty) == names
    assert migrate(empty) == names
    assert await pending_migrations(empty) == []
    assert migrate(empty) == []


async def test_migrating_concurrently_applies_each_migration_once(empty: str) -> None:
    done = await asyncio.gather(*(asyncio.to_thread(migrate, empty) for _ in range(4)))
    assert sorted(map(len, done)) == [0, 0, 0, len([*MIGRATIONS.glob("*.sql")])]


async def test_a_failed_migration_is_reported_in_one_line(server: str) -> None:
    missing = urlunsplit(urlsplit(server)._replace(path="/missing"))
    with pytest.raises(MigrationError, match='database "missing" does not exist') as caught:
        migrate(missing)
    assert "\n" not in str(caught.value)


async def test_a_password_with_any_characters_reaches_dbmate(dsn: str) -> None:
    for password in ("a b", "50%zz", "x^y", "a:b", "%C3%A4"):
        assert migrate(as_role(dsn, f"postgres:{password}")) == []


async def test_a_newer_schema_is_accepted(dsn: str) -> None:
    """The previous version of the service keeps running while the next one is rolled out."""
    connection = await asyncpg.connect(dsn)
    await connection.execute("INSERT INTO schema_migrations (version) VALUES ('29990101000000')")
    await connection.close()
    assert await pending_migrations(dsn) == []
    assert migrate(dsn) == []  # the Job of the previous version, after a roll-back
