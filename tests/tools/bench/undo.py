"""Measure how long it takes to undo an import.

python -m tests.tools.bench.undo [PROJECTS]
"""

import sys
import time
from functools import partial

from aiohttp import ClientSession

from tests.tools.bench import native
from tests.tools.bench.measure import figure
from tests.tools.bench.runs import PROJECTS, Bench, run
from tests.tools.bench.upload import Failed

_TABLES = (
    "tasks",
    "dependencies",
    "resources",
    "assignments",
    "baselines",
    "baseline_tasks",
    "project_parts",
)


async def measure(bench: Bench, projects: int) -> None:
    """Import, import with every project changed, undo that; the current rows are as before."""
    first = native.write(bench.directory / "first.xml", projects)
    second = native.write(bench.directory / "second.xml", projects, lambda _: 1)
    async with bench.fresh() as (server, idle):
        await bench.database.empty()
        took = (await bench.send(server, first)).expect(created=projects).seconds
        before = await _digests(bench)
        changed = (await bench.send(server, second)).expect(updated=projects)
        if await _digests(bench) == before:
            raise Failed("the second import changed nothing")
        await bench.database.settle()
        server.forget_peak()
        begun = time.perf_counter()
        url = f"{server.base}{changed.header('Location')}/undo"
        async with (
            ClientSession(headers={"Authorization": f"Bearer {bench.token}"}) as session,
            session.post(url) as response,
        ):
            counts = (await response.json())["counts"]
        seconds = time.perf_counter() - begun
        if counts["updated"] != projects or await _digests(bench) != before:
            raise Failed(f"not as before: {counts}")
        tell = bench.report.tell
        tell("first import", figure([took]), "s", f"{projects} projects")
        tell("every project changed", figure([changed.seconds]), "s")
        tell("undone, row for row as before", figure([seconds]), "s")
        tell("undone, peak over idle", figure([server.peak() - idle]), "MiB")


async def _digests(bench: Bench) -> list[str]:
    """Of the current rows of client 1, table by table, without the version's number."""
    digests = []
    for table in _TABLES:
        query = (
            "SELECT md5(string_agg(md5((to_jsonb(t) - 'version')::text), '' "
            f"ORDER BY project_id, ordinal)) FROM current_{table} t WHERE client_id = 1"
        )
        digests.append(str(await bench.database.value(query)))
    return digests


if __name__ == "__main__":
    sys.exit(run(partial(measure, projects=int(sys.argv[1]) if sys.argv[1:] else PROJECTS)))
