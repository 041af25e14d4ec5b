"""A fixed work of many clients: imports of files, uploads of one project, and reads."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Final

import aiohttp

from tests.tools.bench import native
from tests.tools.bench.process import Server
from tests.tools.bench.upload import upload

CLIENTS: Final = 32
FILE_PROJECTS: Final = 100
_AT_A_TIME: Final = 8
"""Clients that are served at the same time."""
_FIRST_SINGLE: Final = 1_000_000
"""The number of the first project that is uploaded alone."""


@dataclass(frozen=True)
class Step:
    """A part of the work.

    Attributes:
        name: for the tables.
        unit: what is counted.
        number: of units.
        run: does it.
    """

    name: str
    unit: str
    number: int
    run: Callable[[], Awaitable[None]]


def steps(server: Server, session: aiohttp.ClientSession, share: float) -> list[Step]:
    """The work, in order.

    Args:
        server: the service, with clients from 1 on.
        session: for reads.
        share: of the full work.
    """
    files, singles, reads = (max(1, round(each * share)) for each in (4, 40, 40))
    projects, uploads = CLIENTS * files * FILE_PROJECTS, CLIENTS * singles
    requests = CLIENTS * reads
    some = partial(_files, server, files)
    each = partial(_singles, server, singles)
    read = partial(_reads, server, session, reads)
    return [
        Step("files of 100 projects", "project", projects, partial(some, "created")),
        Step("the same, unchanged", "project", projects, partial(some, "unchanged")),
        Step("uploads of one project", "upload", uploads, partial(each, "created")),
        Step("the same, unchanged", "upload", uploads, partial(each, "unchanged")),
        Step("list of 50 projects", "request", requests, partial(read, "?limit=50", "")),
        Step("a project as JSON", "request", requests, partial(read, "/{}", "application/json")),
        Step("a project as XML", "request", requests, partial(read, "/{}", "application/xml")),
    ]


async def _of_all_clients(run: Callable[[int], Awaitable[None]]) -> None:
    gate = asyncio.Semaphore(_AT_A_TIME)

    async def one(client: int) -> None:
        async with gate:
            await run(client)

    async with asyncio.TaskGroup() as group:
        for client in range(1, CLIENTS + 1):
            group.create_task(one(client))


async def _files(server: Server, files: int, outcome: str) -> None:
    async def run(client: int) -> None:
        for number in range(files):
            content = native.content(number * FILE_PROJECTS, FILE_PROJECTS)
            answer = await upload(server.bulk(client), server.token, content)
            answer.expect(**{outcome: FILE_PROJECTS})

    await _of_all_clients(run)


async def _singles(server: Server, uploads: int, outcome: str) -> None:
    async def run(client: int) -> None:
        for number in range(uploads):
            content = native.single(_FIRST_SINGLE + number)
            answer = await upload(server.bulk(client), server.token, content)
            answer.expect(**{outcome: 1})

    await _of_all_clients(run)


async def _reads(
    server: Server, session: aiohttp.ClientSession, reads: int, path: str, accept: str
) -> None:
    async def run(client: int) -> None:
        projects = f"{server.base}/api/v2/clients/{client}/projects"
        ids = [""]
        if accept:
            async with session.get(f"{projects}?limit={reads}") as answer:
                answer.raise_for_status()
                ids = [item["project_id"] for item in (await answer.json())["details"]["projects"]]
        headers = {"Accept": accept} if accept else {}
        for number in range(reads):
            url = projects + path.format(ids[number % len(ids)])
            async with session.get(url, headers=headers) as answer:
                answer.raise_for_status()
                await answer.read()

    await _of_all_clients(run)


@asynccontextmanager
async def reading(server: Server) -> AsyncIterator[aiohttp.ClientSession]:
    """A session that reads as every client."""
    headers = {"Authorization": f"Bearer {server.token}"}
    async with aiohttp.ClientSession(headers=headers) as session:
        yield session
