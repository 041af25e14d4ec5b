"""A service whose way to the database can be broken, and what it must leave behind."""

import asyncio
import threading
from collections.abc import AsyncIterator

import aiohttp
import pytest

from service.db import Pool, patience
from service.settings import Settings
from tests.descriptors import unlinked
from tests.faults.proxy import Proxy, proxied
from tests.faults.uploading import QUICK, content_of
from tests.serving import Service, served


@pytest.fixture
def content() -> bytes:
    """A file of twelve batches."""
    return content_of(600)


@pytest.fixture
async def proxy(dsn: str) -> AsyncIterator[Proxy]:
    async with proxied(dsn) as proxy:
        yield proxy


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as http:
        yield http


@pytest.fixture
async def faulty(
    settings: Settings, pool: Pool, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Service]:
    """A service behind ``proxy``, with client 1; it must leave nothing behind."""
    monkeypatch.setattr(patience, "PATIENCE", 1.0)
    await pool.execute("INSERT INTO clients (client_id, name) VALUES (1, 'Demo')")
    tasks, files = len(asyncio.all_tasks()), unlinked()
    async with served(settings.model_copy(update=QUICK), proxy.dsn) as service:
        yield service
    await proxy.go_away()
    for thread in threading.enumerate():
        if thread.name.startswith("parse"):
            thread.join(5)
            assert not thread.is_alive()
    assert len(asyncio.all_tasks()) <= tasks, asyncio.all_tasks()
    assert unlinked() == files
