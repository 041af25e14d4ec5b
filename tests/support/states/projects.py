"""States of the list of projects, and of the schedule checks of all projects."""

from playwright.async_api import expect

from tests.support.states.catalogue import state
from tests.support.tab import Tab, project


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


@state("projects-sorted", stored=True)
async def sorted_projects(tab: Tab) -> None:
    await tab.sign_in()
    await tab.page.goto(f"{tab.service.base}/#/projects?sort=-progress&archived=include")
    await expect(tab.page.get_by_role("columnheader", name="Progress")).to_have_attribute(
        "aria-sort", "descending"
    )
    await tab.page.get_by_text("Dates", exact=True).click()


@state("projects-no-match", stored=True)
async def no_match(tab: Tab) -> None:
    await tab.sign_in()
    await tab.page.goto(f"{tab.service.base}/#/projects?text=nowhere")
    await expect(tab.page.get_by_text("No project matches.")).to_be_visible()


@state("projects-timeline", stored=True)
async def on_a_timeline(tab: Tab) -> None:
    await tab.sign_in()
    await tab.page.goto(f"{tab.service.base}/#/projects?view=timeline&sort=start")
    await expect(tab.page.locator("svg .task").first).to_be_visible()


@state("projects-many", repeated="tbody tr:nth-child(n+9)")
async def many(tab: Tab) -> None:
    """Has a locked, an archived and a long one, and one that is named after its file."""
    long = "Installations of the pumping stations along the western embankment " * 3
    plans = [project(n, long if n == 300 else "") for n in range(1, 301)]
    plans.append(
        '<project id="P-301" source="mspdi"><name>PU-1.mpp</name>'
        "<start>2026-03-01T08:00:00</start><finish>2026-02-01T08:00:00</finish></project>"
    )
    await tab.sign_in()
    await tab.send(*plans)
    await expect(tab.card("plans.xml").get_by_text("All 301 projects imported.")).to_be_visible()
    find = "(SELECT project_id FROM projects WHERE client_id = $1 AND external_id = $2)"
    lock = "INSERT INTO project_locks (client_id, project_id, holder, expires_at)"
    values = f" VALUES ($1, {find}, 'maria@example.com', '2100-01-01Z')"
    await tab.pool.execute(lock + values, tab.client, "P-299")
    archive = "UPDATE projects SET archived_at = now() WHERE client_id = $1 AND external_id = $2"
    await tab.pool.execute(archive, tab.client, "P-298")
    await tab.page.goto(f"{tab.service.base}/#/projects?sort=-warnings&archived=include&text=P-")
    await expect(tab.page.get_by_text("Showing 100 projects")).to_be_visible()


@state("projects-offline", stored=True)
async def offline(tab: Tab) -> None:
    await tab.sign_in()
    await tab.go("Projects")
    await expect(tab.page.get_by_text("Showing")).to_be_visible()
    await tab.page.context.set_offline(True)
    await tab.page.get_by_label("Warnings").select_option("some")
    await expect(tab.page.get_by_role("button", name="Try again")).to_be_visible()


@state("checks", stored=True)
async def checks(tab: Tab) -> None:
    await tab.sign_in()
    await tab.go("Checks")
    await expect(tab.page.locator(".count.failed").first).to_be_visible()
    await expect(tab.page.get_by_text("…", exact=True)).to_have_count(0)
