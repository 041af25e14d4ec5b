"""States of signing in, of the end of a session, and of ``/docs``."""

import time
from typing import Any

from playwright.async_api import expect

from tests.support.issuer import Issuer, running_issuer
from tests.support.service import served, token
from tests.support.states.catalogue import state
from tests.support.tab import SCOPES, Tab


@state("sign-in")
async def sign_in(tab: Tab) -> None:
    await tab.page.goto(f"{tab.service.base}/")
    await expect(tab.page.get_by_role("heading", name="Sign in")).to_be_visible()


@state("sign-in-refused")
async def sign_in_refused(tab: Tab) -> None:
    await sign_in(tab)
    await tab.page.get_by_label("Token").fill("rubbish")
    await tab.page.get_by_role("button", name="Sign in").click()
    await expect(tab.page.get_by_role("alert")).to_be_visible()


@state("sign-in-issuer")
async def sign_in_issuer(tab: Tab) -> None:
    await _open_with_issuer(tab)
    await _rename_issuer(tab)


@state("sign-in-without-client")
async def sign_in_without_client(tab: Tab) -> None:
    issuer = await _open_with_issuer(tab)
    issuer.claims = {"scope": SCOPES}
    await tab.page.get_by_role("button", name="Sign in").first.click()
    await tab.page.get_by_label("User").fill("anna")
    await tab.page.get_by_role("button", name="Continue").click()
    await expect(tab.page.get_by_role("alert")).to_contain_text("There is no client for you")
    await _rename_issuer(tab)


@state("choose-client")
async def choose_client(tab: Tab) -> None:
    await _use_token(tab, clients=[7, 4711, 900_001])
    await expect(tab.page.get_by_role("heading", name="Choose a client")).to_be_visible()


@state("account-reads-only")
async def account_reads_only(tab: Tab) -> None:
    name = "maximiliane.mustermann-von-der-heide@planungsbuero.example"
    end = int(time.time()) + 200_000
    claims = {"clients": [tab.client, 900_001], "scope": "projects:read", "sub": name, "exp": end}
    await _use_token(tab, **claims)
    await tab.page.get_by_role("button", name=f"Client {tab.client}", exact=True).click()
    await expect(tab.page.get_by_role("heading", name="History")).to_be_visible()
    await tab.page.locator(".account > summary").click()
    await _fix_time(tab, ".account .until")


@state("session-ending")
async def session_ending(tab: Tab) -> None:
    await _use_token(tab, clients=[tab.client], exp=int(time.time()) + 240)
    await expect(tab.page.locator(".ending")).to_be_visible()
    await _fix_time(tab, ".ending strong")


@state("session-ended")
async def session_ended(tab: Tab) -> None:
    await tab.sign_in()
    await tab.page.evaluate(
        "(token) => sessionStorage.setItem('bulk-import',"
        " JSON.stringify({ ...JSON.parse(sessionStorage.getItem('bulk-import')), token }))",
        token(clients=[tab.client], exp=1_764_000_000),
    )
    await tab.go("Projects")
    await expect(tab.page.get_by_text("Your session ended on")).to_be_visible()


@state("docs", repeated="main details ~ details ~ details")
async def docs(tab: Tab) -> None:
    await tab.page.goto(f"{tab.service.base}/docs")
    await expect(tab.page.locator("#takeLock")).to_be_visible()


@state("docs-try-it", repeated="section details:not(#listProjects, #listProjects *)")
async def docs_try_it(tab: Tab) -> None:
    await tab.sign_in()
    await tab.page.goto(f"{tab.service.base}/docs#listProjects")
    await tab.page.locator("#filter").fill("listProjects")
    operation = tab.page.locator("#listProjects")
    await operation.get_by_role("button", name="Try it").click()
    await operation.get_by_role("button", name="Send").click()
    await expect(operation.get_by_label("Body of the answer")).to_be_visible()
    await operation.locator(".outcome .quiet").evaluate(
        "(element) => { element.textContent = ' · 12 ms · 107 bytes'; }"
    )
    await tab.page.locator("search").evaluate("(element) => element.scrollIntoView()")


async def _open_with_issuer(tab: Tab) -> Issuer:
    """Open the page of a service that trusts an issuer."""
    issuer = await tab.stack.enter_async_context(running_issuer())
    settings = tab.service.settings.model_copy(update=issuer.settings())
    service = await tab.stack.enter_async_context(served(settings, tab.service.dsn))
    await tab.page.goto(service.base)
    await expect(tab.page.get_by_role("button", name="Sign in").first).to_be_visible()
    return issuer


async def _use_token(tab: Tab, **claims: Any) -> None:
    await sign_in(tab)
    await tab.page.get_by_label("Token").fill(token(**({"scope": SCOPES, "sub": "anna"} | claims)))
    await tab.page.get_by_role("button", name="Sign in").click()


async def _rename_issuer(tab: Tab) -> None:
    """Show a name of the issuer that no port is part of, so that its picture stays the same."""
    await tab.page.locator(".card strong", has_text="127.0.0.1").evaluate(
        "(element) => { element.textContent = 'id.example.com'; }"
    )


async def _fix_time(tab: Tab, selector: str) -> None:
    """Show a time that stays the same: the service accepts only tokens of the present."""
    await tab.page.locator(selector).evaluate(
        "(element) => { element.textContent = '24 Mar 2049, 06:00'; }"
    )
