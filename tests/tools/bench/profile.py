"""What one small upload costs: calls, tasks, threads, round trips, transactions, CPU by part.

    python -m tests.tools.bench.profile [UPLOADS]

One user sends projects of 20 tasks, one after the other. CPU is measured without counting calls or
taking samples; each of the three has its own run.
"""

import asyncio
import contextlib
import json
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from functools import partial
from typing import Final
from urllib.parse import parse_qs, urlsplit

from tests.support.paths import CHECKOUT
from tests.tools.bench import native
from tests.tools.bench.database import Database
from tests.tools.bench.measure import figure
from tests.tools.bench.process import Server, serves, start_serving, stopping
from tests.tools.bench.runs import WARM_UP_CLIENT, Bench, run
from tests.tools.bench.small import WRITERS
from tests.tools.bench.upload import kept
from tests.tools.bench.usage import usage

_UPLOADS: Final = 500
_WARM_UP: Final = 50
_FEWER: Final = 10
"""How many times fewer uploads are enough to count calls, which slows them down."""
_LEAST: Final = 0.01
"""Milliseconds of a part that is printed without calls."""
Counts = dict[str, float]


async def measure(bench: Bench, uploads: int) -> None:
    """Print what one upload costs."""
    plain = await _profile(bench, "", uploads)
    counted = await _profile(bench, "calls", uploads // _FEWER)
    sampled = await _profile(bench, "samples", uploads)
    report = bench.report
    for name, key, found in (
        ("Python calls", "calls", counted),
        ("C calls", "C calls", counted),
        ("asyncio tasks", "tasks", plain),
        ("threads started", "threads", plain),
        ("round trips to PostgreSQL", "round trips", plain),
        ("transactions that write", "writers", plain),
    ):
        report.tell(name, figure([found.get(key, 0.0)]), "")
    report.tell("CPU of the service", figure([1e3 * plain["cpu"]]), "ms")
    own = plain["cpu of the loop's thread"]
    report.tell("  of the loop's thread", figure([1e3 * own]), "ms")
    report.tell("  of other threads", figure([1e3 * (plain["cpu"] - own)]), "ms")
    report.tell("CPU of PostgreSQL", figure([1e3 * plain["cpu of PostgreSQL"]]), "ms")
    for key in sorted(sampled, key=lambda key: sampled[key], reverse=True):
        if part := key.removeprefix("samples ") * key.startswith("samples "):
            milliseconds = 1e3 * plain["cpu"] * sampled[key] / sampled["samples"]
            calls = round(counted.get(f"calls {part}", 0.0))
            if calls or milliseconds >= _LEAST:
                note = f"{calls} Python calls"
                report.tell(f"  service, in {part}", figure([milliseconds]), "ms", note)


async def _profile(bench: Bench, mode: str, uploads: int) -> Counts:
    """Counts of one upload, on average."""
    bench.report.progress(f"{uploads} uploads, {mode or 'CPU'}")
    await bench.database.empty()
    path = str(bench.directory / "counted")
    variables = {"COUNTED": mode, "COUNTED_SOCKET": path}
    async with _way(bench.database.dsn) as way:
        database, module = Database(way.dsn), "tests.tools.bench.counted"
        process = await start_serving(database, CHECKOUT, module, variables=variables)
        async with stopping(process):
            server = Server(await serves(process), process.pid, bench.token)
            async with kept(server.bulk(WARM_UP_CLIENT), server.token) as send:
                for number in range(_WARM_UP):
                    (await send(native.single(number))).expect(created=1)
                before = await _read(bench, path, way)
                for number in range(_WARM_UP, _WARM_UP + uploads):
                    (await send(native.single(number))).expect(created=1)
                after = await _read(bench, path, way)
    return {key: (after[key] - before.get(key, 0.0)) / uploads for key in after}


async def _read(bench: Bench, path: str, way: "_Way") -> Counts:
    reader, writer = await asyncio.open_unix_connection(path)
    counts: Counts = json.loads(await reader.read())
    writer.close()
    counts["round trips"] = way.round_trips
    counts["writers"] = await bench.database.value(WRITERS)
    counts["cpu of PostgreSQL"] = (await usage(bench.database)).cpu
    return counts


@dataclass
class _Way:
    """The way to the database.

    Attributes:
        round_trips: how often somebody sent after an answer, over all connections.
    """

    dsn: str
    round_trips: int = 0


@contextlib.asynccontextmanager
async def _way(dsn: str) -> AsyncIterator[_Way]:
    """Pass on what is sent to a database whose DSN names a Unix socket, and count it."""
    parts = urlsplit(dsn)
    query = parse_qs(parts.query)
    there = f"{query['host'][0]}/.s.PGSQL.{query.get('port', ['5432'])[0]}"

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_unix_connection(there)
        answered = asyncio.Event()

        async def ask() -> None:
            while data := await reader.read(1 << 16):
                way.round_trips += answered.is_set()
                answered.clear()
                far_writer.write(data)
            far_writer.close()

        async def answer() -> None:
            while data := await far_reader.read(1 << 16):
                answered.set()
                writer.write(data)
            writer.close()

        with contextlib.suppress(OSError):
            await asyncio.gather(ask(), answer())

    listening = await asyncio.start_server(take, "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    name = query.get("user", ["postgres"])[0]
    way = _Way(
        f"postgresql://{parts.username or name}@127.0.0.1:{port}{parts.path}?sslmode=disable"
    )
    try:
        yield way
    finally:
        listening.close()


if __name__ == "__main__":
    sys.exit(run(partial(measure, uploads=int(sys.argv[1]) if sys.argv[1:] else _UPLOADS)))
