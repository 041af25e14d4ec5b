"""The events that make alerts fire, each in a separate service.

An event lasts until all its alerts have fired, and its ``until`` returns then.
"""

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final

import aiohttp

from service.storage.advisory_locks import project_key
from tests.support.native import native_file, native_project
from tests.tools.alerts.place import Place, plan

Until = Callable[..., Awaitable[None]]
"""Takes an event in words and its alerts; waits until they have fired in the event's service."""

FAIL: Final = """
    CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = 'XX000'; END $$;
    CREATE TRIGGER fail BEFORE INSERT ON project_versions FOR EACH ROW EXECUTE FUNCTION fail()
"""
SLEEP: Final = """
    CREATE FUNCTION sleep() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN PERFORM pg_sleep(0.3); RETURN NEW; END $$;
    CREATE TRIGGER sleep BEFORE INSERT ON project_versions FOR EACH ROW EXECUTE FUNCTION sleep()
"""
NEVER_PRUNED: Final = """
    INSERT INTO prune_state (began_at, swept_at, settings)
    VALUES (now() - interval '7 hours', now() - interval '7 hours', '{}');
    ALTER TABLE pruned_versions RENAME TO gone
"""
_TASKS: Final = 3000
"""Tasks of some 1 KiB of a project that fills the spool of ``fill``."""


async def work_as_usual(place: Place, until: Until) -> None:
    """Ordinary load, with clients that leave and connections that the database refuses briefly."""
    async with aiohttp.ClientSession() as session:
        for number in itertools.count():
            size = 200 if number % 20 == 0 else 2
            status = await place.upload(session, plan(*(f"P-{n}" for n in range(size)), number))
            assert status == 207, status
            if number in (20, 40, 60):
                async with place.begun(plan(number)):
                    await asyncio.sleep(0.5)
            if number == 30:
                await place.refuse_connections()
                uploads = [asyncio.create_task(place.upload(session, plan(n))) for n in range(3)]
                await asyncio.sleep(0.3)
                await place.accept_connections()
                assert await asyncio.gather(*uploads) == [207, 207, 207]
            await asyncio.sleep(0.3)


async def break_down(place: Place, until: Until) -> None:
    """Files that cannot be stored, clients that leave, a fault, and the death of the process."""
    async with aiohttp.ClientSession() as session:
        bad = native_file(*(native_project(n, name="") for n in range(25)))
        assert await place.upload(session, bad) == 207
        await until("25 projects without a name", "BulkImportProjectsFailing")
        for number in range(8):
            async with place.begun(plan(number)):
                await asyncio.sleep(1)
        await until("8 clients left in the middle of an upload", "BulkImportInterrupted")
        await place.admin.execute(FAIL)
        async with repeated(lambda: place.upload(session, plan("fault"))):
            event = "a trigger raises XX000 at each import"
            await until(event, "BulkImportFaults", "BulkImportImportsFailing")
            await until(event, "BulkImportImportsFailingSlowly")
    place.process.kill()
    await until("the process is killed", "BulkImportDown")


async def fill(place: Place, until: Until) -> None:
    """Two large uploads that take all slots and most of the spool, and do not end."""
    tasks = "".join(f'<task id="{n}"><name>{"x" * 1000}</name></task>' for n in range(_TASKS))
    large = plan("large", inside=f"<tasks>{tasks}</tasks>")
    async with (
        aiohttp.ClientSession() as session,
        place.begun(large),
        place.begun(large),
        repeated(lambda: place.upload(session, plan("small"))),
    ):
        event = "two uploads of 3 MB take both slots, and do not end"
        await until(event, "BulkImportFull", "BulkImportRefusing", "BulkImportSpoolFilling")


async def crowd(place: Place, until: Until) -> None:
    """Imports that write slowly with one connection, and hold much memory."""
    files = [plan(*(f"{n}-{m}" for m in range(400))) for n in range(6)]
    async with aiohttp.ClientSession() as session, contextlib.AsyncExitStack() as stack:
        for file in files:
            await stack.enter_async_context(repeated(partial(place.upload, session, file)))
        await until(
            "6 imports write with one slow connection", "BulkImportWaiting", "BulkImportMemory"
        )


async def contend(place: Place, until: Until) -> None:
    """Several uploads of projects whose locks somebody holds for long."""
    ids = [f"P-{n}" for n in range(20)]
    async with aiohttp.ClientSession() as session, contextlib.AsyncExitStack() as stack:
        await stack.enter_async_context(place.admin.transaction())
        for each in ids:
            await place.admin.execute("SELECT pg_advisory_xact_lock($1)", project_key(1, each))
        for _ in range(3):
            await stack.enter_async_context(
                repeated(lambda: place.upload(session, plan(*ids)), pause=1)
            )
        await until("20 projects are locked for 45 s", "BulkImportContention", "BulkImportStuck")


async def starve(place: Place, until: Until) -> None:
    """A database that refuses all connections of the service."""
    async with aiohttp.ClientSession() as session, contextlib.AsyncExitStack() as stack:
        await stack.enter_async_context(place.begun(plan("running")))
        await asyncio.sleep(2)
        await place.refuse_connections()
        for number in range(4):
            await stack.enter_async_context(repeated(partial(place.upload, session, plan(number))))
        event = "the database refuses all connections (53300)"
        await until(event, "BulkImportDatabaseFull", "BulkImportDatabaseRetries")
        await until(event, "BulkImportHeartbeatsMissed")


async def neglect(place: Place, until: Until) -> None:
    """Pruning that fails, and an issuer of keys that nobody reaches."""
    await until("pruning fails, and did so for 7 h", "BulkImportNotPruned")
    await until("the issuer of keys refuses connections", "BulkImportKeySetNotRead")


async def delay(place: Place, until: Until) -> None:
    """Answers that wait for a table that somebody locks for seconds."""
    numbers = itertools.count()
    async with aiohttp.ClientSession() as session:
        for _ in range(3):
            async with place.admin.transaction():
                await place.admin.execute("LOCK TABLE project_versions IN ACCESS EXCLUSIVE MODE")
                uploads = [
                    asyncio.create_task(place.upload(session, plan(next(numbers))))
                    for _ in range(30)
                ]
                await asyncio.sleep(7)
            assert set(await asyncio.gather(*uploads)) == {207}
        event = "90 uploads wait 7 s for a table's lock"
        await until(event, "BulkImportAnswersSlow", "BulkImportAnswersSlowly")


@contextlib.asynccontextmanager
async def repeated(
    what: Callable[[], Awaitable[object]], pause: float = 0.3
) -> AsyncIterator[None]:
    """Do something again and again until the block ends."""

    async def repeat() -> None:
        while True:
            await what()
            await asyncio.sleep(pause)

    task = asyncio.create_task(repeat())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])


@dataclass(frozen=True)
class Event:
    """An event, and the service that it happens to.

    Attributes:
        run: makes it happen.
        before: statements to run before the service starts.
        memory: limit of the container's memory in bytes, if the event needs one.
        settings: of the service.
    """

    run: Callable[[Place, Until], Coroutine[Any, Any, None]]
    before: str = ""
    memory: int | None = None
    settings: dict[str, object] = field(default_factory=dict)


EVENTS: Final = {
    "quiet": Event(work_as_usual, settings={"prune": "true", "prune_every": 2}),
    "broken": Event(break_down),
    "filled": Event(
        fill,
        settings={
            "max_imports": 2,
            "spill_bytes": 65536,
            # Room for the second upload while the first one is in the spool.
            "spool_bytes": 7_200_000,
            "import_spool_bytes": 3_600_000,
            "idle_timeout": 300,
        },
    ),
    "crowded": Event(
        crowd, SLEEP, 100 << 20, settings={"pool_size": 4, "batch_projects": 1, "spool_dir": "/tmp"}
    ),
    "contended": Event(
        contend, settings={"lock_timeout": 300, "retry_timeout": 300, "upload_timeout": 5}
    ),
    "starved": Event(starve, settings={"heartbeat_every": 0.5, "connect_timeout": 2}),
    "neglected": Event(
        neglect,
        NEVER_PRUNED,
        settings={"prune": "true", "prune_every": 1, "jwt_jwks": "http://127.0.0.1:9/keys"},
    ),
    "delayed": Event(delay, settings={"max_imports": 100, "lock_timeout": 60}),
}
"""By namespace. ``quiet`` ends with the last of the others, and no alert may fire in it."""


def memory_file(folder: Path, limit: int) -> Path:
    """Write a limit as cgroups show it."""
    path = folder / "memory.max"
    path.write_text(f"{limit}\n")
    return path
