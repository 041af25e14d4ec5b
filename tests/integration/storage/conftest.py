"""Databases beside the test's own, on the same server."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest


@asynccontextmanager
async def another(server: str, name: str, template: str = "template1") -> AsyncIterator[str]:
    """A database of the server until the block ends; its address."""
    admin = await asyncpg.connect(server)
    await admin.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
    yield urlunsplit(urlsplit(server)._replace(path=f"/{name}"))
    await admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
    await admin.close()


@pytest.fixture
async def empty(server: str) -> AsyncIterator[str]:
    """A database without any table."""
    async with another(server, "empty") as dsn:
        yield dsn


@pytest.fixture
async def plain(server: str) -> AsyncIterator[str]:
    """A migrated one, whatever shape the run has."""
    async with another(server, "plain", "migrated") as dsn:
        yield dsn


@pytest.fixture
async def partitioned(server: str) -> AsyncIterator[str]:
    """A migrated one whose tables are in partitions, whatever shape the run has."""
    async with another(server, "in_partitions", "partitioned") as dsn:
        yield dsn
