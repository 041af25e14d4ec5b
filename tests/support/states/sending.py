"""States of the view that sends files."""

from playwright.async_api import expect

from tests.support.states.catalogue import state
from tests.support.tab import Tab, project


@state("send")
async def send(tab: Tab) -> None:
    await tab.sign_in()


@state("send-imported")
async def imported(tab: Tab) -> None:
    await tab.sign_in()
    card = await tab.send(*(project(number) for number in range(12)), name="Week 11.xml")
    await expect(card.get_by_text("All 12 projects imported.")).to_be_visible()


@state("send-failures")
async def failures(tab: Tab) -> None:
    await tab.sign_in()
    plans = [project(number) for number in range(9)]
    bad = [project(number, tasks="<task/>") for number in (9, 10)]
    card = await tab.send(*plans, *bad, name="Week 11.xml")
    await expect(card.get_by_text("9 of 11 projects imported, 2 failed.")).to_be_visible()
