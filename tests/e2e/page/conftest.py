"""The page in a real Chromium, against a real service.

One service, one database and one browser serve all tests of a process; a test has a client and a
tab of its own. All of it runs on the session's event loop, so tests here are marked with it.
"""

import os
import shutil
from collections.abc import AsyncIterator, Iterator
from typing import Final

import pytest
import pytest_asyncio
from playwright.async_api import Browser, async_playwright, expect
from pydantic import SecretStr

from service.settings import Settings
from service.storage import Pool, migrate
from service.storage.embedded import server as embedded
from service.storage.pool import create_pool
from tests.support.service import SECRET, Service, served
from tests.support.tab import Tab

FLAGS: Final = (
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--process-per-site",
)
"""What keeps it from asking other hosts, and from starting a process for each tab."""


@pytest.fixture(scope="session")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with embedded.run_server(tmp_path_factory.mktemp("page"), "18") as dsn:
        migrate.migrate(dsn)
        yield dsn


@pytest_asyncio.fixture(loop_scope="session", scope="session")
async def page_service(database: str) -> AsyncIterator[Service]:
    settings = Settings(jwt_secret=SecretStr(SECRET), port=0, log_level="error", prune=False)
    changes = {"heartbeat_every": 0.1, "lock_timeout": 60}
    async with served(settings.model_copy(update=changes), database) as service:
        yield service


@pytest_asyncio.fixture(loop_scope="session", scope="session")
async def page_pool(page_service: Service) -> AsyncIterator[Pool]:
    pool = await create_pool(page_service.settings, page_service.dsn)
    yield pool
    await pool.close()


@pytest_asyncio.fixture(loop_scope="session", scope="session")
async def browser() -> AsyncIterator[Browser]:
    program = shutil.which("chromium")
    if program is None:
        pytest.fail("Chromium is not installed: apt-get install chromium", pytrace=False)
    flags = [*FLAGS, *(["--no-sandbox"] if os.geteuid() == 0 else [])]
    expect.set_options(timeout=30_000)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=program, args=flags)
        yield browser
        await browser.close()


@pytest_asyncio.fixture(loop_scope="session")
async def tab(
    browser: Browser, page_service: Service, page_pool: Pool, request: pytest.FixtureRequest
) -> AsyncIterator[Tab]:
    """A tab with its own client; any error in the page fails the test."""
    client: int = await page_pool.fetchval(
        "INSERT INTO clients (client_id, name)"
        " SELECT count(*) + 1, 'Office' FROM clients RETURNING client_id"
    )
    marker = request.node.get_closest_marker("screen")
    width, height = marker.args if marker else (1280, 900)
    context = await browser.new_context(viewport={"width": width, "height": height})
    tab = Tab(await context.new_page(), page_service, page_pool, client)
    yield tab
    await context.close()
    assert tab.faults == []


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "screen(width, height): size of the window, in pixels")
