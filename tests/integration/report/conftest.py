"""Readers of the schema ``report``."""

import functools
from collections.abc import AsyncIterator

import aiohttp
import asyncpg
import pytest

from tests.support.client import Client
from tests.support.readers import ROLES, Acting, act_as
from tests.support.report_plans import PLAN, copy_to_client_2
from tests.support.service import Service


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


@pytest.fixture
async def plans(service: Service, dsn: str) -> None:
    """Give the clients 1 and 2 the same project, in two versions, and its imports."""
    earlier = PLAN.replace("2026-01-23T17:00:00", "2026-01-21T17:00:00")
    async with aiohttp.ClientSession() as http:
        for content in (earlier, PLAN):
            await Client(http, service).land(content)
    connection = await asyncpg.connect(dsn, statement_cache_size=0)
    await copy_to_client_2(connection)
    await connection.close()
