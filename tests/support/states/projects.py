"""States of the list of projects, and of the schedule checks of all projects."""

from playwright.async_api import expect

from tests.support.states.catalogue import state
from tests.support.tab import Tab


@state("projects", stored=True)
async def projects(tab: Tab) -> None:
    await tab.sign_in()
    await tab.go("Projects")
    await expect(tab.page.get_by_role("link", name="Boiler").first).to_be_visible()


@state("projects-empty")
async def empty(tab: Tab) -> None:
    await tab.sign_in()
    await tab.go("Projects")
    await expect(tab.page.get_by_text("There are no projects here yet.")).to_be_visible()


@state("checks", stored=True)
async def checks(tab: Tab) -> None:
    await tab.sign_in()
    await tab.go("Checks")
    await expect(tab.page.get_by_text("…", exact=True)).to_have_count(0)
