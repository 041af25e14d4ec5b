"""A browser's tab, and what the tests do in it."""

import re
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Final
from urllib.parse import urlsplit

from playwright.async_api import ConsoleMessage, Locator, Page, Request, expect

from service.storage import Pool
from service.storage.advisory_locks import project_key
from tests.support.native import native_file
from tests.support.service import Service
from tests.support.service import token as new_token

SCOPES: Final = "projects:import projects:read projects:undo"
_START: Final = re.compile(r"^Import [\d,]+ files?$")
_ANSWERED: Final = "Failed to load resource: "
"""Chromium's own note of an answer over 399 or a lost connection, which the page is to tell of."""


def project(number: object, name: str = "", tasks: str = "<task id='T'/>") -> str:
    """A native project; without a name one that fails is made by ``tasks=''`` and the like."""
    name = name or f"Plan {number}"
    return f'<project id="P-{number}"><name>{name}</name><tasks>{tasks}</tasks></project>\n'


class Tab:
    """A page, and whose it is.

    Attributes:
        page: playwright's.
        faults: what has gone wrong unseen: console errors, violations of the security policy,
            requests to another host, and any with the token in the address.
        stack: what lasts until the tab was seen, such as a lock.
    """

    def __init__(self, page: Page, service: Service, pool: Pool, client: int) -> None:
        self.page = page
        self.service = service
        self.pool = pool
        self.client = client
        self.faults: list[str] = []
        self.stack = AsyncExitStack()
        self.token = new_token(clients=[client], scope=SCOPES, sub="anna")
        page.on("console", self._heard)
        page.on("pageerror", lambda error: self.faults.append(str(error)))
        page.on("request", self._asked)

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and not message.text.startswith(_ANSWERED):
            self.faults.append(message.text)

    def _asked(self, request: Request) -> None:
        url = urlsplit(request.url)
        if url.scheme not in ("blob", "data") and url.hostname != "127.0.0.1":
            self.faults.append(f"asked {request.url}")
        if self.token in request.url:
            self.faults.append("the token stands in an address")

    async def sign_in(self, base: str | None = None) -> None:
        """Open the page and paste the token, which names the client."""
        await self.page.goto(f"{base or self.service.base}/")
        await self.page.get_by_label("Token").fill(self.token)
        await self.page.get_by_role("button", name="Sign in").click()
        await expect(self.page.get_by_role("heading", name="Import files")).to_be_visible()

    async def send(self, *projects: str, name: str = "plans.xml") -> Locator:
        """Choose a file and import it; its card."""
        await self.choose(native_file(*projects), name)
        return self.card(name)

    async def choose(self, content: bytes, name: str) -> None:
        given = {"name": name, "mimeType": "application/xml", "buffer": content}
        await self.page.locator("#files").set_input_files(given)  # type: ignore[arg-type]
        await self.start()

    async def start(self) -> None:
        """Import the files that were chosen."""
        await self.page.get_by_role("button", name=_START).click()

    @asynccontextmanager
    async def hold_project(self, number: int) -> AsyncIterator[None]:
        """Hold a project's lock, so that its import waits for the end of the block."""
        async with self.pool.acquire() as conn, conn.transaction():
            key = project_key(self.client, f"P-{number}")
            await conn.execute("SELECT pg_advisory_xact_lock($1)", key)
            yield

    def card(self, name: str) -> Locator:
        return self.page.get_by_role("region", name=name, exact=True).first

    async def go(self, link: str) -> None:
        """Follow a link of the page's head."""
        await self.page.get_by_label("Main").get_by_role("link", name=link).click()

    async def say_yes(self, button: str) -> None:
        """Answer the page's question."""
        await self.page.get_by_role("dialog").get_by_role("button", name=button).click()

    async def counts(self, place: Locator | None = None) -> Sequence[int]:
        """Created, updated, unchanged, failed, as the first result in a place shows them."""
        tiles = (place or self.page).locator(".tiles").first.locator("dd")
        await expect(tiles).to_have_count(4)
        return [int(text.replace(",", "")) for text in await tiles.all_inner_texts()]

    async def overflow(self) -> int:
        """Pixels by which the page is wider than its window."""
        found = await self.page.evaluate("document.documentElement.scrollWidth - innerWidth")
        return int(found)
