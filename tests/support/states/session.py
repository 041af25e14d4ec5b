"""States of signing in, and of ``/docs``."""

from playwright.async_api import expect

from tests.support.states.catalogue import state
from tests.support.tab import Tab


@state("sign-in")
async def sign_in(tab: Tab) -> None:
    await tab.page.goto(f"{tab.service.base}/")
    await expect(tab.page.get_by_role("heading", name="Sign in")).to_be_visible()


@state("sign-in-refused")
async def sign_in_refused(tab: Tab) -> None:
    await sign_in(tab)
    await tab.page.get_by_label("Token").fill("rubbish")
    await tab.page.get_by_label("Client").fill("1")
    await tab.page.get_by_role("button", name="Sign in").click()
    await expect(tab.page.get_by_role("alert")).to_be_visible()


@state("docs", repeated="main details ~ details ~ details")
async def docs(tab: Tab) -> None:
    await tab.page.goto(f"{tab.service.base}/docs")
    await expect(tab.page.locator("#takeLock")).to_be_visible()
