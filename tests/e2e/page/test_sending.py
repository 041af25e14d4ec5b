"""The page uploads files and shows progress, results and failures."""

import asyncio
import re
from functools import partial
from importlib.resources import files
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.async_api import expect

from service.codes import ErrorCode
from tests.support.faults.proxy import Fault, proxied
from tests.support.native import native_file
from tests.support.paths import CHECKOUT
from tests.support.projects import until
from tests.support.tab import Tab, project
from tests.support.xer_files import xer

pytestmark = pytest.mark.asyncio(loop_scope="session")

BAD = "<task/>"
"""A task without an id: its project fails."""


async def drop(tab: Tab, path: Path) -> None:
    """Drop a file or a folder on the page, as the desktop does."""
    session = await tab.page.context.new_cdp_session(tab.page)
    box = await tab.page.locator(".drop").bounding_box()
    assert box is not None
    data = {"items": [], "files": [str(path)], "dragOperationsMask": 1}
    for kind in ("dragEnter", "dragOver", "drop"):
        event = {"type": kind, "x": box["x"] + 9, "y": box["y"] + 9, "data": data}
        await session.send("Input.dispatchDragEvent", event)


async def test_a_folder_is_one_import_whose_outcomes_name_their_files(
    tab: Tab, tmp_path: Path
) -> None:
    cut = native_file(project(3), project(4, tasks=BAD), project(5))[:-60]
    good = [native_file(project(number)) for number in (1, 2)]
    plans = {"a.xml": good[0], "b/c10.xml": good[1], "b/c9.xml": cut}
    others = {"b/plan.mpp": b"\xd0\xcf", "b/.hidden/x.xml": b"", "a.pdf": b"%PDF"}
    folder = tmp_path / "Week 12"
    (folder / "b" / ".hidden").mkdir(parents=True)
    for name, content in (plans | others).items():
        (folder / name).write_bytes(content)
    await tab.sign_in()
    for way in (tab.page.locator("#folder").set_input_files, partial(drop, tab)):
        await way(folder)
        await tab.start()
        card = tab.card("Week 12")
        verdict = "3 of 4 projects imported from 2 files, 1 failed; 1 file could not be read."
        await expect(card.get_by_text(verdict)).to_be_visible()
        left_out = "Left out: Week 12/b/plan.mpp, Week 12/a.pdf. Of a folder, the page sends "
        await expect(card).to_contain_text(left_out)
        await expect(card).to_contain_text("Save .mpp files as XML in Microsoft Project.")
    assert await tab.counts(card) == [0, 0, 3, 1]
    groups = card.get_by_role("region", name="Failures").locator(".causes > li")
    await expect(groups).to_have_count(2)
    await expect(groups.nth(0)).to_contain_text("Plan 4 P-4 · Week 12/b/c9.xml, line 2")
    await expect(groups.nth(1)).to_contain_text("MALFORMED_XML1 file")
    await expect(groups.nth(1)).to_contain_text("Week 12/b/c9.xml · line")
    await card.get_by_text("3 imported projects").click()
    await card.get_by_role("searchbox", name="Imported").fill("c10")
    await expect(card.locator(".imported tbody tr")).to_have_count(1)
    await tab.go("History")
    await expect(tab.page.get_by_role("link", name="Week 12/a.xml and 2 more")).to_have_count(2)


async def test_an_xer_file_is_sent_with_the_encoding_that_the_user_names(
    tab: Tab, tmp_path: Path
) -> None:
    project = {"proj_id": 1, "proj_short_name": "P-1"}
    root = {"wbs_id": 1, "proj_id": 1, "proj_node_flag": "Y", "wbs_name": "Мост"}
    (tmp_path / "plan.xer").write_bytes(
        xer({"PROJECT": [project], "PROJWBS": [root]}, encoding="cp1251")
    )
    await tab.sign_in()
    encoding = tab.page.get_by_label("Encoding of XER files")
    await expect(encoding).to_be_hidden()
    await tab.page.locator("#files").set_input_files(tmp_path / "plan.xer")
    await expect(tab.page.locator(".chosen")).to_contain_text("Primavera XER")
    await encoding.select_option("windows-1251")
    await tab.start()
    card = tab.card("plan.xer")
    await expect(card.get_by_text("1 project imported.")).to_be_visible()
    await expect(encoding).to_be_hidden()
    await tab.go("Projects")
    await expect(tab.page.get_by_role("link", name="Мост")).to_be_visible()


async def test_the_page_tells_what_one_upload_cannot_send(tab: Tab, tmp_path: Path) -> None:
    paths = [tmp_path / name for name in ("a.xml", "b.xml")]
    for number, path in enumerate(paths):
        path.write_bytes(native_file(project(number)))
    await tab.sign_in()
    async with tab.hold_project(2):
        await tab.send(project(2), name="first.xml")
        await tab.page.locator("#files").set_input_files(paths)
        await tab.start()
        paths[1].rename(tmp_path / "b.mpp")
    card = tab.card("a.xml and 1 more")
    await expect(card.get_by_role("alert")).to_contain_text("“b.xml” was changed")
    await expect(card.get_by_role("button")).to_have_text(["Dismiss"])
    await tab.page.evaluate("document.documentElement.dataset.maxUploadBytes = 10")
    await tab.page.locator("#files").set_input_files(paths[0])
    await expect(tab.page.locator("form").get_by_role("alert")).to_contain_text("Too much at once")
    paths[0].unlink()
    await drop(tab, tmp_path)
    await expect(tab.page.locator("form").get_by_role("alert")).to_contain_text("b.mpp")


async def test_files_go_one_after_another_each_with_its_result(tab: Tab) -> None:
    await tab.sign_in()
    await tab.page.get_by_label("Notes").fill("Week 12")
    for _ in range(2):
        card = await tab.send(*(project(number) for number in range(134)))
        await expect(card.get_by_text("All 134 projects imported.")).to_be_visible()
    assert await tab.counts(card) == [0, 0, 134, 0]
    await card.get_by_text("134 imported projects").click()
    await expect(card.locator("tbody tr")).to_have_count(100)
    await card.get_by_role("button", name="Show the other 34").click()
    await expect(card.locator("tbody tr")).to_have_count(134)
    await tab.go("History")
    await expect(tab.page.get_by_text("Week 12")).to_have_count(2)


async def test_failures_are_shown_with_line_and_reason_and_exported_as_csv(tab: Tab) -> None:
    name = "&lt;img src=x onerror=&quot;document.title='run'&quot;&gt;"
    await tab.sign_in()
    bad = [project(number, name, BAD) for number in range(37)]
    card = await tab.send(*bad, *(project(f"good-{number}") for number in range(3)))
    await expect(card.get_by_text("3 of 40 projects imported, 37 failed.")).to_be_visible()
    failures = card.get_by_role("region", name="Failures")
    group = failures.locator(".causes > li")
    await expect(group).to_contain_text("id is missing VALIDATION_ERROR37 projectsAdd id.")
    await group.get_by_text("All 37 projects").click()
    rows = failures.locator("tbody tr")
    await expect(rows).to_have_count(37)
    await expect(rows.nth(9)).to_contain_text("P-9")
    await expect(rows.nth(9).locator("td").nth(1)).to_have_text("10")  # its line
    await expect(rows.nth(9)).to_contain_text("Line 10: id is missing")
    await expect(rows.nth(9)).to_contain_text("<img src=x")
    assert await tab.page.locator("img").count() == 0
    assert "run" not in await tab.page.title()
    async with tab.page.expect_download() as downloading:
        await card.get_by_role("button", name="Failures as CSV").click()
    text = (await (await downloading.value).path()).read_text("utf-8")
    assert text.count("VALIDATION_ERROR") == 37


async def test_five_thousand_failures_are_a_few_groups(tab: Tab) -> None:
    kinds = [BAD, "<task id='T' kind='{}'/>", "<task id='T'/><task id='T'/>"]
    await tab.sign_in()
    card = await tab.send(
        *(project(number, tasks=kinds[number % 3].format(number)) for number in range(5000))
    )
    failures = card.get_by_role("region", name="Failures")
    await expect(failures.get_by_text("3 causes, the most frequent first.")).to_be_visible(
        timeout=20_000
    )
    group = failures.locator(".causes > li").nth(1)
    await expect(group).to_contain_text('In kind, write one of activity, wbs instead of "1".')
    await group.get_by_text("All 1,667 projects").click()
    await expect(failures.locator("tbody tr")).to_have_count(100)
    await group.get_by_role("button", name="Show more").click()
    await expect(failures.locator("tbody tr")).to_have_count(200)
    async with tab.page.expect_download() as downloading:
        await group.get_by_role("button", name="These as CSV").click()
    text = (await (await downloading.value).path()).read_text("utf-8")
    assert text.count("VALIDATION_ERROR") == 1667
    await failures.get_by_role("searchbox").fill("p-4321")
    await expect(failures.locator("tbody tr")).to_have_count(1)
    await failures.get_by_role("searchbox").fill("no such thing")
    await expect(failures.get_by_text("Nothing matches.")).to_be_visible()


async def test_an_unreadable_file_shows_the_refusal_of_the_service(tab: Tab) -> None:
    await tab.sign_in()
    await tab.choose(b"no xml", "notes.txt")
    alert = tab.card("notes.txt").get_by_role("alert")
    await expect(alert).to_contain_text("Validation error: ")
    await expect(alert).to_contain_text("send the file again")


async def test_a_dry_run_shows_that_nothing_was_written(tab: Tab) -> None:
    await tab.sign_in()
    await tab.page.get_by_label("Dry run").check()
    card = await tab.send(project(1))
    await expect(card.get_by_text("A dry run: nothing was written.")).to_be_visible()
    assert await tab.counts(card) == [1, 0, 0, 0]
    await tab.go("Projects")
    await expect(tab.page.get_by_text("There are no projects here yet.")).to_be_visible()


async def test_a_running_import_shows_progress_and_can_be_cancelled(tab: Tab) -> None:
    await tab.sign_in()
    async with tab.hold_project(599):
        card = await tab.send(*(project(number) for number in range(600)))
        await expect(card.get_by_label("Bytes sent")).to_have_js_property("value", 1)
        await expect(card.get_by_label("Projects done")).to_have_js_property("value", 0.99)
        await expect(card.get_by_text(re.compile(r"^\d+ so far$"))).to_be_visible()
        await tab.go("History")
        await tab.page.get_by_role("button", name="Cancel").click()
        await tab.say_yes("Cancel the import")
        # The import ends at once, although the project that it waits for is still locked.
        await expect(tab.page.locator(".badge.cancelled")).to_be_visible(timeout=20_000)
    await tab.go("Import")
    await expect(card.get_by_text("The import was cancelled.")).to_be_visible()


async def test_the_page_finds_its_import_after_a_lost_connection(tab: Tab, tmp_path: Path) -> None:
    async with proxied(tab.service.base) as proxy:
        await tab.sign_in(f"http://127.0.0.1:{urlsplit(proxy.dsn).port}")
        strike = proxy.strike(Fault.STALL, b"</project>", skip=1000)
        notes = f"<task id='T'><notes>{'x' * 2000}</notes></task>"
        plans = [project(number, tasks=notes) for number in range(1500)]
        for place, part in enumerate((plans[:400], plans[400:])):
            (tmp_path / f"{place}.xml").write_bytes(native_file(*part))
        await tab.page.locator("#folder").set_input_files(tmp_path)
        await tab.start()
        card = tab.card(tmp_path.name)
        await asyncio.wait_for(strike.struck.wait(), 20)
        landed = f"SELECT count(*) FROM import_results WHERE client_id = {tab.client}"
        await until(tab.pool, landed)
        await proxy.go_away()  # deaf first, then cut: Chromium sends by itself what is merely cut
        await expect(card.get_by_text("The connection was lost. Looking for")).to_be_visible()
        await proxy.listen()
        await expect(card.get_by_text("goes on by itself")).to_be_visible()
        await expect(card.get_by_text("All 1,500 projects imported from 2 files.")).to_be_visible(
            timeout=20_000
        )
        assert (await tab.counts(card))[2] >= 200
    rows = await tab.pool.fetch("SELECT attempt FROM imports WHERE client_id = $1", tab.client)
    assert [row["attempt"] for row in rows] == [2]


async def test_a_reload_says_what_became_of_an_import(tab: Tab) -> None:
    await tab.sign_in()
    async with tab.hold_project(1):
        card = await tab.send(project(1), name="plan.xml")
        running = f"SELECT count(*) FROM imports WHERE client_id = {tab.client}"
        await until(tab.pool, running)
        await tab.page.reload()
        await expect(card.get_by_text("The page was loaded again")).to_be_visible()
    await expect(card.get_by_text("1 project imported.")).to_be_visible()
    await tab.page.reload()
    await expect(tab.page.get_by_role("heading", name="Import files")).to_be_visible()
    await expect(card).to_have_count(0)


async def test_a_list_is_loaded_again_when_the_network_is_back(tab: Tab) -> None:
    await tab.sign_in()
    await tab.page.context.set_offline(True)
    for place, empty in {"History": "There are no imports yet.", "Checks": "There are no"}.items():
        await tab.go(place)
        again = tab.page.get_by_role("button", name="Try again")
        await expect(again).to_be_visible()
        await tab.page.context.set_offline(False)
        await again.click()
        await expect(tab.page.get_by_text(empty)).to_be_visible()
        await tab.page.context.set_offline(True)


async def test_a_refused_token_can_be_replaced(tab: Tab) -> None:
    await tab.page.goto(f"{tab.service.base}/")
    await tab.page.get_by_label("Token").fill("rubbish")
    await tab.page.get_by_role("button", name="Sign in").click()
    await expect(tab.page.get_by_role("alert")).to_contain_text("JWT token is malformed")
    await expect(tab.page.get_by_role("alert")).to_contain_text("--client ID")
    await expect(tab.page.get_by_role("alert")).to_contain_text(
        "Sign in again, or use another token."
    )
    await tab.sign_in()
    kept = "[sessionStorage.length, localStorage.length, document.cookie]"
    assert await tab.page.evaluate(kept) == [1, 0, ""]
    # One that expires later, while the page is open.
    await tab.page.evaluate(
        "sessionStorage.setItem('bulk-import', JSON.stringify({token: 'a.b.c', client: '1'}))"
    )
    await tab.go("Projects")
    await expect(tab.page.get_by_role("heading", name="Sign in")).to_be_visible()
    await expect(tab.page.get_by_role("alert")).to_contain_text("Authentication failed")


async def test_the_page_explains_every_warning_and_known_errors() -> None:
    text = (files("service.web") / "page" / "imports" / "remedies.js").read_text("utf-8")
    head, warnings = text.split("const WARNINGS")
    assert set(re.findall(r"^  ([A-Z_]+): ", head, re.M)) <= set(ErrorCode)
    errors = (CHECKOUT / "docs" / "reference" / "errors" / "projects.md").read_text("utf-8")
    table = errors.partition("<!-- reference: warnings of a project -->")[2].split("\n\n")[0]
    known = re.findall(r"^  ([A-Z_]+): ", warnings, re.M)
    assert known == re.findall(r"^\| `([A-Z_]+)` ", table, re.M)
