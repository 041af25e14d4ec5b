"""The page lists the projects of a client: sorted, filtered, and on one timeline."""

import re

import pytest
from playwright.async_api import expect

from tests.support.native import native_file
from tests.support.tab import Tab

pytestmark = pytest.mark.asyncio(loop_scope="session")

NAMES = ("Harbour", "Airport", "Metro", "Bridge")


def dated(number: int, name: str, start: str, finish: str) -> str:
    """A plan of Microsoft Project, which has the name of its file as its name."""
    dates = f"<start>{start}T08:00:00</start><finish>{finish}T17:00:00</finish>"
    title = f'<attributes><attribute name="Title">{name}</attribute></attributes>'
    return (
        f'<project id="P-{number}" source="mspdi"><name>P-{number}.mpp</name>'
        f"{dates}{title}</project>"
    )


async def fill(tab: Tab) -> None:
    plans = [
        dated(at, name, f"2026-0{at + 1}-05", f"2026-0{9 - at}-30") for at, name in enumerate(NAMES)
    ]
    await tab.sign_in()
    await tab.choose(native_file(*plans), "plans.xml")
    await expect(tab.card("plans.xml").get_by_text("All 4 projects imported.")).to_be_visible()
    await tab.go("Projects")


async def test_a_column_sorts_the_projects_and_back_returns(tab: Tab) -> None:
    await fill(tab)
    rows = tab.page.locator("tbody .name")
    finish = tab.page.get_by_role("button", name="Finish")
    await finish.click()
    await expect(rows).to_have_text(["Bridge", "Metro", "Airport", "Harbour"])
    await expect(finish).to_be_focused()
    await tab.page.keyboard.press("Enter")
    await expect(rows).to_have_text(["Harbour", "Airport", "Metro", "Bridge"])
    header = tab.page.get_by_role("columnheader", name="Finish")
    await expect(header).to_have_attribute("aria-sort", "descending")
    await expect(tab.page).to_have_url(re.compile(r"#/projects\?sort=-finish$"))
    await tab.page.get_by_role("button", name="Project", exact=True).click()
    await expect(rows).to_have_text(["Airport", "Bridge", "Harbour", "Metro"])
    await tab.page.go_back()
    await expect(rows).to_have_text(["Harbour", "Airport", "Metro", "Bridge"])
    await tab.page.get_by_label("Search in names").fill("p-3")
    await expect(rows).to_have_text(["Bridge"])
    await tab.page.reload()
    await expect(rows).to_have_text(["Bridge"])
    await expect(tab.page.get_by_label("Search in names")).to_have_value("p-3")
    await rows.click()
    await expect(tab.page.get_by_role("heading", name="Bridge")).to_be_visible()
    await expect(tab.page.locator("header .facts").first).to_contain_text("P-3.mpp")
    await tab.page.go_back()
    await tab.page.clock.install()
    await tab.page.get_by_label("Search in names").fill("p-2")
    await tab.go("Checks")
    await tab.page.clock.run_for(1000)  # the search waits for a pause in typing
    await expect(tab.page).to_have_url(re.compile(r"#/checks$"))


async def test_filters_narrow_the_table_and_the_timeline(tab: Tab) -> None:
    await fill(tab)
    await tab.page.get_by_text("Dates", exact=True).click()
    await tab.page.get_by_label("Starts from").fill("2026-02-05")
    await tab.page.get_by_label("Finishes until").fill("2026-07-30")
    await tab.page.keyboard.press("Escape")
    await expect(tab.page.locator("tbody .name")).to_have_text(["Metro", "Bridge"])
    await tab.page.get_by_role("button", name="Timeline").click()
    chart = tab.page.get_by_role("treegrid", name="Projects over time")
    await expect(chart.locator("svg .task")).to_have_count(2)
    await expect(chart.get_by_role("link", name="Metro")).to_be_visible()
    await tab.page.get_by_label("Format").select_option("p6")
    await tab.page.get_by_role("button", name="Clear the filters").click()
    await expect(chart.locator("svg .task")).to_have_count(4)
    await chart.get_by_role("link", name="Airport").click()
    await expect(tab.page.get_by_role("heading", name="Airport")).to_be_visible()
