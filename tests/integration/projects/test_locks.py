"""Locks on projects: reading, taking, extending, releasing and breaking them."""

import asyncio
from typing import Any
from urllib.parse import urlencode, urlsplit, urlunsplit

import pytest

from service.storage import Pool
from service.storage.advisory_locks import client_key, project_key
from tests.support.answer import Answer
from tests.support.client import Client
from tests.support.databases import execute
from tests.support.native import native

FILE = native('<project id="P"><name>One</name></project>')
CHANGED = native('<project id="P"><name>Two</name></project>').encode()
LOCK = "projects/1/lock"
WAITING = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
BREAKER: dict[str, Any] = {"scope": "projects:break-locks", "sub": "boss"}


async def take(client: Client, seconds: Any = 600, **claims: Any) -> Answer:
    return await client.ask(LOCK, "PUT", json={"ttl_seconds": seconds}, **claims)


async def seen(client: Client) -> Any:
    return (await client.ask(LOCK)).details["lock"]


async def test_a_lock_is_taken_extended_read_and_released(client: Client) -> None:
    await client.land(FILE)
    assert await seen(client) is None
    taken = await take(client, 60, sub="ann")
    assert (taken.status, taken.details["lock"]["holder"]) == (201, "ann")
    extended = await take(client, 600, sub="ann")
    assert extended.status == 200
    lock = extended.details["lock"]
    assert lock["acquired_at"] == taken.details["lock"]["acquired_at"]
    assert lock["expires_at"] > taken.details["lock"]["expires_at"]
    assert await seen(client) == lock
    expected = {"holder": "ann", "expires_at": lock["expires_at"]}
    assert (await client.ask("projects/1")).details["lock"]["holder"] == expected["holder"]

    for _ in range(2):  # the second time there is none
        answer = await client.ask(LOCK, "DELETE", sub="ann")
        assert (answer.status, answer.body) == (204, b"")
    assert await seen(client) is None


async def test_a_lock_of_another_user_is_a_conflict(client: Client) -> None:
    await client.land(FILE)
    lock = (await take(client, sub="ann")).details["lock"]
    for answer in [
        await take(client, sub="bob"),
        await client.ask(LOCK, "DELETE", sub="bob"),
        await client.ask(LOCK, "DELETE", sub=None),
        await client.ask("projects/1", "DELETE", sub="bob"),
    ]:
        assert (answer.status, answer.details) == (409, "Locking conflict")
        assert answer.json["locked_by"] == "ann"
        assert answer.json["locked_until"] == lock["expires_at"]
    refused = await client.post(CHANGED)
    assert refused.json["errors"][0]["error"] == "LOCKING_CONFLICT"
    assert (await seen(client)) == lock


async def test_an_expired_lock_has_no_effect(client: Client, pool: Pool) -> None:
    await client.land(FILE)
    await take(client, sub="ann")
    await pool.execute("UPDATE project_locks SET expires_at = now()")
    assert await seen(client) is None
    assert (await client.ask("projects/1")).details["lock"] is None
    assert (await client.ask("projects")).details["projects"][0]["lock"] is None
    taken = await take(client, sub="bob")
    assert (taken.status, taken.details["lock"]["holder"]) == (201, "bob")


@pytest.fixture
async def stopped_clock(server: str, dsn: str) -> None:
    """Make ``clock_timestamp()`` return the same time in every connection that opens later."""
    name = urlsplit(dsn).path
    await execute(
        urlunsplit(urlsplit(server)._replace(path=name)),
        "DO $$ BEGIN EXECUTE format('CREATE FUNCTION public.clock_timestamp() RETURNS timestamptz"
        " LANGUAGE sql STABLE RETURN %L::timestamptz', pg_catalog.clock_timestamp());"
        f" ALTER DATABASE {name[1:]} SET search_path = public, pg_catalog; END $$",
    )


@pytest.mark.usefixtures("stopped_clock")
async def test_a_lock_ends_at_its_microsecond(client: Client, pool: Pool) -> None:
    await client.land(FILE)
    await take(client, sub="ann")

    async def attempt(microseconds: int) -> tuple[list[bool], list[int]]:
        """Return whether each route shows the lock, and the status of each change by others."""
        await pool.execute(
            "UPDATE project_locks SET expires_at = clock_timestamp() + $1 * interval '1 us'",
            microseconds,
        )
        await pool.execute("UPDATE project_versions SET created_at = now() - interval '1 hour'")
        [listed] = (await client.ask("projects")).details["projects"]
        changed = await client.ask("projects?changed_since=2020-01-01T00:00:00Z")
        shown = (await client.ask("projects/1")).details
        imported = await client.post(CHANGED)
        path = f"imports/{imported.json['import_id']}/undo"
        if imported.status == 409:
            path = "imports/1/undo"
        undone = await client.ask(path, "POST", scope="projects:undo")
        [followed] = changed.details["projects"]
        locks = [await seen(client), listed["lock"], followed["lock"], shown["lock"]]
        changes = [imported, undone, await take(client, sub="bob")]
        return [lock is not None for lock in locks], [answer.status for answer in changes]

    assert await attempt(1) == ([True] * 4, [409, 409, 409])
    assert await attempt(0) == ([False] * 4, [207, 207, 201])


async def test_breaking_a_lock_requires_scope_and_reason_and_is_recorded(
    client: Client, pool: Pool
) -> None:
    await client.land(FILE)
    lock = (await take(client, sub="ann")).details["lock"]
    why = f"{LOCK}?reason=on+leave"
    assert (await client.ask(why, "DELETE", sub="bob")).status == 403
    assert (await client.ask(LOCK, "DELETE", **BREAKER)).status == 409
    assert (await client.ask(f"{LOCK}?reason=%20", "DELETE", **BREAKER)).status == 400
    assert (await client.ask(f"{LOCK}?reason=%00", "DELETE", **BREAKER)).status == 400
    assert (await client.ask(why, "DELETE", **(BREAKER | {"sub": None}))).status == 403
    assert await pool.fetch("SELECT * FROM lock_breaks") == []

    for _ in range(2):
        assert (await client.ask(why, "DELETE", **BREAKER)).status == 204
    assert await seen(client) is None
    [broken] = await pool.fetch("SELECT * FROM lock_breaks")
    assert (broken["project_id"], broken["holder"]) == (1, "ann")
    assert (broken["broken_by"], broken["reason"]) == ("boss", "on leave")
    assert broken["expires_at"].isoformat() == lock["expires_at"]


async def test_a_request_with_a_time_ends_no_other_lock(client: Client) -> None:
    def ending(lock: dict[str, str], reason: str = "") -> str:
        return f"{LOCK}?{urlencode({'acquired_at': lock['acquired_at']})}{reason}"

    await client.land(FILE)
    first = (await take(client, sub="ann")).details["lock"]
    await client.ask(LOCK, "DELETE", sub="ann")
    second = (await take(client, sub="ann")).details["lock"]
    for subject in ("ann", "bob"):
        assert (await client.ask(ending(first), "DELETE", sub=subject)).status == 204
    assert (await client.ask(ending(first, "&reason=late"), "DELETE", **BREAKER)).status == 204
    assert await seen(client) == second
    assert (await client.ask(ending(second), "DELETE", sub="bob")).status == 409
    assert (await client.ask(ending(second), "DELETE", sub="ann")).status == 204
    assert await seen(client) is None
    assert (await client.ask(f"{LOCK}?acquired_at=now", "DELETE")).status == 400


async def test_a_lock_requires_a_subject_and_a_valid_duration(
    client: Client, subtests: pytest.Subtests
) -> None:
    await client.land(FILE)
    assert (await take(client, sub=None)).status == 403
    assert (await take(client, scope="projects:read")).status == 403
    assert (await take(client, 86_400)).status == 201
    for seconds in (0, -1, 86_401, 1.5, "60", True, None):
        with subtests.test(seconds=seconds):
            answer = await take(client, seconds)
            assert answer.status == 400
            assert "ttl_seconds" in answer.details
    for body in (b"", b"[]", b"{}", b"x", b'{"ttl_seconds": 1, "holder": "ann"}'):
        with subtests.test(body=body):
            assert (await client.ask(LOCK, "PUT", data=body)).status == 400
    for method in ("GET", "PUT", "DELETE"):
        with subtests.test(method=method):
            assert (
                await client.ask("projects/9/lock", method, json={"ttl_seconds": 1})
            ).status == 404
            assert (
                await client.ask("projects/x/lock", method, json={"ttl_seconds": 1})
            ).status == 400
            assert (await client.ask(f"{LOCK}?x=1", method)).status == 400


@pytest.mark.settings(lock_timeout=60)
async def test_one_of_many_concurrent_requests_gets_the_lock(client: Client, pool: Pool) -> None:
    await client.land(FILE)
    async with pool.acquire() as conn, conn.transaction():
        await conn.execute("SELECT pg_advisory_xact_lock($1)", project_key(1, "P"))
        asked = [asyncio.create_task(take(client, sub=f"user {n}")) for n in range(8)]
        async with asyncio.timeout(30):
            while await pool.fetchval(WAITING) < 8:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
    answers = await asyncio.gather(*asked)
    assert sorted(answer.status for answer in answers) == [201] + [409] * 7


@pytest.mark.settings(lock_timeout=0.2)
async def test_taking_a_lock_waits_for_a_writer_up_to_its_time_out(
    client: Client, pool: Pool
) -> None:
    await client.land(FILE)
    for key, status in [(project_key(1, "P"), 409), (client_key(1), 503)]:
        async with pool.acquire() as conn, conn.transaction():
            await conn.execute("SELECT pg_advisory_xact_lock($1)", key)
            assert (await take(client)).status == status
    assert (await take(client)).status == 201


async def test_a_lock_taken_while_an_import_waits_refuses_the_import(
    client: Client, pool: Pool
) -> None:
    await client.land(FILE)
    async with pool.acquire() as conn, conn.transaction():
        await conn.execute("SELECT pg_advisory_xact_lock($1)", project_key(1, "P"))
        asked = asyncio.create_task(take(client, sub="ann"))
        async with asyncio.timeout(30):
            while not await pool.fetchval(WAITING):
                pass
        imported = asyncio.create_task(client.post(CHANGED))
    assert (await asked).status == 201
    assert (await imported).json["errors"][0]["locked_by"] == "ann"


async def test_a_client_cannot_see_the_locks_of_another(client: Client, pool: Pool) -> None:
    await pool.execute("INSERT INTO clients (client_id, name) VALUES (2, 'Other')")
    await client.land(FILE)
    for method in ("GET", "PUT", "DELETE"):
        body = {"ttl_seconds": 60}
        assert (await client.ask(LOCK, method, json=body, tenant=2)).status == 403
        assert (await client.ask(LOCK, method, json=body, tenant=2, clients="*")).status == 404
    assert (await client.ask("projects/1", "DELETE", tenant=2, clients="*")).status == 404
