"""Services whose database or connection can be broken; they must leave nothing behind."""

import asyncio
import contextlib
import gc
import threading
from collections.abc import AsyncIterator, Iterator
from typing import Any

import aiohttp
import pytest

from service.settings import Settings
from service.storage import Pool, watchdog
from tests.support.databases import ADD_CLIENT, execute
from tests.support.descriptors import unlinked
from tests.support.faults.citus_ways import Ways, open_ways
from tests.support.faults.cluster import Cluster, cluster
from tests.support.faults.project_files import QUICK, content_of
from tests.support.faults.proxy import Proxy, proxied
from tests.support.service import Service, served


@pytest.fixture
def content() -> bytes:
    """A file of twelve batches."""
    return content_of(600)


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as http:
        yield http


@pytest.fixture
async def proxy(dsn: str) -> AsyncIterator[Proxy]:
    async with proxied(dsn) as proxy:
        yield proxy


@pytest.fixture
def retry_timeout() -> float:
    """Seconds for which the database may be unreachable; tests that wait them out use fewer."""
    return 30.0


@pytest.fixture
def quick(settings: Settings, retry_timeout: float) -> Settings:
    """Settings that detect a fault within seconds."""
    return settings.model_copy(update=QUICK | {"retry_timeout": retry_timeout})


@pytest.fixture
async def ways(postgres: str) -> AsyncIterator[Ways]:
    """The ways from a coordinator of Citus to its workers; lost second phases stay lost."""
    options: dict[str, Any] = {"citus.recover_2pc_interval": "-1"}
    with cluster(postgres, **options) as server:
        async with open_ways(server) as ways:
            yield ways


@pytest.fixture
async def faulty(
    quick: Settings, pool: Pool, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Service]:
    """A service on the database through ``proxy``, with client 1; it must leave nothing behind."""
    await pool.execute(ADD_CLIENT)
    async with broken_into(quick, proxy, monkeypatch) as service:
        yield service


@pytest.fixture
def own_server(postgres: str) -> Iterator[Cluster]:
    """A server that only this test uses."""
    with cluster(postgres) as server:
        yield server


@pytest.fixture
async def way(own_server: Cluster) -> AsyncIterator[Proxy]:
    """A proxy to ``own_server``."""
    async with proxied(own_server.dsn()) as way:
        yield way


@pytest.fixture
async def own(
    quick: Settings, own_server: Cluster, way: Proxy, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Service]:
    """A service on ``own_server`` through ``way``, with client 1; it must leave nothing behind."""
    await execute(own_server.dsn(), ADD_CLIENT)
    async with broken_into(quick, way, monkeypatch) as service:
        yield service


@contextlib.asynccontextmanager
async def broken_into(
    settings: Settings, way: Proxy, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Service]:
    """Serve through a proxy that may break; check that no thread, task or working file is left."""
    gc.collect()  # closes files that earlier tests left to the collector
    tasks, files = asyncio.all_tasks(), unlinked()
    async with served(settings, way.dsn) as service:
        monkeypatch.setattr(watchdog, "TRANSACTION_TIMEOUT", 1.0)
        yield service
    await way.go_away()
    for thread in threading.enumerate():
        if thread.name.startswith("parse"):
            thread.join(5)
            assert not thread.is_alive()
    assert asyncio.all_tasks() - {asyncio.current_task()} <= tasks
    assert unlinked() == files
