"""States of one project: its timeline, its versions, and their comparison."""

from playwright.async_api import expect

from tests.support.states.catalogue import state
from tests.support.tab import Tab

COMPARED = "Pump station Porto 2"
"""A project of the stored client that has two versions."""


@state("project", stored=True)
async def project(tab: Tab) -> None:
    await tab.sign_in()
    await tab.go("Projects")
    await tab.page.get_by_role("link", name=COMPARED).click()
    await expect(tab.page.locator(".timeline svg .task").first).to_be_visible()
    await expect(tab.page.get_by_role("button", name="Compare")).to_be_visible()


@state("compare", stored=True, repeated="li ~ li ~ li ~ li")
async def compare(tab: Tab) -> None:
    await project(tab)
    await tab.page.get_by_role("button", name="Compare").click()
    await expect(tab.page.get_by_role("region", name="Summary")).to_be_visible()
