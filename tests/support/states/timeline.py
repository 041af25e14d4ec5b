"""States of one project: its timeline, its versions, and their comparison."""

from playwright.async_api import Locator, expect

from tests.support.portfolio import fix_times
from tests.support.quay import LATER, programme, quay
from tests.support.states.catalogue import state
from tests.support.tab import Tab
from tests.support.tab import project as plan

COMPARED = "Pump station Porto 2"
"""A project of the stored client that has two versions."""
UNDATED = "<task id='S' summary='true'><name>Phase</name></task><task id='A' parent='S'/>"


async def shown(tab: Tab, *versions: str) -> Locator:
    """Import versions of a project one by one, and show it; its timeline."""
    await tab.sign_in()
    for number, version in enumerate(versions):
        card = await tab.send(version, name=f"{number}.xml")
        await expect(card.get_by_text("1 project imported.")).to_be_visible()
    await fix_times(tab.pool, tab.client)
    await tab.go("Projects")
    await tab.page.locator("tbody a.name").click()
    await expect(tab.page.get_by_role("heading", name="Versions")).to_be_visible()
    await expect(tab.page.get_by_role("region", name="Checks").get_by_role("table")).to_be_visible()
    return tab.page.get_by_role("treegrid")


@state("project", stored=True)
async def project(tab: Tab) -> None:
    await tab.sign_in()
    await tab.go("Projects")
    await tab.page.get_by_role("link", name=COMPARED).click()
    await expect(tab.page.locator(".timeline svg .task").first).to_be_visible()
    await expect(tab.page.get_by_role("button", name="Compare")).to_be_visible()


@state("compare", stored=True, whole=True, repeated="li ~ li ~ li ~ li")
async def compare(tab: Tab) -> None:
    await project(tab)
    await tab.page.get_by_role("button", name="Compare").click()
    await expect(tab.page.get_by_role("region", name="Summary")).to_be_visible()


@state("timeline")
async def timeline(tab: Tab) -> None:
    await shown(tab, quay())
    await tab.page.get_by_label("Find a task").fill("pile")
    await expect(tab.page.locator("#task h3")).to_contain_text("Pile driving")
    await tab.page.get_by_role("heading", name="Timeline").scroll_into_view_if_needed()


@state("timeline-outline")
async def outline(tab: Tab) -> None:
    await shown(tab, quay())
    await tab.page.get_by_label("Outline").select_option("To level 2")
    await tab.page.get_by_text("View", exact=True).click()
    await expect(tab.page.get_by_label("Baseline")).to_be_visible()


@state("timeline-large")
async def large(tab: Tab) -> None:
    chart = await shown(tab, programme(4000))
    await tab.page.get_by_label("Zoom", exact=True).select_option("Weeks")
    await tab.page.get_by_label("Find a task").fill("task 1215")
    await expect(chart.get_by_role("row", selected=True)).to_contain_text("Task 1215")


@state("timeline-years")
async def years(tab: Tab) -> None:
    await shown(tab, programme(400))
    await tab.page.get_by_label("Zoom", exact=True).select_option("Years")


@state("timeline-undated")
async def undated(tab: Tab) -> None:
    await shown(tab, plan(1, tasks=UNDATED))
    await expect(tab.page.get_by_text("No task has a date")).to_be_visible()


@state("timeline-empty")
async def empty(tab: Tab) -> None:
    await shown(tab, plan(1, tasks=""))
    await expect(tab.page.get_by_text("The project has no tasks.")).to_be_visible()


@state("compare-baseline", whole=True)
async def compare_with_baseline(tab: Tab) -> None:
    chart = await shown(tab, quay(LATER))
    await tab.page.get_by_role("button", name="Compare").click()
    await expect(chart.locator("svg .old").first).to_be_visible()


@state("compare-equal")
async def compare_equal(tab: Tab) -> None:
    await shown(tab, quay(), quay(LATER), quay())
    await tab.page.get_by_label("From").select_option("version 1")
    await tab.page.get_by_role("button", name="Compare").click()
    await expect(tab.page.get_by_text("Versions 1 and 3 are equal.")).to_be_visible()
