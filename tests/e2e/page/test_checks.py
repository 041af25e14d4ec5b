"""The page shows the schedule checks of a project, and of all projects."""

import pytest
from playwright.async_api import expect

from tests.support.tab import Tab, project

pytestmark = pytest.mark.asyncio(loop_scope="session")

TASKS = "".join(
    f'<task id="{n}" code="A{n}"><name>Dig {n}</name><duration>PT400H</duration></task>'
    for n in range(150)
)
LINKED = '<dependencies><dependency predecessor="0" successor="1" lag="-PT8H"/></dependencies>'


async def test_a_project_shows_its_checks_with_the_tasks_that_they_found(tab: Tab) -> None:
    made = project(1, "Bypass", TASKS).replace("</project>", f"{LINKED}</project>")
    await tab.sign_in()
    card = await tab.send(made)
    await card.get_by_text("1 imported project").click()
    await card.get_by_role("link", name="Bypass").click()
    checks = tab.page.get_by_role("region", name="Checks")
    await expect(checks.locator("tbody tr")).to_have_count(14)
    ends = checks.locator("tbody tr", has_text="Open ends")
    await expect(ends.locator(".badge")).to_have_text("failed")
    await expect(ends).to_contain_text("150 of 150 (100 %)")
    await ends.get_by_text("150 tasks").click()
    await expect(ends.locator("li")).to_have_count(100)
    await expect(ends.locator("li").first).to_have_text("A0 Dig 0: predecessor")
    await ends.get_by_role("button", name="Show more").click()
    await expect(ends.locator("li")).to_have_count(150)
    await expect(ends.get_by_role("button", name="Show more")).to_be_hidden()
    leads = checks.locator("tbody tr", has_text="Leads")
    await leads.get_by_text("1 link").click()
    await expect(leads.locator("li")).to_have_text("A1 Dig 1 after 0: -1 days")
    missing = checks.locator("tbody tr", has_text="Invalid dates")
    await expect(missing).to_contain_text("the project has no data date")


async def test_the_portfolio_shows_which_projects_fail(tab: Tab) -> None:
    good = "<task id='T' milestone='true'/>"
    await tab.sign_in()
    card = await tab.send(project(1, "Bypass", TASKS), project(2, "Harbour", good))
    await expect(card.get_by_text("All 2 projects imported.")).to_be_visible()
    await tab.go("Checks")
    bad = tab.page.locator("tbody tr", has_text="Bypass")
    await expect(bad).to_contain_text("2 checks")
    await expect(bad).to_contain_text("Open ends (150), Long tasks (150)")
    await expect(tab.page.locator("tbody tr", has_text="Harbour").locator(".failed")).to_have_count(
        0
    )
    await bad.get_by_role("link", name="Bypass").click()
    await expect(tab.page.get_by_role("heading", name="Schedule checks")).to_be_visible()


@pytest.mark.screen(390, 844)
async def test_the_checks_fit_a_phone(tab: Tab) -> None:
    await tab.sign_in()
    card = await tab.send(project(1, "Bypass", TASKS))
    await expect(card.get_by_text("1 project imported.")).to_be_visible()
    await tab.go("Checks")
    await expect(tab.page.locator("tbody tr", has_text="Open ends")).to_be_visible()
    assert await tab.overflow() == 0
    await tab.page.locator("tbody a").click()
    await expect(tab.page.get_by_text("150 tasks").first).to_be_visible()
    assert await tab.overflow() == 0
