"""Measure what a project and a megabyte cost; see docs/operate/scaling.md.

    python -m tests.tools.bench.costs [SHARE]

The costs are CPU seconds of the service and of PostgreSQL, connections, and bytes written. A SHARE
below 1 makes the files smaller."""

import os
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Final

from tests.tools.bench import native, real
from tests.tools.bench.measure import figure
from tests.tools.bench.process import Server
from tests.tools.bench.runs import PROJECTS, Bench, run
from tests.tools.bench.upload import upload
from tests.tools.bench.usage import counted, usage

_REAL_BYTES: Final = 100_000_000
_SINGLES: Final = 1000


@dataclass
class _Costs:
    """Of each run: CPU seconds, bytes, connections."""

    service: list[float] = field(default_factory=list)
    database: list[float] = field(default_factory=list)
    wal: list[float] = field(default_factory=list)
    stored: list[float] = field(default_factory=list)
    open: list[float] = field(default_factory=list)
    busy: list[float] = field(default_factory=list)


async def measure(bench: Bench, share: float) -> None:
    """Measure every kind of upload, into empty tables unless its name says otherwise."""
    projects = int(PROJECTS * share)
    first = native.write(bench.directory / "first.xml", projects)
    changed = native.write(bench.directory / "changed.xml", projects, lambda _: 1)
    for what, before, file in (
        ("native", None, first),
        ("native, unchanged", first, first),
        ("native, all changed", first, changed),
    ):
        await bench.report.attempt(what, _file(bench, what, before, file, projects))
    for what, write in (("p6", real.write_p6), ("mspdi", real.write_mspdi)):
        file, number = write(bench.directory / f"{what}.xml", int(_REAL_BYTES * share))
        await bench.report.attempt(what, _file(bench, what, None, file, number))
        file.unlink()
    await bench.report.attempt("one project each", _singles(bench, int(_SINGLES * share)))


async def _file(bench: Bench, what: str, before: Path | None, file: Path, projects: int) -> None:
    costs = _Costs()
    size = os.path.getsize(file)  # noqa: ASYNC240
    for number in range(bench.runs):
        bench.progress(what, number)
        async with bench.fresh() as (server, _idle):
            await bench.database.empty()
            if before is not None:
                await bench.send(server, before)
                await bench.database.settle()

            async def work(server: Server = server) -> None:
                (await upload(server.bulk(1), bench.token, file)).expect(failed=0)

            await _counted(bench, server, work, costs)
    _tell(bench, what, costs, projects, size)


async def _singles(bench: Bench, uploads: int) -> None:
    costs = _Costs()
    for run_number in range(bench.runs):
        bench.progress("one project each", run_number)
        async with bench.fresh() as (server, _idle):
            await bench.database.empty()

            async def work(server: Server = server) -> None:
                for number in range(uploads):
                    answer = await upload(server.bulk(1), bench.token, native.single(number))
                    answer.expect(created=1)

            await _counted(bench, server, work, costs)
    size = sum(len(native.single(number)) for number in range(uploads))
    _tell(bench, "one project each", costs, uploads, size)


async def _counted(
    bench: Bench, server: Server, work: Callable[[], Awaitable[None]], costs: _Costs
) -> None:
    stored = await _stored(bench)
    used, before = server.cpu(), await usage(bench.database)
    async with counted(bench.database) as connections:
        await work()
    costs.service.append(server.cpu() - used)
    spent = await usage(bench.database) - before
    costs.database.append(spent.cpu)
    costs.wal.append(spent.wal)
    costs.stored.append(await _stored(bench) - stored)
    costs.open.append(connections.open)
    costs.busy.append(connections.busy)


async def _stored(bench: Bench) -> int:
    outcomes = await bench.database.sizes(outcomes=True)
    return sum(outcomes) + sum(await bench.database.sizes(outcomes=False))


def _tell(bench: Bench, what: str, costs: _Costs, projects: int, size: int) -> None:
    """Each cost by project, and by megabyte of the file."""
    megabytes = size / 1e6
    bench.report.tell(what, figure([megabytes]), "MB", f"{projects} projects")
    for name, values, unit, scale in (
        ("CPU of the service", costs.service, "ms", 1e3),
        ("CPU of PostgreSQL", costs.database, "ms", 1e3),
        ("WAL", costs.wal, "kB", 1e-3),
        ("tables and indexes", costs.stored, "kB", 1e-3),
    ):
        found = figure([value * scale / projects for value in values])
        note = f"{found.median * projects / megabytes:.4g} {unit} a MB"
        bench.report.tell(f"  {name}, a project", found, unit, note)
    bench.report.tell("  connections, at most", figure(costs.open), "")
    bench.report.tell("  of them in a transaction", figure(costs.busy), "")


if __name__ == "__main__":
    sys.exit(run(partial(measure, share=float(sys.argv[1]) if sys.argv[1:] else 1.0)))
