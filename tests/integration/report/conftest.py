"""Readers of the schema ``report``."""

import functools
from collections.abc import AsyncIterator

import asyncpg
import pytest

from tests.support.readers import ROLES, Acting, act_as


@pytest.fixture
async def acting(dsn: str) -> AsyncIterator[Acting]:
    """Open transactions of ``ROLES``, which exist until the test ends."""
    connection = await asyncpg.connect(dsn, statement_cache_size=0)
    for role in ROLES:
        await connection.execute(f"DROP ROLE IF EXISTS {role}; CREATE ROLE {role} LOGIN")
    yield functools.partial(act_as, connection)
    for role in ROLES:
        await connection.execute(f"DROP OWNED BY {role}; DROP ROLE IF EXISTS {role}")
    await connection.close()


@pytest.fixture
async def clients(dsn: str) -> None:
    """Clients 1 to 3, which have no projects yet."""
    connection = await asyncpg.connect(dsn, statement_cache_size=0)
    await connection.execute(
        "INSERT INTO clients (client_id, name) VALUES (1, 'One'), (2, 'Two'), (3, 'Three')"
    )
    await connection.close()
