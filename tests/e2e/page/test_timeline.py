"""The timeline of a project: its outline, its columns, its marks and its keys."""

import pytest
from playwright.async_api import Locator, expect

from tests.support.tab import Tab, project

pytestmark = pytest.mark.asyncio(loop_scope="session")

TASKS = """
<task id="S" wbs="1" summary="true"><name>Phase</name></task>
<task id="T" wbs="1.1" parent="S" summary="true"><name>Pit</name></task>
<task id="A" wbs="1.1.1" parent="T"><name>Dig</name><start>2026-01-05T08:00:00</start>
 <finish>2026-01-16T17:00:00</finish><duration>PT80H</duration><deadline>2026-01-15T17:00:00</deadline>
 <total-float>-PT8H</total-float></task>
<task id="B" wbs="1.1.2" parent="T"><name>Fill</name><start>2026-01-19T08:00:00</start>
 <finish>2026-03-20T17:00:00</finish><total-float>PT20H</total-float>
 <constraint-type>start_on</constraint-type><constraint-date>2026-01-19T08:00:00</constraint-date></task>
<task id="M" wbs="2" milestone="true"><name>Dug</name><finish>2026-03-21T08:00:00</finish></task>
"""
REST = """<dependencies><dependency predecessor="A" successor="B" lag="PT16H"/></dependencies>
<baselines><baseline number="0"/><baseline number="1"><name>Revision</name></baseline></baselines>
<baseline-tasks>
<baseline-task number="0" task="A"><finish>2026-01-09T17:00:00</finish></baseline-task>
<baseline-task number="0" task="B"><finish>2026-03-13T17:00:00</finish></baseline-task>
<baseline-task number="1" task="A"><finish>2026-01-14T17:00:00</finish></baseline-task>
</baseline-tasks></project>"""


async def shown(tab: Tab) -> Locator:
    """The timeline of the plan above."""
    await tab.sign_in()
    card = await tab.send(project(1, "Bypass", TASKS).replace("</project>", REST))
    await card.get_by_text("1 imported project").click()
    await card.get_by_role("link", name="Bypass").click()
    chart = tab.page.get_by_role("treegrid")
    await expect(chart.locator(".row")).to_have_count(5)
    return chart


async def test_bars_show_what_is_critical_late_held_and_planned(tab: Tab) -> None:
    chart = await shown(tab)
    kinds = {".task": 2, ".task.critical": 1, ".deadline.late": 1, ".constraint": 1, ".old": 2}
    for kind, number in kinds.items():
        await expect(chart.locator(f"svg {kind}")).to_have_count(number)
    await expect(chart.get_by_role("row", name="Dig")).to_have_text("Dig5 Jan 2616 Jan 2610 d")
    legend = tab.page.get_by_label("Legend")
    for name in ("Critical", "Baseline", "Missed deadline", "Constraint", "Milestone", "Summary"):
        await expect(legend.get_by_text(name, exact=True)).to_be_visible()
    await tab.page.get_by_label("Find a task").fill("fill")
    details = tab.page.locator("#task")
    for words in ("Start on 19 Jan 2026", "Total float2.5 d", "AfterDig FS +2 d"):
        await expect(details).to_contain_text(words)
    await details.get_by_role("button", name="Dig").click()
    await expect(details).to_contain_text("Critical")
    await tab.page.get_by_text("View", exact=True).click()
    await tab.page.get_by_label("Baseline").select_option("Revision")
    await expect(chart.locator("svg .old")).to_have_count(1)
    await tab.page.get_by_text("View", exact=True).click()
    await tab.page.get_by_label("Total float").check()
    await expect(chart.get_by_role("columnheader", name="Float")).to_be_visible()
    await expect(chart.get_by_role("row", name="Dig")).to_contain_text("-1 d")
    await tab.page.get_by_label("Links").uncheck()
    await expect(chart.locator("svg .link")).to_have_count(0)


async def test_the_outline_opens_and_closes_by_keys_mouse_and_level(tab: Tab) -> None:
    chart = await shown(tab)
    rows = chart.locator(".row")
    chosen = chart.get_by_role("row", selected=True)
    await chart.focus()
    steps = [
        ("ArrowDown", "Phase", 5),
        ("ArrowRight", "Pit", 5),
        ("ArrowLeft", "Pit", 3),
        ("ArrowLeft", "Phase", 3),
        ("ArrowLeft", "Phase", 2),
        ("End", "Dug", 2),
        ("*", "Dug", 5),
        ("PageUp", "Phase", 5),
    ]
    for key, name, count in steps:
        await chart.press(key)
        await expect(chosen.locator(".called")).to_have_text(name)
        await expect(rows).to_have_count(count)
    active = await chart.get_attribute("aria-activedescendant")
    await expect(tab.page.locator(f"#{active}")).to_have_attribute("aria-expanded", "true")
    await rows.filter(has_text="Pit").locator(".twist").click()
    await expect(rows).to_have_count(3)
    await tab.page.set_viewport_size({"width": 1280, "height": 420})
    await tab.page.get_by_label("Find a task").fill("fill")
    await expect(chosen).to_contain_text("Fill")
    await expect(chosen).to_be_in_viewport()
    await expect(rows).to_have_count(5)
    await tab.page.get_by_label("Outline").select_option("To level 1")
    await expect(rows).to_have_count(2)
    await expect(chosen).to_contain_text("Phase")


async def test_the_zoom_keeps_the_chosen_task_in_sight(tab: Tab) -> None:
    chart = await shown(tab)
    zoom = tab.page.get_by_label("Zoom", exact=True)
    await tab.page.get_by_label("Find a task").fill("dug")
    for choice, label in (("Days", "21 Mar"), ("Quarters", "Q1"), ("Years", "2026")):
        await zoom.select_option(choice)
        await expect(chart.locator("svg .tick", has_text=label).first).to_be_visible()
        bar = await chart.locator("svg .milestone").bounding_box()
        bars = await chart.locator("svg").bounding_box()
        assert bar is not None
        assert bars is not None
        assert bars["x"] - 8 < bar["x"] < bars["x"] + bars["width"]
    await tab.page.get_by_role("button", name="Zoom in").click()
    await chart.press("+")
    await expect(zoom).to_have_value("0.3")
