"""The COMMIT of a person's write gets no answer, and someone else is faster than its retry."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, Final

import aiohttp
import pytest

from service.settings import Settings
from service.storage import Pool
from tests.support.answer import Answer
from tests.support.client import Client
from tests.support.faults.proxy import COMMIT, Fault, Proxy
from tests.support.native import native
from tests.support.service import Service, served

LOCK: Final = "projects/1/lock"
LABEL: Final = "projects/1/versions/1/label"
BREAK: Final = f"{LOCK}?reason=on+leave"
BOSS: Final[dict[str, Any]] = {"scope": "projects:break-locks", "sub": "boss"}
ONE: Final = native('<project id="P"><name>One</name></project>')
TWO: Final = native('<project id="P"><name>Two</name></project>')

pytestmark = pytest.mark.settings(prune=False)

Act = Callable[[], Awaitable[object]]


@pytest.fixture
async def client(http: aiohttp.ClientSession, faulty: Service) -> Client:
    """A client of the service whose connections break, with one project."""
    client = Client(http, faulty)
    await client.land(ONE)
    return client


@pytest.fixture
async def other(
    client: Client, settings: Settings, dsn: str, http: aiohttp.ClientSession
) -> AsyncIterator[Client]:
    """A client of another replica, whose connections work."""
    async with served(settings, dsn) as service:
        yield Client(http, service)


async def take(client: Client, seconds: int = 600, **claims: Any) -> Answer:
    return await client.ask(LOCK, "PUT", json={"ttl_seconds": seconds}, **claims)


async def read_lock(client: Client) -> Any:
    return (await client.ask(LOCK)).details["lock"]


async def set_label(client: Client, label: str, **claims: Any) -> Answer:
    return await client.ask(LABEL, "PUT", json={"label": label}, **claims)


async def read_label(client: Client) -> Any:
    return (await client.ask("projects/1")).details["label"]


async def lose_answer(proxy: Proxy, asked: Awaitable[Answer], act: Act) -> Answer:
    """Lose the answer to the COMMIT of a request, and act before the service tries again."""
    strike = proxy.strike(Fault.HOLD, COMMIT)
    asking = asyncio.ensure_future(asked)
    await strike.struck.wait()
    try:
        await act()
    finally:
        proxy.resume()
    return await asking


async def test_an_archive_whose_answer_is_lost_spares_a_later_version(
    client: Client, other: Client, proxy: Proxy
) -> None:
    async def revive() -> None:
        [landed] = await other.land(TWO)
        assert landed["version"] == 3

    answer = await lose_answer(proxy, client.ask("projects/1", "DELETE"), revive)
    assert (answer.status, answer.details["version"]) == (200, 2)
    now = (await client.ask("projects/1")).details
    assert (now["version"], now["archived_at"]) == (3, None)


async def test_an_archive_whose_answer_is_lost_succeeded_although_others_lock_the_project(
    client: Client, other: Client, proxy: Proxy
) -> None:
    answer = await lose_answer(
        proxy, client.ask("projects/1", "DELETE"), lambda: take(other, sub="bob")
    )
    assert (answer.status, answer.details["version"]) == (200, 2)
    assert (await client.ask("projects/1")).details["version"] == 2


async def test_a_restore_whose_answer_is_lost_spares_a_later_archive(
    client: Client, other: Client, proxy: Proxy
) -> None:
    await client.ask("projects/1", "DELETE")
    answer = await lose_answer(
        proxy,
        client.ask("projects/1/restore", "POST"),
        lambda: other.ask("projects/1", "DELETE"),
    )
    assert (answer.status, answer.details["version"]) == (200, 3)
    now = (await client.ask("projects/1")).details
    assert (now["version"], now["archived_at"] is None) == (4, False)


async def test_archiving_an_archived_project_again_spares_a_later_version(
    client: Client, other: Client, proxy: Proxy
) -> None:
    first = await client.ask("projects/1", "DELETE")
    answer = await lose_answer(proxy, client.ask("projects/1", "DELETE"), lambda: other.land(TWO))
    assert answer.details == first.details
    assert (await client.ask("projects/1")).details["archived_at"] is None


async def test_an_archive_is_refused_if_its_effect_is_pruned(
    client: Client, other: Client, proxy: Proxy, pool: Pool
) -> None:
    async def revive_and_prune() -> None:
        await other.land(TWO)
        await pool.execute("DELETE FROM project_versions WHERE version = 2")

    answer = await lose_answer(proxy, client.ask("projects/1", "DELETE"), revive_and_prune)
    assert (answer.status, answer.details) == (409, "Version conflict")
    assert answer.json["current_version"] == 3
    assert (await client.ask("projects/1")).details["version"] == 3


async def test_a_break_whose_answer_is_lost_spares_the_next_lock(
    client: Client, other: Client, proxy: Proxy, pool: Pool
) -> None:
    await take(client, sub="ann")
    answer = await lose_answer(
        proxy, client.ask(BREAK, "DELETE", **BOSS), lambda: take(other, sub="bob")
    )
    assert answer.status == 204
    assert (await read_lock(client))["holder"] == "bob"
    assert await pool.fetchval("SELECT array_agg(holder) FROM lock_breaks") == ["ann"]


@pytest.mark.parametrize("held", [True, False])
async def test_a_release_whose_answer_is_lost_spares_the_next_lock(
    client: Client, other: Client, proxy: Proxy, held: bool
) -> None:
    if held:
        await take(client, sub="ann")
    answer = await lose_answer(
        proxy, client.ask(LOCK, "DELETE", sub="ann"), lambda: take(other, sub="ann")
    )
    assert answer.status == 204
    assert (await read_lock(client))["holder"] == "ann"


async def test_a_release_whose_answer_is_lost_succeeded_although_others_lock_the_project(
    client: Client, other: Client, proxy: Proxy
) -> None:
    await take(client, sub="ann")
    answer = await lose_answer(
        proxy, client.ask(LOCK, "DELETE", sub="ann"), lambda: take(other, sub="bob")
    )
    assert answer.status == 204
    assert (await read_lock(client))["holder"] == "bob"


async def test_a_lock_whose_answer_is_lost_is_taken_once(
    client: Client, other: Client, proxy: Proxy
) -> None:
    stored: list[Any] = []

    async def look() -> None:
        stored.append(await read_lock(other))

    for status, seconds in ((201, 600), (200, 900)):
        answer = await lose_answer(proxy, take(client, seconds, sub="ann"), look)
        assert (answer.status, answer.details["lock"]) == (status, stored[-1])
        assert await read_lock(client) == stored[-1]


async def test_a_lock_whose_answer_is_lost_keeps_a_later_extension(
    client: Client, other: Client, proxy: Proxy
) -> None:
    extended: list[Answer] = []

    async def extend() -> None:
        extended.append(await take(other, 60, sub="ann"))

    answer = await lose_answer(proxy, take(client, 600, sub="ann"), extend)
    assert (answer.status, extended[0].status) == (201, 200)
    assert await read_lock(client) == extended[0].details["lock"]


@pytest.mark.parametrize("extended", [True, False])
@pytest.mark.parametrize("next_holder", ["", "bob"])
async def test_a_lock_whose_answer_is_lost_is_not_taken_again_after_it_was_broken(
    client: Client, other: Client, proxy: Proxy, extended: bool, next_holder: str
) -> None:
    if extended:
        await take(client, 60, sub="ann")
    stored: list[Any] = []

    async def break_lock() -> None:
        stored.append(await read_lock(other))
        assert (await other.ask(BREAK, "DELETE", **BOSS)).status == 204
        if next_holder:
            await take(other, sub=next_holder)

    answer = await lose_answer(proxy, take(client, sub="ann"), break_lock)
    assert (answer.status, answer.details["lock"]) == (200 if extended else 201, stored[0])
    now = await read_lock(client)
    assert (now and now["holder"]) == (next_holder or None)


async def test_a_lock_is_taken_if_its_commit_never_arrived(
    client: Client, other: Client, proxy: Proxy
) -> None:
    strike = proxy.strike(Fault.CUT, COMMIT)
    answer = await take(client, sub="ann")
    assert strike.struck.is_set()
    assert (answer.status, answer.details["lock"]) == (201, await read_lock(other))
    strike = proxy.strike(Fault.CUT, COMMIT)
    assert (await client.ask("projects/1", "DELETE", sub="ann")).details["version"] == 2
    assert strike.struck.is_set()


async def test_a_label_whose_answer_is_lost_spares_a_later_one(
    client: Client, other: Client, proxy: Proxy
) -> None:
    answer = await lose_answer(
        proxy, set_label(client, "Approved"), lambda: set_label(other, "Rejected", sub="bob")
    )
    assert (answer.status, answer.details["label"]) == (201, "Approved")
    assert await read_label(client) == "Rejected"


async def test_a_removed_label_whose_answer_is_lost_spares_a_later_one(
    client: Client, other: Client, proxy: Proxy
) -> None:
    await set_label(client, "Approved")
    answer = await lose_answer(
        proxy, client.ask(LABEL, "DELETE"), lambda: set_label(other, "Approved", sub="bob")
    )
    assert answer.status == 204
    assert await read_label(client) == "Approved"


async def test_a_label_is_set_if_its_commit_never_arrived(client: Client, proxy: Proxy) -> None:
    strike = proxy.strike(Fault.CUT, COMMIT)
    answer = await set_label(client, "Approved")
    assert strike.struck.is_set()
    assert (answer.status, await read_label(client)) == (201, "Approved")


@pytest.mark.settings(lock_timeout=0.2)
async def test_a_retry_waits_for_its_own_earlier_try(client: Client, proxy: Proxy) -> None:
    """The earlier try can still commit, so that a conflict would be untrue."""
    strike = proxy.strike(Fault.STALL, COMMIT)
    answer = await client.ask("projects/1", "DELETE")
    assert strike.struck.is_set()
    assert (answer.status, answer.details["version"]) == (200, 2)
