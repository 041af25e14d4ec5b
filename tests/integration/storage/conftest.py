"""Further databases on the server of the test."""

from collections.abc import AsyncIterator

import pytest

from tests.support.databases import create_database


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
