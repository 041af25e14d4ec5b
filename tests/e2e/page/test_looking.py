"""The page shows stored data: history, projects, timelines and versions."""

import asyncio

import pytest
from playwright.async_api import expect

from tests.support.native import native
from tests.support.tab import Tab, project

pytestmark = pytest.mark.asyncio(loop_scope="session")

PLAN = """
<task id="S" summary="true"><name>Phase</name></task>
<task id="A" parent="S"><name>Dig</name><start>2026-01-05T08:00:00</start>
 <finish>{}T17:00:00</finish><percent-complete>40</percent-complete></task>
<task id="M" parent="S" milestone="true"><name>Dug</name><start>2026-02-02T08:00:00</start></task>
"""
LINK = '<dependencies><dependency predecessor="A" successor="M"/></dependencies>'

SECONDS_TO_DRAW = """async () => {
  const { ask } = await import("/page/shared/api.js");
  const { timeline } = await import("/page/timeline/timeline.js");
  const project = await ask(location.hash.slice(2));
  const began = performance.now();
  const { element } = timeline(project, new AbortController().signal);
  document.querySelector("main").replaceChildren(element);
  await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
  return (performance.now() - began) / 1000;
}"""
"""Seconds from the data of a project to its timeline on the screen."""


def plan(finish: str) -> str:
    made = project(1, "Bypass", PLAN.format(finish))
    return made.replace("</project>", f"{LINK}</project>")


async def test_a_project_is_shown_and_its_versions_are_compared(tab: Tab) -> None:
    await tab.sign_in()
    for finish in ("2026-01-09", "2026-01-16"):
        card = await tab.send(plan(finish), name=f"{finish}.xml")
        await expect(card.get_by_text("1 project imported.")).to_be_visible()
    await tab.pool.execute(
        "INSERT INTO version_labels (client_id, project_id, version, label)"
        " SELECT client_id, project_id, 1, 'Approved' FROM projects"
    )
    await tab.go("Projects")
    await tab.page.get_by_label("Search in names").fill("BYP")
    await tab.page.get_by_role("link", name="Bypass").click()
    chart = tab.page.locator(".timeline")
    for kind, number in {"task": 1, "done": 1, "milestone": 1, "link": 1, "summary": 1}.items():
        await expect(chart.locator(f"svg .{kind}")).to_have_count(number)
    shares = "bars => bars.map((bar) => bar.width.baseVal.value)"
    bar, done = await chart.locator("svg :is(.task, .done)").evaluate_all(shares)
    assert done / bar == pytest.approx(0.4)
    await tab.page.get_by_label("Find a task").fill("dig")
    details = tab.page.locator("#task")
    for words in ("Dates5 Jan 2026 to 16 Jan 2026", "Done40 %", "BeforeDug FS"):
        await expect(details).to_contain_text(words)
    await expect(tab.page.get_by_role("row", name="1 Approved")).to_be_visible()
    await tab.page.get_by_role("button", name="Compare").click()
    await tab.page.get_by_text("Tasks: 1 changed").click()
    summary = tab.page.get_by_role("region", name="Summary")
    await expect(summary).to_contain_text("Slipped: 1")
    await expect(summary).to_contain_text("Dig 7 days later · 9 Jan 2026 → 16 Jan 2026")
    both = "['.task', '.old'].map((bar) => document.querySelector(bar).width.baseVal.value)"
    await expect(chart.locator("svg .old")).to_have_count(1)
    new, old = await tab.page.evaluate(both)
    assert old < new
    await expect(tab.page.locator(".moved")).to_contain_text("2026-01-09 17:00 → 2026-01-16 17:00")
    await summary.get_by_role("button", name="Dig").click()
    await expect(details.get_by_role("heading")).to_have_text("Dig")
    await expect(details).to_contain_text("Version 15 Jan 2026 to 9 Jan 2026")
    await tab.page.reload()  # the address names the comparison
    await expect(summary).to_contain_text("Slipped: 1")
    await expect(chart.locator("svg .old")).to_have_count(1)
    await tab.page.get_by_role("button", name="End comparison").click()
    await expect(chart.locator("svg .old")).to_have_count(0)
    await expect(summary).to_have_count(0)
    await tab.page.get_by_role("link", name="1", exact=True).click()
    await expect(tab.page.get_by_text("1 of 2")).to_be_visible()


async def test_a_comparison_shows_baselines_and_resources(tab: Tab) -> None:
    await tab.sign_in()
    name = "<img src=x onerror=alert(1)>"
    text = name.replace("<", "&lt;")
    rest = (
        "<resources>{}</resources><baselines><baseline number='0'><name>{}</name></baseline>"
        "</baselines></project>"
    )
    crew = f"<resource id='R'><name>{text}</name></resource>"
    for found in (rest.format("", "Contract"), rest.format(crew, text)):
        card = await tab.send(project(1, "Quay").replace("</project>", found))
    await card.get_by_text("1 imported project").click()
    await card.get_by_role("link", name="Quay").click()
    await tab.page.get_by_role("button", name="Compare").click()
    summary = tab.page.get_by_role("region", name="Summary")
    await expect(summary).to_contain_text(f"Resources: 1{name} added")
    await expect(tab.page.get_by_text("Baselines: 1 changed")).to_be_visible()
    await expect(tab.page.locator("img[src=x]")).to_have_count(0)


async def test_a_version_is_compared_with_its_baseline(tab: Tab) -> None:
    await tab.sign_in()
    baseline = (
        "<baselines><baseline number='0' current='true'><name>Contract</name></baseline>"
        "</baselines>"
        "<baseline-tasks><baseline-task number='0' task='A'><start>2026-01-05T08:00:00</start>"
        "<finish>2026-01-09T17:00:00</finish></baseline-task></baseline-tasks></project>"
    )
    made = plan("2026-01-16").replace("</project>", baseline)
    card = await tab.send(made)
    await card.get_by_text("1 imported project").click()
    await card.get_by_role("link", name="Bypass").click()
    await tab.page.get_by_role("button", name="Compare").click()
    summary = tab.page.get_by_role("region", name="Summary")
    await expect(summary).to_contain_text("The project finishes 7 days later.")
    await expect(summary).to_contain_text("Dig 7 days later · 9 Jan 2026 → 16 Jan 2026")
    await expect(tab.page.locator(".timeline svg .old")).to_have_count(1)
    await expect(tab.page.get_by_label("Legend")).to_contain_text("Baseline Contract")


async def test_a_large_plan_keeps_only_visible_rows_in_the_document(tab: Tab) -> None:
    task = "<task id='{0}'><name>Task {0}</name><start>2026-01-{1:02}T08:00:00</start></task>"
    tasks = "".join(task.format(n, n % 28 + 1) for n in range(4000))
    await tab.sign_in()
    card = await tab.send(project(1, "Programme", tasks))
    await card.get_by_text("1 imported project").click()
    await card.get_by_role("link", name="Programme").click()
    chart = tab.page.get_by_role("treegrid")
    rows = chart.get_by_role("row")
    await expect(rows.filter(has_text="Task 0")).to_be_visible()
    assert await chart.locator("*").count() < 500
    await chart.press("End")
    await expect(tab.page.locator("#task")).to_contain_text("Task 3999")
    await expect(chart.get_by_role("row", selected=True)).to_contain_text("Task 3999")
    assert await chart.locator("*").count() < 500
    assert await tab.page.evaluate(SECONDS_TO_DRAW) < 1


async def test_groups_count_all_failures_and_the_csv_has_all_projects(tab: Tab) -> None:
    number = 20_001  # of failures, and of imported projects after them
    import_id = await tab.pool.fetchval(
        "WITH i AS (INSERT INTO imports (client_id, state, ended_at, counts) VALUES"
        " ($1, 'completed', now(), jsonb_build_object('failed', $2::bigint, 'created', $2))"
        " RETURNING import_id)"
        " INSERT INTO import_progress (client_id, import_id, attempt)"
        " SELECT $1, import_id, 1 FROM i RETURNING import_id",
        tab.client,
        number,
    )
    await tab.pool.execute(
        "INSERT INTO import_results (client_id, import_id, attempt, index, outcome, external_id,"
        " name, error, message)"
        " SELECT $1, $2, 1, n, CASE WHEN n < $3 THEN 'failed' ELSE 'created' END, n::text,"
        " 'Plan ' || n, CASE WHEN n < $3 THEN 'VALIDATION_ERROR' END, 'Bad'"
        " FROM generate_series(0, 2 * $3::bigint - 1) n",
        tab.client,
        import_id,
        number,
    )
    await tab.sign_in()
    await tab.page.goto(f"{tab.service.base}/#/imports/{import_id}")
    failures = tab.page.get_by_role("region", name="Failures")
    await failures.get_by_text("All 20,001 projects").click()
    await failures.get_by_role("searchbox").fill("plan 20000")
    await expect(failures.locator("tbody tr")).to_have_count(1)
    imported = tab.page.locator("details.imported")
    await imported.get_by_text("20,001 imported projects").click()
    await expect(imported.get_by_text("20,000 projects", exact=True)).to_be_visible()
    hint = "The list has the first 20,000. The CSV has all."
    await expect(imported.get_by_text(hint)).to_be_visible()
    await imported.get_by_role("searchbox").fill("plan 40000")
    await expect(imported.locator("tbody tr")).to_have_count(1)
    await imported.get_by_role("searchbox").fill("plan 40001")
    await expect(imported.get_by_text("Nothing matches.")).to_be_visible()
    async with tab.page.expect_download() as downloading:
        await tab.page.get_by_role("button", name="All outcomes as CSV").click()
    rows = (await (await downloading.value).path()).read_text("utf-8").splitlines()
    assert len(rows) == 1 + 2 * number


async def test_an_import_is_undone(tab: Tab) -> None:
    await tab.sign_in()
    card = await tab.send(project(1), project(2))
    await expect(card.get_by_text("All 2 projects imported.")).to_be_visible()
    await tab.go("History")
    await tab.page.get_by_role("button", name="Undo").click()
    await tab.say_yes("No")
    await tab.page.get_by_role("button", name="Undo").click()
    await tab.say_yes("Undo the import")
    await expect(tab.page.get_by_role("heading", name="Undo of import")).to_be_visible()
    await expect(tab.page.get_by_text("All 2 projects reverted.")).to_be_visible()
    await tab.page.locator(".facts").get_by_role("link", name="import").click()
    await expect(tab.page.locator(".badge.undone")).to_be_visible()
    await expect(tab.page.get_by_text("Undone by import")).to_be_visible()
    await tab.go("History")
    for word, number in (("undone", 1), ("partial", 0), ("completed", 1)):
        await tab.page.get_by_label("State").select_option(word)
        await expect(tab.page.locator("tbody tr")).to_have_count(number)
    await tab.page.reload()  # the address has the filter
    await expect(tab.page.get_by_label("State")).to_have_value("completed")
    await expect(tab.page.locator("tbody tr")).to_have_count(1)
    await tab.go("Projects")
    await expect(tab.page.get_by_text("There are no projects here yet.")).to_be_visible()


async def test_the_page_works_by_keyboard_alone(tab: Tab) -> None:
    keyboard = tab.page.keyboard
    choosing = asyncio.create_task(tab.page.wait_for_event("filechooser", timeout=120_000))
    await tab.page.goto(f"{tab.service.base}/")
    await keyboard.insert_text(tab.token)  # where the focus is
    await keyboard.press("Enter")
    await expect(tab.page.get_by_role("heading", name="Import files")).to_be_visible()

    async def tab_to(name: str) -> None:
        for _ in range(40):
            await keyboard.press("Tab")
            said = "document.activeElement.textContent || document.activeElement.id"
            if await tab.page.evaluate(said) == name:
                return
        raise AssertionError(f"Tab does not come to {name}")

    await tab_to("files")
    await keyboard.press("Enter")
    xml = native(project(1))
    given = [
        {"name": name, "mimeType": "text/xml", "buffer": xml.encode()}
        for name in ("draft.xml", "plan.xml")
    ]
    await (await choosing).set_files(given)  # type: ignore[arg-type]
    await tab_to("Remove")
    await keyboard.press("Enter")
    await expect(tab.page.get_by_text("1 file to import")).to_be_visible()
    await tab_to("Import 1 file")
    await keyboard.press("Enter")
    await expect(tab.page.get_by_text("1 project imported.")).to_be_visible()
    await tab_to("History")
    await keyboard.press("Enter")
    await expect(tab.page.get_by_role("button", name="Undo")).to_be_visible()
    await tab_to("Undo")
    await keyboard.press("Enter")
    await tab_to("Undo the import")
    await keyboard.press("Enter")
    await expect(tab.page.get_by_text("1 project reverted.")).to_be_visible()


@pytest.mark.screen(390, 844)
async def test_the_page_fits_a_phone(tab: Tab) -> None:
    name = "Installations_of_the_pumping_stations_along_the_western_embankment " * 3
    await tab.sign_in()
    card = await tab.send(project(1, name), project(2, name, "<task/>"), name=f"{name[:90]}.xml")
    await expect(card.locator(".causes > li")).to_have_count(1)
    assert await tab.overflow() == 0
    for place, row in {"History": ".xml", "Projects": "P-1"}.items():
        await tab.go(place)
        await expect(tab.page.locator("tbody tr", has_text=row)).to_be_visible()
        assert await tab.overflow() == 0
    await tab.page.locator("tbody a.name").click()
    await expect(tab.page.get_by_role("heading", name="Versions")).to_be_visible()
    assert await tab.overflow() == 0
