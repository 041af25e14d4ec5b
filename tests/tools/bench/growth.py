"""Measure projects per second by the number of replicas, clients and projects in an upload.

    python -m tests.tools.bench.growth [UPLOADS]

Every cell is the same work: UPLOADS of 100 projects each, divided among the clients. A client sends
one upload after the other, to each replica in turn. The service, PostgreSQL and the clients share
the cores of one machine. So a gain only shows how much of the machine one process leaves unused."""

import asyncio
import contextlib
import os
import sys
import time
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from rich.console import Console
from rich.table import Table

from tests.tools.bench import native
from tests.tools.bench.database import Database
from tests.tools.bench.measure import figure
from tests.tools.bench.partitions import PARTITIONS, in_partitions
from tests.tools.bench.process import Server
from tests.tools.bench.runs import Bench, run
from tests.tools.bench.upload import upload
from tests.tools.bench.usage import usage

_REPLICAS: Final = (1, 2, 3)
_CLIENTS: Final = (1, 4, 16)
_UPLOADS: Final = 64
_PROJECTS: Final = 100


@dataclass
class _Cell:
    """Of each run: projects a second, and CPU of a project in milliseconds."""

    rates: list[float] = field(default_factory=list)
    service: list[float] = field(default_factory=list)
    database: list[float] = field(default_factory=list)


async def measure(bench: Bench, uploads: int) -> None:
    """Fill every cell once a run, so that what slows the machine for a while meets all alike."""
    shapes = {
        "plain": bench.database,
        "partitioned": await in_partitions(bench.database, PARTITIONS),
    }
    load = os.getloadavg()[0]
    cells: dict[tuple[int, int, str], _Cell] = {}
    for number in range(bench.runs):
        for shape, database in shapes.items():
            bench.progress(shape, number)
            async with contextlib.AsyncExitStack() as stack:
                servers = [
                    (await stack.enter_async_context(bench.fresh(database)))[0]
                    for _ in range(max(_REPLICAS))
                ]
                for replicas in _REPLICAS:
                    for clients in _CLIENTS:
                        cell = cells.setdefault((replicas, clients, shape), _Cell())
                        await _fill(bench, cell, database, servers[:replicas], clients, uploads)
    _print(cells, uploads, load)


async def _fill(
    bench: Bench,
    cell: _Cell,
    database: Database,
    servers: list[Server],
    clients: int,
    uploads: int,
) -> None:
    await database.empty()
    used, before = sum(server.cpu() for server in servers), await usage(database)
    begun = time.perf_counter()
    await asyncio.gather(
        *(
            _send(bench, servers, client, range(client, uploads, clients))
            for client in range(clients)
        )
    )
    seconds = time.perf_counter() - begun
    projects = uploads * _PROJECTS
    cell.rates.append(projects / seconds)
    cell.service.append((sum(server.cpu() for server in servers) - used) * 1e3 / projects)
    cell.database.append((await usage(database) - before).cpu * 1e3 / projects)


async def _send(bench: Bench, servers: list[Server], client: int, uploads: range) -> None:
    for turn, number in enumerate(uploads, client):
        content = native.content(number * _PROJECTS, _PROJECTS)
        server = servers[turn % len(servers)]
        answer = await upload(server.bulk(1 + client), bench.token, content)
        answer.expect(created=_PROJECTS)


def _print(cells: dict[tuple[int, int, str], _Cell], uploads: int, load: float) -> None:
    table = Table(
        title=f"Projects a second, {uploads} uploads of {_PROJECTS}; below, CPU of a project in ms:"
        " service + PostgreSQL"
    )
    table.add_column("replicas")
    shapes = list(dict.fromkeys(shape for _, _, shape in cells))
    for shape in shapes:
        for clients in _CLIENTS:
            table.add_column(f"{shape}\n{clients} client{'s' * (clients > 1)}", justify="right")
    for replicas in _REPLICAS:
        row = [cells[replicas, clients, shape] for shape in shapes for clients in _CLIENTS]
        table.add_row(f"{replicas}", *map(_cell, row))
    Console(width=140).print(table)
    now = os.getloadavg()[0]
    print(f"{os.cpu_count()} cores; load average {load:.1f} at the start, {now:.1f} at the end")


def _cell(cell: _Cell) -> str:
    rates, service, database = map(figure, (cell.rates, cell.service, cell.database))
    return (
        f"{rates.median:,.0f}\n({min(rates.values):,.0f} – {max(rates.values):,.0f})\n"
        f"{service.median:.2f} + {database.median:.2f}"
    )


if __name__ == "__main__":
    given = int(sys.argv[1]) if sys.argv[1:] else _UPLOADS
    sys.exit(run(partial(measure, uploads=given)))
