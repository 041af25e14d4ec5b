"""States of the history of imports, and of one import."""

from playwright.async_api import expect

from tests.support.states.catalogue import state
from tests.support.tab import Tab


@state("history", stored=True)
async def history(tab: Tab) -> None:
    await tab.sign_in()
    await tab.go("History")
    await expect(tab.page.locator("tbody tr")).to_have_count(6)


@state("history-empty")
async def empty_history(tab: Tab) -> None:
    await tab.sign_in()
    await tab.go("History")
    await expect(tab.page.get_by_text("There are no imports yet.")).to_be_visible()


@state("import", stored=True)
async def imported(tab: Tab) -> None:
    await history(tab)
    await tab.page.get_by_role("link", name="Week 12.xml").click()
    await expect(tab.page.locator(".verdict")).to_be_visible()


@state("import-failures", stored=True)
async def failures(tab: Tab) -> None:
    await history(tab)
    await tab.page.get_by_role("link", name="Subcontractors.xml").click()
    await expect(tab.page.locator(".verdict")).to_be_visible()
