"""``/docs`` in a real Chromium: the whole document, usable by keyboard and on every screen size."""

import pytest
from playwright.async_api import expect

from service.http.openapi.document import document
from tests.support.openapi.document import operations
from tests.support.tab import Tab

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_every_operation_and_schema_is_shown(tab: Tab) -> None:
    await tab.page.goto(f"{tab.service.base}/docs")
    schemas = [f"schema-{name}" for name in document()["components"]["schemas"]]
    for name in [*(each.name for each in operations()), *schemas]:
        await expect(tab.page.locator(f"[id='{name}'] > summary")).to_be_visible()
    drawn = await tab.page.locator("main").text_content()
    assert "undefined" not in str(drawn)
    assert "[object" not in str(drawn)


async def test_an_operation_is_found_and_opened_by_keyboard(tab: Tab) -> None:
    await tab.page.goto(f"{tab.service.base}/docs")
    await expect(tab.page.locator("#takeLock")).to_be_visible()
    await tab.page.keyboard.press("/")
    await tab.page.keyboard.type("lock take")
    await expect(tab.page.locator("#found")).to_have_text("1 found")
    await tab.page.keyboard.press("Tab")
    await tab.page.keyboard.press("Enter")
    example = tab.page.locator("#takeLock").get_by_text("Example: Ten minutes")
    await expect(example).to_be_visible()
    await expect(tab.page).to_have_url(f"{tab.service.base}/docs#takeLock")


@pytest.mark.screen(390, 844)
async def test_the_reference_fits_a_phone(tab: Tab) -> None:
    await tab.page.goto(f"{tab.service.base}/docs#importProjects")
    await expect(tab.page.locator("#importProjects").get_by_text("Responses")).to_be_visible()
    await tab.page.evaluate("document.querySelectorAll('details').forEach((e) => e.open = true)")
    assert await tab.page.evaluate("document.documentElement.scrollWidth") <= 390


async def test_a_request_is_tried_with_the_token_of_the_tab(tab: Tab) -> None:
    await tab.page.goto(f"{tab.service.base}/docs#setLabel")
    label = tab.page.locator("#setLabel")
    await label.get_by_role("button", name="Try it").click()
    await expect(label.get_by_role("link", name="Sign in")).to_be_visible()
    await tab.sign_in()
    await tab.page.get_by_role("link", name="API", exact=True).click()
    await tab.page.goto(f"{tab.service.base}/docs#listImports")
    listed = tab.page.locator("#listImports")
    await listed.get_by_role("button", name="Try it").click()
    await listed.get_by_label("limit").fill("1")
    path = f"/api/v2/clients/{tab.client}/imports?limit=1"
    await expect(listed.get_by_label("curl command")).to_contain_text(f'"$BASE{path}"')
    await listed.get_by_role("button", name="Send").click()
    await expect(listed.get_by_label("Body of the answer")).to_contain_text('"imports": []')
    await tab.page.goto(f"{tab.service.base}/docs#archiveProject")
    archive = tab.page.locator("#archiveProject")
    await archive.get_by_role("button", name="Try it").click()
    await expect(archive).to_contain_text("Your token does not have the scope projects:delete")
    await archive.get_by_label("project_id").fill("1")
    await archive.get_by_role("button", name="Send").click()
    await tab.say_yes("Send")
    await expect(archive.locator(".outcome")).to_contain_text("403 Forbidden")
    await tab.page.get_by_label("Main").get_by_role("link", name="History").click()
    await expect(tab.page.get_by_role("heading", name="History")).to_be_visible()
