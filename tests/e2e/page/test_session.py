"""Signing in with a token or at an issuer, the end of a session, and what a token allows."""

import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Locator, expect

from tests.support.issuer import Issuer, running_issuer
from tests.support.service import Service, served, token
from tests.support.tab import SCOPES, Tab, project

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def company() -> AsyncIterator[Issuer]:
    async with running_issuer() as issuer:
        yield issuer


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def trusting(page_service: Service, company: Issuer) -> AsyncIterator[Service]:
    """A service where users sign in at the issuer."""
    settings = page_service.settings.model_copy(update=company.settings())
    async with served(settings, page_service.dsn) as service:
        yield service


@pytest.fixture
def issuer(company: Issuer, tab: Tab) -> Issuer:
    """The issuer, which gives tokens for the client of the tab."""
    claims = {"clients": [tab.client], "scope": SCOPES}
    company.__dict__.update(claims=claims, lifetime=3600, refreshes=False, idle=None)
    company.requests.clear()
    company.prompts.clear()
    return company


SIGN_OUT_WHILE_RENEWING = """async () => {
    const { renew } = await import("/page/session/issuer.js");
    const { forget } = await import("/page/session/token.js");
    const renewed = renew();
    forget();
    await renewed;
    return sessionStorage.length;
}"""


async def sign_in(tab: Tab, user: str = "anna") -> None:
    """Use the form of the issuer, from the card of the page."""
    await tab.page.get_by_role("button", name="Sign in").first.click()
    await tab.page.get_by_label("User").fill(user)
    await tab.page.get_by_role("button", name="Continue").click()


def heading(tab: Tab, name: str) -> Locator:
    return tab.page.get_by_role("heading", name=name, exact=True)


async def test_a_user_signs_in_at_the_issuer_and_out(
    tab: Tab, trusting: Service, issuer: Issuer
) -> None:
    page = tab.page
    await page.goto(f"{trusting.base}/#/projects")
    await sign_in(tab)
    await expect(heading(tab, "Projects")).to_be_visible()
    assert page.url == f"{trusting.base}/#/projects"
    menu = page.locator(".account")
    await menu.get_by_text(f"client {tab.client}").click()
    await expect(menu).to_contain_text("read, import and cancel, undo imports")
    await expect(menu.locator(".until")).to_contain_text(str(time.gmtime().tm_year))
    await page.reload()
    await expect(heading(tab, "Projects")).to_be_visible()
    await page.goto(f"{trusting.base}/?error=access_denied&state=guessed")
    await expect(heading(tab, "Import files")).to_be_visible()
    assert page.url == f"{trusting.base}/"
    await menu.locator("summary").click()
    await menu.get_by_role("button", name="Sign out").click()
    await expect(heading(tab, "Sign in")).to_be_visible()
    assert await page.evaluate("sessionStorage.length") == 0


async def test_a_user_who_signs_in_on_the_documentation_returns_there(
    tab: Tab, trusting: Service, issuer: Issuer
) -> None:
    await tab.page.goto(f"{trusting.base}/docs#listImports")
    operation = tab.page.locator("#listImports")
    await operation.get_by_role("button", name="Try it").click()
    await operation.get_by_role("button", name="Sign in").click()
    await tab.page.get_by_label("User").fill("anna")
    await tab.page.get_by_role("button", name="Continue").click()
    await operation.get_by_role("button", name="Try it").click()
    await expect(operation.get_by_label("client_id")).to_have_value(str(tab.client))


async def test_what_the_issuer_or_the_service_refuses_is_said(
    tab: Tab, trusting: Service, issuer: Issuer
) -> None:
    page = tab.page
    alert = page.get_by_role("alert")
    await page.goto(trusting.base)
    await page.get_by_role("button", name="Sign in").first.click()
    await page.get_by_role("button", name="Cancel").click()
    await expect(alert).to_contain_text("The issuer refused the sign-inThe user cancelled.")
    issuer.claims = {"scope": SCOPES}
    await sign_in(tab)
    await expect(alert).to_contain_text("You signed in as Anna. The token names no client")
    issuer.claims = {"clients": [tab.client], "scope": "other"}
    await sign_in(tab)
    await expect(alert).to_contain_text("Insufficient permissions")
    issuer.claims = {"clients": [tab.client], "scope": SCOPES, "iss": "https://other.example"}
    await sign_in(tab)
    await expect(alert).to_contain_text("JWT token issuer is not accepted")
    assert issuer.prompts == ["", "login", "login", "login"]
    asked = len(issuer.requests)
    await page.goto(f"{trusting.base}/?code=stolen&state=guessed")
    await expect(alert).to_contain_text("It was not started in this tab")
    assert page.url == f"{trusting.base}/"
    assert len(issuer.requests) == asked


async def test_a_client_is_chosen_and_changed(tab: Tab, trusting: Service, issuer: Issuer) -> None:
    page = tab.page
    issuer.claims["clients"] = [tab.client, 99_999]
    await page.goto(trusting.base)
    await sign_in(tab)
    await page.get_by_role("button", name="Client 99999").click()
    await expect(page.get_by_role("alert")).to_contain_text("Check the number of the client")
    await page.get_by_role("button", name=f"Client {tab.client}", exact=True).click()
    await expect(heading(tab, "Import files")).to_be_visible()
    await page.locator(".account > summary").click()
    await page.get_by_role("button", name="Client 99999").click()
    await expect(page.locator(".for-client")).to_have_text("client 99999")


async def test_a_session_is_renewed_until_the_issuer_ends_it(
    tab: Tab, trusting: Service, issuer: Issuer
) -> None:
    issuer.__dict__.update(lifetime=1, refreshes=True, idle=200)
    await tab.page.goto(trusting.base)
    await sign_in(tab)
    await tab.go("History")
    await expect(heading(tab, "History")).to_be_visible()
    kinds = {each["grant_type"] for each in issuer.requests}
    assert kinds == {"authorization_code", "refresh_token"}
    notice = tab.page.locator(".ending")
    await expect(notice).to_contain_text("Your session ends on")
    issuer.idle = 2000
    await notice.get_by_role("button", name="Stay signed in").click()
    await expect(notice).to_have_count(0)
    issuer.end_sessions()
    await tab.go("Projects")
    await expect(tab.page.get_by_text("Your session ended on")).to_be_visible()
    await sign_in(tab)
    await expect(heading(tab, "Projects")).to_be_visible()
    assert await tab.page.evaluate(SIGN_OUT_WHILE_RENEWING) == 0


async def test_the_end_of_a_token_is_announced_and_the_view_returns(tab: Tab) -> None:
    await tab.sign_in()
    await tab.go("History")
    tab.token = new_token(tab, exp=int(time.time()) + 4)
    await tab.page.evaluate(
        "(token) => sessionStorage.setItem('bulk-import',"
        " JSON.stringify({ ...JSON.parse(sessionStorage.getItem('bulk-import')), token }))",
        tab.token,
    )
    await tab.go("Projects")
    await expect(tab.page.get_by_text("Your session ends on")).to_be_visible()
    await expect(tab.page.get_by_text("Your session ended on")).to_be_visible()
    await tab.page.get_by_label("Token").fill(new_token(tab))
    await tab.page.get_by_role("button", name="Sign in").click()
    await expect(heading(tab, "Projects")).to_be_visible()


async def test_a_wrong_clock_of_the_computer_ends_no_session(tab: Tab) -> None:
    await tab.page.clock.set_fixed_time(time.time() + 7200)
    tab.token = new_token(tab, exp=int(time.time()) + 3600)
    await tab.sign_in()
    await tab.page.reload()
    await expect(heading(tab, "Import files")).to_be_visible()
    await expect(tab.page.locator(".ending")).to_have_count(0)


async def test_a_token_that_only_reads_is_offered_no_changes(tab: Tab) -> None:
    await tab.sign_in()
    card = await tab.send(project(1))
    await expect(card.get_by_text("1 project imported.")).to_be_visible()
    await tab.go("History")
    await expect(tab.page.get_by_role("button", name="Undo")).to_be_visible()
    await tab.page.evaluate("sessionStorage.clear()")
    await tab.page.reload()
    await tab.page.get_by_label("Token").fill(new_token(tab, scope="projects:read"))
    await tab.page.get_by_role("button", name="Sign in").click()
    await expect(tab.page.get_by_role("link", name="plans.xml")).to_be_visible()
    await expect(tab.page.get_by_role("button", name="Undo")).to_have_count(0)
    await tab.page.goto(f"{tab.service.base}/#/")
    await expect(heading(tab, "History")).to_be_visible()
    await expect(tab.page.get_by_label("Main").get_by_role("link", name="Import")).to_have_count(0)


def new_token(tab: Tab, **claims: Any) -> str:
    return token(**({"clients": [tab.client], "scope": SCOPES, "sub": "anna"} | claims))
