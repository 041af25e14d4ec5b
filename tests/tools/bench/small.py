"""Uploads of one project each, by several users at a time, here and the usual way.

The users send without pauses, each on a connection that it keeps. Each service is fresh and has
empty tables on the same PostgreSQL; they take turns. The users cost both the same, and little.
"""

import asyncio
import contextlib
import itertools
import random
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from tests.tools.bench import native
from tests.tools.bench.database import Database
from tests.tools.bench.measure import figure, percentile, ratio
from tests.tools.bench.process import Server, serving, usual_way
from tests.tools.bench.runs import WARM_UP_CLIENT, Bench
from tests.tools.bench.upload import kept, upload
from tests.tools.bench.usage import usage

USERS: Final = 8
"""Within the imports at a time that one client and all may have."""
SECONDS: Final = 12.0
_CLIENTS: Final = 5
_CATALOGUE: Final = 20_000
"""Projects that a client has; an upload has one of them, at one of three editions."""
_EDITIONS: Final = 3
_WARM_UP: Final = 1.0
WRITERS: Final = "SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint"
"""Grows by one for each transaction that writes, and waits for the disk."""

REQUESTS: Final = "requests/s"
CPU: Final = "CPU of the service, ms"
P99: Final = "p99, ms"
Run = dict[str, float]
"""By quantity; all but the first for one request."""


@dataclass
class Both:
    """What was measured, by quantity: one value a run."""

    here: defaultdict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    usual: defaultdict[str, list[float]] = field(default_factory=lambda: defaultdict(list))


async def measure(bench: Bench, seconds: float = SECONDS) -> None:
    """Fill in the bars of small uploads."""

    def progress(what: str, run: int) -> None:
        bench.progress(f"uploads of one project, {what}", run)

    both = await compare(bench.database, bench.token, progress, bench.runs, seconds)
    here, usual, report = both.here, both.usual, bench.report
    report.bar("small.requests", ratio(here[REQUESTS], usual[REQUESTS]), least=2.0)
    report.bar("small.cpu_ms", figure(here[CPU]), most=2.5)
    report.bar("small.p99", ratio(here[P99], usual[P99]), most=0.7)
    for quantity, values in here.items():
        there = figure(usual[quantity])
        note = f"the usual way {there.median:.4g} ({there.spread})"
        report.tell(f"  {quantity}", figure(values), "", note)


async def compare(
    database: Database,
    token: str,
    progress: Callable[[str, int], None],
    runs: int = 3,
    seconds: float = SECONDS,
    users: int = USERS,
) -> Both:
    """Have both serve the same users in turns.

    Args:
        database: migrated, with clients.
        token: good for all of them.
        progress: gets who serves, and the number of the run.
        runs: of each.
        seconds: of a run.
        users: at a time.

    Raises:
        Failed: an answer was not as it should be.
    """
    both = Both()
    for run in range(runs):
        progress("here", run)
        await _serve(database, serving(database, token), both.here, seconds, users)
        progress("the usual way", run)
        await _serve(database, usual_way(database), both.usual, seconds, users)
    return both


async def _serve(
    database: Database,
    serving: contextlib.AbstractAsyncContextManager[Server],
    found: defaultdict[str, list[float]],
    seconds: float,
    users: int,
) -> None:
    await database.empty()
    async with serving as server:
        for quantity, value in (await _run(database, server, seconds, users)).items():
            found[quantity].append(value)


async def _run(database: Database, server: Server, seconds: float, users: int) -> Run:
    await upload(server.bulk(WARM_UP_CLIENT), server.token, native.single(0))
    await _use(server, _WARM_UP, users)
    writers, before = await database.value(WRITERS), await usage(database)
    cpu, own, begun = server.cpu(), time.process_time(), time.perf_counter()
    times = await _use(server, seconds, users)
    taken = time.perf_counter() - begun
    cpu, own = server.cpu() - cpu, time.process_time() - own
    used = await usage(database) - before
    writers = await database.value(WRITERS) - writers
    requests = len(times)
    return {
        REQUESTS: requests / taken,
        **{f"p{p}, ms": 1e3 * percentile(times, p / 100) for p in (50, 95, 99)},
        CPU: 1e3 * cpu / requests,
        "CPU of PostgreSQL, ms": 1e3 * used.cpu / requests,
        "CPU of the users, ms": 1e3 * own / requests,
        "transactions that write": writers / requests,
        "WAL, kB": used.wal / 1e3 / requests,
    }


async def _use(server: Server, seconds: float, users: int) -> list[float]:
    """Have all users send for a while; the seconds of each upload."""
    times: list[float] = []
    until = time.monotonic() + seconds
    async with asyncio.TaskGroup() as group:
        for _, client in zip(range(users), itertools.cycle(range(1, _CLIENTS + 1)), strict=False):
            group.create_task(_send(server, client, until, times))
    return times


async def _send(server: Server, client: int, until: float, times: list[float]) -> None:
    async with kept(server.bulk(client), server.token) as send:
        while time.monotonic() < until:
            number, edition = random.randrange(_CATALOGUE), random.randrange(_EDITIONS)
            answer = await send(native.content(number, 1, edition))
            times.append(answer.expect(failed=0).seconds)
