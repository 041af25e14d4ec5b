"""Import 200 mixed files into one service, and check for leaks.

python -m tests.tools.bench.soak
"""

import asyncio
import itertools
import sys
from collections.abc import AsyncGenerator, Iterator
from dataclasses import dataclass
from typing import Final

from tests.tools.bench.database import Database
from tests.tools.bench.measure import figure
from tests.tools.bench.mixture import Sent, mixture
from tests.tools.bench.process import Server
from tests.tools.bench.runs import Bench, run
from tests.tools.bench.upload import Failed, leave, upload

_IMPORTS: Final = 200
_AT_A_TIME: Final = 4
_TOLD: Final = range(20, _IMPORTS + 1, 20)
_MOST: Final = 1.1
_LOOKS: Final = 30
_RUNNING: Final = "SELECT count(*) FROM imports WHERE state = 'running'"


@dataclass(frozen=True)
class Level:
    """What a service holds while it has nothing to do: MiB, threads, open descriptors."""

    memory: float
    threads: int
    descriptors: int


async def soak(
    server: Server, database: Database, sent: Iterator[Sent], looks: Iterator[int]
) -> AsyncGenerator[tuple[int, Level], None]:
    """Import some files at a time; after a number of imports, wait for silence and look.

    Args:
        server: with clients of its own.
        database: of the server.
        sent: what to import.
        looks: after how many imports to look.

    Yields:
        That number, and the level.

    Raises:
        Failed: an upload was not answered as its kind is.
    """
    done = 0
    for count in looks:
        while done < count:
            batch = [*itertools.islice(sent, min(_AT_A_TIME, count - done))]
            done += len(batch)
            await asyncio.gather(
                *(_send(server, client, one) for client, one in enumerate(batch, 1))
            )
        while await database.value(_RUNNING):  # noqa: ASYNC110
            await asyncio.sleep(0.05)
        yield done, await _settled(server)


async def _settled(server: Server) -> Level:
    """The level once threads and descriptors stay: they go after the import's row says so."""
    before = None
    for _ in range(_LOOKS):
        now = Level(server.memory(), server.threads(), server.descriptors())
        if before and (before.threads, before.descriptors) == (now.threads, now.descriptors):
            break
        before = now
        await asyncio.sleep(0.3)
    return now


async def _send(server: Server, client: int, one: Sent) -> None:
    if one.status is None:
        await leave(server.bulk(client), server.token, one.content)
        return
    answer = await upload(server.bulk(client), server.token, one.content)
    if answer.status != one.status:
        raise Failed(f"{one.what}: {answer.status}: {bytes(answer.head)!r}")


async def measure(bench: Bench) -> None:
    """Bars: each within 10 % of its level after the 20th import, after the 100th and the 200th."""
    levels: dict[int, Level] = {}
    sent = mixture(bench.directory, medium=True)
    # Few connections, all of them open after a few imports: they are descriptors too.
    async with bench.fresh(pool_size=8) as (server, idle):
        async for count, level in soak(server, bench.database, sent, iter(_TOLD)):
            levels[count] = level
            bench.report.progress(
                f"after {count} imports: {level.memory:.1f} MiB, {level.threads} threads, "
                f"{level.descriptors} descriptors"
            )
    report = bench.report
    report.tell("idle, before the first", figure([idle]), "MiB")
    told = (_TOLD[0], _IMPORTS // 2, _IMPORTS)
    for what in ("memory", "threads", "descriptors"):
        each = {count: getattr(level, what) for count, level in levels.items()}
        for count in told:
            report.tell(f"after {count}: {what}", figure([each[count]]), "")
        above = [each[count] / each[told[0]] for count in told[1:]]
        highest = max(each.values()) / each[told[0]]
        note = f"after {told[1]} and {told[2]} ÷ after {told[0]}; highest at any look {highest:.3f}"
        report.bar(f"soak.{what}", figure([max(above)]), most=_MOST, note=note)


if __name__ == "__main__":
    sys.exit(run(measure))
