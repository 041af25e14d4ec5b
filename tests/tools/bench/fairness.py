"""How long a small import takes while large ones run, and while another client crowds in."""

import asyncio
import contextlib
import itertools
import time
from collections.abc import AsyncIterator, Coroutine
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from tests.tools.bench import native
from tests.tools.bench.measure import figure, percentile
from tests.tools.bench.memory import GIB
from tests.tools.bench.process import Server
from tests.tools.bench.runs import Bench
from tests.tools.bench.upload import Failed, upload

_SMALL_CLIENT: Final = 2
_LARGE_CLIENTS: Final = 100
_CROWD_CLIENTS: Final = 200
_CROWD: Final = 50
_CROWD_PROJECTS: Final = 1_000
_SAMPLES: Final = 500
"""Imports a window, so that five lie above the 99th percentile."""
_WINDOW: Final = 40.0
_PROBE_EVERY: Final = 0.05
_P99: Final = 0.99
_DEFAULT_PAUSE: Final = 1.0


async def measure(bench: Bench) -> None:
    """Compare the 99th percentile of one-project imports: idle, beside 1 GiB, and crowded."""
    large = native.write(bench.directory / "large.xml", GIB // native.PROJECT_BYTES)
    crowd = [
        native.write(
            bench.directory / f"crowd{place}.xml",
            _CROWD_PROJECTS,
            first=place * _CROWD_PROJECTS,
        )
        for place in range(_CROWD)
    ]
    windows: dict[str, list[float]] = {"idle": [], "beside 1 GiB": [], "and 50 uploads": []}
    health: dict[str, list[float]] = {name: [] for name in windows}
    samples: list[int] = []
    numbers = itertools.count(10_000_000)

    async def window(name: str, server: Server) -> None:
        probes: list[float] = []
        async with _meanwhile(_probe(server, probes)):
            seconds = await _small_imports(server, numbers)
        health[name].append(percentile(probes, _P99) * 1e3)
        samples.append(len(seconds))
        windows[name].append(percentile(seconds, _P99) * 1e3)

    await bench.database.empty()
    async with bench.fresh() as (server, _idle):
        for run in range(bench.runs):
            bench.progress("small imports, idle", run)
            await bench.database.settle()
            await window("idle", server)
        async with _meanwhile(_keep_importing(server, large)):
            await _under_way(bench)
            for run in range(bench.runs):
                bench.progress("small imports beside 1 GiB", run)
                await window("beside 1 GiB", server)
                bench.progress("small imports beside 1 GiB and 50 uploads", run)
                client = _CROWD_CLIENTS + run
                async with _meanwhile(*(_keep_sending(server, client, file) for file in crowd)):
                    await window("and 50 uploads", server)
    for file in (large, *crowd):
        file.unlink()
    _tell(bench, windows, min(samples))
    for name, values in health.items():
        bench.report.tell(f"  p99 of /healthz {name}", figure(values), "ms")


async def _small_imports(server: Server, numbers: "itertools.count[int]") -> list[float]:
    """Seconds of imports of one new project each, one after the other."""
    seconds: list[float] = []
    until = time.monotonic() + _WINDOW
    while len(seconds) < _SAMPLES and time.monotonic() < until:
        answer = await upload(
            server.bulk(_SMALL_CLIENT), server.token, native.single(next(numbers))
        )
        seconds.append(answer.expect(created=1).seconds)
    return seconds


async def _probe(server: Server, seconds: list[float]) -> None:
    """Request the service's health repeatedly on one connection."""
    address = urlsplit(server.base)
    while True:
        begun = time.perf_counter()
        reader, writer = await asyncio.open_connection(address.hostname, address.port)
        writer.write(b"GET /healthz HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n")
        answer = await reader.read()
        writer.close()
        if not answer.startswith(b"HTTP/1.1 200 "):
            raise Failed(f"/healthz returned {answer[:200]!r}")
        seconds.append(time.perf_counter() - begun)
        await asyncio.sleep(_PROBE_EVERY)


async def _keep_importing(server: Server, large: Path) -> None:
    """First imports of the large file, one after the other."""
    for client in itertools.count(_LARGE_CLIENTS):
        (await upload(server.bulk(client), server.token, large)).expect(failed=0)


async def _keep_sending(server: Server, client: int, file: Path) -> None:
    """Send one file repeatedly; after a refusal, wait as long as ``Retry-After`` asks."""
    while True:
        answer = await upload(server.bulk(client), server.token, file)
        if answer.status != 207:
            await asyncio.sleep(float(answer.header("Retry-After") or _DEFAULT_PAUSE))


async def _under_way(bench: Bench) -> None:
    """Wait until the large import has stored its first projects."""
    query = f"SELECT 1 FROM projects WHERE client_id = {_LARGE_CLIENTS} LIMIT 1"
    while await bench.database.value(query) is None:  # noqa: ASYNC110
        await asyncio.sleep(0.1)


@contextlib.asynccontextmanager
async def _meanwhile(*works: Coroutine[None, None, None]) -> AsyncIterator[None]:
    """Do works beside the block, and leave them where they are at its end."""
    tasks = [asyncio.create_task(work) for work in works]
    try:
        yield
        for task in tasks:
            if task.done():
                task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _tell(bench: Bench, windows: dict[str, list[float]], samples: int) -> None:
    """The worse of the two cases is the one that counts."""
    idle = figure(windows["idle"]).median
    ratios = {
        name: figure([p99 / idle for p99 in values])
        for name, values in windows.items()
        if name != "idle"
    }
    worst = max(ratios, key=lambda name: ratios[name].median)
    note = f"{worst}; at least {samples} imports a window"
    bench.report.bar("fairness", ratios[worst], most=3, note=note)
    for name, values in windows.items():
        bench.report.tell(f"  p99 {name}", figure(values), "ms")
