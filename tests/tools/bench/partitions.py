"""Compare imports into partitioned and plain tables.

python -m tests.tools.bench.partitions [PROJECTS] [PARTITIONS]
"""

import sys
import time
from functools import partial
from pathlib import Path
from typing import Final

from service.storage.partitions import partition_tables
from tests.tools.bench import native
from tests.tools.bench.database import Database, add_clients, another
from tests.tools.bench.measure import figure, ratio
from tests.tools.bench.process import Server, prepare
from tests.tools.bench.runs import PROJECTS, Bench, run
from tests.tools.bench.upload import upload
from tests.tools.bench.usage import usage

PARTITIONS: Final = 16
_SINGLES: Final = 300
_KINDS: Final = ("first", "unchanged", "updated", "one project")


async def in_partitions(database: Database, number: int) -> Database:
    """A further database on the same server, its tables in partitions, with the same clients."""
    made = await another(database, "in_partitions")
    await prepare(made)
    await partition_tables(made.dsn, number)
    await add_clients(made)
    return made


async def measure(bench: Bench, projects: int, partitions: int) -> None:
    """Seconds and CPU seconds of each kind of import, side by side in every run."""
    first = native.write(bench.directory / "first.xml", projects)
    changed = native.write(bench.directory / "changed.xml", projects, lambda _: 1)
    plain = bench.database
    shapes = {"plain": plain, "partitioned": await in_partitions(plain, partitions)}
    seconds: dict[tuple[str, str], list[float]] = {}
    cpu: dict[tuple[str, str], list[float]] = {}
    for number in range(bench.runs):
        for shape in shapes if number % 2 else reversed(shapes):
            bench.progress(shape, number)
            database = shapes[shape]
            async with bench.fresh(database) as (server, _idle):
                await database.empty()
                for kind in _KINDS:
                    await database.settle()
                    used, begun = await _used(database, server), time.perf_counter()
                    await _import(bench, server, kind, first, changed)
                    seconds.setdefault((kind, shape), []).append(time.perf_counter() - begun)
                    spent = await _used(database, server) - used
                    cpu.setdefault((kind, shape), []).append(spent)
    for kind in _KINDS:
        many = f"{_SINGLES} uploads" if kind == "one project" else f"{projects} projects"
        note = f"{many}; {partitions} partitions"
        for what, values in (("seconds", seconds), ("CPU of service and PostgreSQL", cpu)):
            compared = ratio(values[kind, "partitioned"], values[kind, "plain"])
            bench.report.tell(f"{kind}: {what}, ÷ plain", compared, "", note)
            bench.report.tell(f"{kind}: {what}, plain", figure(values[kind, "plain"]), "s")


async def _import(bench: Bench, server: Server, kind: str, first: Path, changed: Path) -> None:
    if kind == "one project":
        for number in range(_SINGLES):
            answer = await upload(server.bulk(2), bench.token, native.single(number))
            answer.expect(created=1)
        return
    file = changed if kind == "updated" else first
    (await upload(server.bulk(1), bench.token, file)).expect(failed=0)


async def _used(database: Database, server: Server) -> float:
    return server.cpu() + (await usage(database)).cpu


if __name__ == "__main__":
    size = int(sys.argv[1]) if sys.argv[1:] else PROJECTS
    number = int(sys.argv[2]) if sys.argv[2:] else PARTITIONS
    sys.exit(run(partial(measure, projects=size, partitions=number)))
