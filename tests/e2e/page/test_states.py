"""Each state of the page is accessible and fits its screen, in light, in dark and on a phone.

``make pictures`` runs these tests with RECORD_PICTURES=1, which writes ``docs/pictures``.
"""

import contextlib
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext

from service.storage import Pool
from tests.support.portfolio import NOW, store_portfolio
from tests.support.screens import (
    DESKTOP,
    GALLERY,
    PHONE,
    PICTURES,
    RECORDING,
    SCREENS,
    find_violations,
    gallery,
    picture,
    record,
    remove_repeated,
    show_on,
)
from tests.support.service import Service, token
from tests.support.states import STATES, State
from tests.support.tab import SCOPES, Tab

pytestmark = pytest.mark.asyncio(loop_scope="session")

STORED = 1000
"""The number of the client with data; each other state has the next one."""
EXPIRES = 2_500_131_600
"""A fixed end of the session, which the page shows."""
MOST_BYTES = 4_000_000
"""Bytes of all pictures."""


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def stored_client(page_service: Service, page_pool: Pool) -> int:
    """The client with data, which all states share that change nothing."""
    await _add_client(page_pool, STORED)
    await store_portfolio(page_service, page_pool, STORED)
    return STORED


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def window(browser: Browser, page_service: Service) -> AsyncIterator[BrowserContext]:
    """A window for all states, each of which has a tab.

    A page that stays open keeps Chromium's process for the site, whose start takes as much time as
    all that a state does.
    """
    context = await browser.new_context(
        viewport={"width": SCREENS[0].width, "height": SCREENS[0].height},
        timezone_id="Europe/Brussels",
    )
    await context.clock.set_fixed_time(NOW)
    await (await context.new_page()).goto(page_service.base)
    yield context
    await context.close()


@pytest_asyncio.fixture(loop_scope="session")
async def seen(
    state: State,
    window: BrowserContext,
    page_service: Service,
    page_pool: Pool,
    stored_client: int,
) -> AsyncIterator[Tab]:
    """A tab in the state; any error in the page fails the test."""
    client = stored_client
    if not state.stored:
        client = STORED + 1 + [*STATES].index(state.name)
        await _add_client(page_pool, client)
    tab = Tab(await window.new_page(), page_service, page_pool, client)
    tab.token = token(clients=[client], scope=SCOPES, sub="anna", exp=EXPIRES)
    async with contextlib.AsyncExitStack() as tab.stack:
        await state.reach(tab)
        yield tab
    await tab.page.close()
    await window.set_offline(False)
    assert tab.faults == []


@pytest.mark.parametrize("state", STATES.values(), ids=STATES)
async def test_a_state_is_accessible_and_fits_every_screen(seen: Tab, state: State) -> None:
    wrong: dict[str, list[str]] = {screen.name: [] for screen in SCREENS}
    for screen in SCREENS if RECORDING else (DESKTOP, PHONE):
        await show_on(seen, screen)
        if RECORDING:
            await record(seen, state.name, screen, whole=state.whole)
        if overflow := await seen.overflow():
            wrong[screen.name].append(f"the page is {overflow} pixels wider than the window")
    await remove_repeated(seen, state.repeated)
    for screen in reversed(SCREENS):
        await show_on(seen, screen)
        wrong[screen.name] += await find_violations(seen, screen)
    assert wrong == {screen.name: [] for screen in SCREENS}


async def test_each_state_has_its_pictures_in_the_documents() -> None:
    head, mark, table = GALLERY.read_text("utf-8").partition("| State |")
    shown = gallery([*STATES])
    if RECORDING:
        GALLERY.write_text(head + shown, "utf-8")
    else:
        assert mark + table == shown, "run make pictures"
    there = {path.name for path in PICTURES.iterdir()}
    assert there == {picture(name, screen).name for name in STATES for screen in SCREENS}
    assert sum(path.stat().st_size for path in PICTURES.iterdir()) < MOST_BYTES


async def _add_client(pool: Pool, client: int) -> None:
    """Add a client whose imports have the numbers from 1 on, as its pictures show them."""
    await pool.execute("INSERT INTO clients (client_id, name) VALUES ($1, 'Office')", client)
    await pool.execute("ALTER TABLE imports ALTER COLUMN import_id RESTART")
