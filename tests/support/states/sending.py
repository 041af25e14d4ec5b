"""States of the view that sends files."""

from playwright.async_api import Locator, expect

from service.samples import write_sample
from tests.support.native import native_file
from tests.support.states.catalogue import state
from tests.support.tab import Tab, project

SLOW = 150_000
"""Bytes a second of an upload that is seen under way."""


async def _choose(tab: Tab, files: dict[str, bytes]) -> None:
    given = [
        {"name": name, "mimeType": "application/xml", "buffer": content}
        for name, content in files.items()
    ]
    await tab.page.locator("#files").set_input_files(given)  # type: ignore[arg-type]


@state("send")
async def send(tab: Tab) -> None:
    await tab.sign_in()


@state("send-chosen", whole=True)
async def chosen(tab: Tab) -> None:
    await tab.sign_in()
    plans = {
        name: "".join(write_sample(form, 2, 30, 1)).encode()
        for name, form in {
            "Portfolio.xml": "native",
            "Contractor.xml": "mspdi",
            "Export.xml": "p6",
            "Delivery.xer": "xer",
        }.items()
    }
    await _choose(tab, plans | {"Bridge.mpp": b"\xd0\xcf\x11\xe0", "Archive 2025.zip": b"PK\3\4"})
    await expect(tab.page.get_by_text("Save .mpp files as XML")).to_be_visible()
    await expect(tab.page.get_by_text("ZIP archive")).to_be_visible()
    await expect(tab.page.get_by_label("Encoding of XER files")).to_be_visible()


@state("send-too-many", whole=True)
async def too_many(tab: Tab) -> None:
    await tab.sign_in()
    await tab.page.evaluate("document.documentElement.dataset.maxFiles = 2")
    await _choose(tab, {f"Plan {n}.xml": native_file(project(n)) for n in range(3)})
    await expect(tab.page.get_by_role("alert")).to_contain_text("Too many files")


async def _send_slowly(tab: Tab) -> Locator:
    """Send a file that takes some seconds; its card, with a speed."""
    session = await tab.page.context.new_cdp_session(tab.page)
    await session.send("Network.enable")
    limits = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": SLOW}
    await session.send("Network.emulateNetworkConditions", limits)
    notes = f"<task id='T'><notes>{'x' * 1500}</notes></task>"
    card = await tab.send(*(project(n, tasks=notes) for n in range(1500)), name="Week 11.xml")
    await expect(card.locator(".left")).to_contain_text("projects a second")
    return card


@state("send-progress", whole=True)
async def progress(tab: Tab) -> None:
    await tab.sign_in()
    await _send_slowly(tab)


@state("send-cancel")
async def cancel(tab: Tab) -> None:
    await progress(tab)
    await tab.page.get_by_role("button", name="Cancel").click()
    await expect(tab.page.get_by_role("dialog")).to_be_visible()


@state("send-waiting", whole=True)
async def waiting(tab: Tab) -> None:
    await tab.sign_in()
    await tab.stack.enter_async_context(tab.hold_project(1))
    await tab.send(project(1), name="Week 11.xml")
    card = await tab.send(project(2), name="Week 12.xml")
    await expect(card.get_by_text("Waiting for the previous upload.")).to_be_visible()


@state("send-lost", whole=True)
async def lost(tab: Tab) -> None:
    """A connection that breaks again and again, before the import begins."""
    await tab.sign_in()
    await tab.page.route("**/projects/bulk?*", lambda route: route.abort("connectionfailed"))
    card = await tab.send(project(1), name="Week 11.xml")
    await expect(card.get_by_role("button", name="Try now")).to_be_visible()
    await card.get_by_role("button", name="Try now").click()
    await expect(card.get_by_text("Next try in 5 s.")).to_be_visible()


@state("send-stopped", whole=True)
async def stopped(tab: Tab) -> None:
    await lost(tab)
    await tab.page.get_by_role("button", name="Stop").click()
    await expect(tab.page.get_by_role("button", name="Continue")).to_be_visible()


@state("send-reloaded", whole=True)
async def reloaded(tab: Tab) -> None:
    """The tab was loaded again before the import began."""
    await stopped(tab)
    await tab.page.reload()
    await expect(tab.page.get_by_text("choose them again")).to_be_visible()


@state("send-refused", whole=True)
async def refused(tab: Tab) -> None:
    await tab.sign_in()
    await tab.choose(b"no xml", "Minutes.txt")
    await expect(tab.page.get_by_role("alert")).to_be_visible()


@state("send-imported", whole=True)
async def imported(tab: Tab) -> None:
    await tab.sign_in()
    card = await tab.send(*(project(number) for number in range(12)), name="Week 11.xml")
    await expect(card.get_by_text("All 12 projects imported.")).to_be_visible()


@state("send-failures", whole=True)
async def failures(tab: Tab) -> None:
    await tab.sign_in()
    plans = [project(number) for number in range(9)]
    bad = [project(number, tasks="<task/>") for number in (9, 10)]
    card = await tab.send(*plans, *bad, name="Week 11.xml")
    await expect(card.get_by_text("9 of 11 projects imported, 2 failed.")).to_be_visible()


@state("list-offline", stored=True)
async def offline(tab: Tab) -> None:
    await tab.sign_in()
    await tab.page.context.set_offline(True)
    await tab.go("Projects")
    await expect(tab.page.get_by_role("button", name="Try again")).to_be_visible()
