"""Measure small imports while old rows are pruned.

python -m tests.tools.bench.pruning [PROJECTS]
"""

import asyncio
import itertools
import os
import re
import sys
import time
from asyncio.subprocess import PIPE
from collections.abc import Iterator
from functools import partial
from typing import Final

from tests.tools.bench import native
from tests.tools.bench.database import Database
from tests.tools.bench.measure import figure, percentile
from tests.tools.bench.process import Server
from tests.tools.bench.runs import Bench, run
from tests.tools.bench.upload import Failed, upload

_PROJECTS: Final = 2_500
_VERSIONS: Final = 10
_FULL: Final = 1
"""The client that has old versions, and into which the small imports go as well."""
_P99: Final = 0.99

_KEPT: Final = {"BULK_IMPORT_KEEP_VERSIONS": "3", "BULK_IMPORT_KEEP_SUPERSEDED": "60"}

_FILL: Final = (
    f"""
    INSERT INTO projects (client_id, external_id, version, content_hash)
    SELECT {_FULL}, 'Old-' || n, {_VERSIONS}, ''
      FROM generate_series(1, {{0}}) n
    """,
    f"""
    INSERT INTO project_versions (client_id, project_id, version, import_id, content_hash, name,
                                  source, attributes, created_at)
    SELECT client_id, project_id, n, 1, '', external_id, 'native', '{{{{}}}}',
           now() - interval '9 days'
      FROM projects, generate_series(1, {_VERSIONS}) n
    """,
    f"""
    INSERT INTO tasks (client_id, project_id, version, ordinal, task_id, kind, parent_id, name,
                       start, finish, duration, milestone, summary, attributes)
    SELECT client_id, project_id, version, n, 'T' || n, 'activity', 'T1', 'Foundation ' || n,
           timestamp '2026-01-05 08:00', timestamp '2026-01-05 17:00', interval '24 hours',
           false, false, '{{{{}}}}'
      FROM project_versions, generate_series(1, {native.TASKS}) n
    """,
    f"""
    INSERT INTO imports (client_id, state, started_at, ended_at)
    SELECT {_FULL}, 'completed', now() - interval '99 days', now() - interval '99 days'
      FROM generate_series(1, {{0}})
    """,
    f"""
    INSERT INTO import_results (client_id, import_id, attempt, index, outcome, external_id)
    SELECT client_id, import_id, 1, n, 'unchanged', 'P-' || n
      FROM imports, generate_series(1, {native.TASKS}) n
     WHERE ended_at < now() - interval '98 days'
    """,
    "VACUUM (ANALYZE)",
    "CHECKPOINT",
)


async def measure(bench: Bench, projects: int) -> None:
    """Compare the 99th percentile of one-project imports, with pruning beside and without."""
    alone: list[float] = []
    beside: list[float] = []
    took: list[float] = []
    numbers = itertools.count(10_000_000)
    said = ""
    async with bench.fresh(prune=False) as (server, _idle):
        for place in range(bench.runs):
            bench.progress(f"small imports beside the pruning of {projects} projects", place)
            await bench.database.empty()
            await bench.database.execute(*(each.format(projects) for each in _FILL))
            begun = time.perf_counter()
            pruning = asyncio.create_task(_prune(bench.database))
            seconds = await _small_imports(server, numbers, pruning)
            took.append(time.perf_counter() - begun)
            said = await pruning
            beside.append(percentile(seconds, _P99) * 1e3)
            await bench.database.settle()
            quiet = asyncio.create_task(asyncio.sleep(took[-1]))
            alone.append(percentile(await _small_imports(server, numbers, quiet), _P99) * 1e3)
    tell = bench.report.tell
    tell("p99 of a small import, alone", figure(alone), "ms")
    tell("p99 of a small import, beside pruning", figure(beside), "ms", f"{len(seconds)} imports")
    tell("the round of pruning", figure(took), "s", said)


async def _small_imports(
    server: Server, numbers: Iterator[int], until: "asyncio.Task[object]"
) -> list[float]:
    """Seconds of imports of one new project each, one after the other, until a task is done."""
    seconds: list[float] = []
    while not until.done():
        content = native.single(next(numbers))
        answer = await upload(server.bulk(_FULL), server.token, content)
        seconds.append(answer.expect(created=1).seconds)
    return seconds


async def _prune(database: Database) -> str:
    """One round, by the command; what went."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "service", "prune"),
        env=os.environ | {"DATABASE_URL": database.dsn} | _KEPT,
        stdout=PIPE,
    )
    out, _ = await process.communicate()
    found = re.fullmatch(r"Gone: (.*)\.\n", out.decode())
    if process.returncode or found is None:
        raise Failed(f"the command ended with {process.returncode} and printed {out!r}")
    return found[1]


if __name__ == "__main__":
    sys.exit(run(partial(measure, projects=int(sys.argv[1]) if sys.argv[1:] else _PROJECTS)))
