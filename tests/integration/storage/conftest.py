"""Further databases on the server of the test."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest


@asynccontextmanager
async def create_database(
    server: str, name: str, template: str = "template1"
) -> AsyncIterator[str]:
    """Create a database until the block ends, and yield its URL."""
    admin = await asyncpg.connect(server)
    await admin.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
    yield urlunsplit(urlsplit(server)._replace(path=f"/{name}"))
    await admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
    await admin.close()


@pytest.fixture
async def empty(server: str) -> AsyncIterator[str]:
    """A database without tables."""
    async with create_database(server, "empty") as dsn:
        yield dsn


@pytest.fixture
async def plain(server: str) -> AsyncIterator[str]:
    """A migrated database without partitions, whatever the run uses."""
    async with create_database(server, "plain", "migrated") as dsn:
        yield dsn


@pytest.fixture
async def partitioned(server: str) -> AsyncIterator[str]:
    """A migrated database with partitions, whatever the run uses."""
    async with create_database(server, "in_partitions", "partitioned") as dsn:
        yield dsn
