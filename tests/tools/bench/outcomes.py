"""Measure how long a million outcomes take to report and to read again.

python -m tests.tools.bench.outcomes [PROJECTS]
"""

import sys
import time
from functools import partial
from typing import Any, Final

from aiohttp import ClientSession

from service.http import pagination
from tests.tools.bench import native
from tests.tools.bench.measure import figure
from tests.tools.bench.process import Server
from tests.tools.bench.runs import Bench, run
from tests.tools.bench.upload import Failed, Made, upload

_OUTCOMES: Final = 1_000_000
_PROJECTS: Final = 10_000
"""In one block of the file."""


async def measure(bench: Bench, outcomes: int) -> None:
    """Upload that many projects of one line, and then the same, which are unchanged."""
    copies = -(-outcomes // _PROJECTS)
    projects = copies * _PROJECTS
    report = bench.report
    async with bench.fresh(max_projects=projects) as (server, idle):
        await bench.database.empty()
        for what in ("created", "unchanged"):
            report.progress(f"{projects} projects, to be {what}")
            file = Made(*native.repeated(copies, _PROJECTS, _line))
            server.forget_peak()
            importing: list[float] = []

            def answered(importing: list[float] = importing) -> None:
                importing.append(server.peak() - idle)
                server.forget_peak()

            answer = await upload(server.bulk(1), bench.token, file, answered=answered)
            peak = server.peak() - idle
            answer.expect(**{what: projects}, failed=0)
            if answer.items != projects:
                raise Failed(f"{answer.items} items for {projects} projects")
            size = f"{answer.size / 1e6:.0f} MB"
            report.tell(f"{what}: all", figure([answer.seconds]), "s", f"{projects} projects")
            report.tell(f"{what}: the answer alone", figure([answer.streaming]), "s", size)
            report.tell(f"{what}: peak over idle while importing", figure(importing), "MiB")
            report.tell(f"{what}: peak over idle while answering", figure([peak]), "MiB")
        await _read_again(bench, server, idle, projects)


async def _read_again(bench: Bench, server: Server, idle: float, projects: int) -> None:
    """Pages of outcomes and of projects, the first and the last, and all outcomes as CSV."""
    async with ClientSession(headers={"Authorization": f"Bearer {bench.token}"}) as session:
        latest = (await _get(session, server, "imports?limit=1"))["imports"][0]["import_id"]
        behind = pagination.encode_cursor(projects - 1001)
        first = (await _get(session, server, "projects?limit=1"))["projects"][0]["project_id"]
        far = pagination.encode_cursor(first + projects - 1001)
        for what, path in (
            ("outcomes: first page of 1,000", f"imports/{latest}/results?limit=1000"),
            ("outcomes: last page", f"imports/{latest}/results?limit=1000&cursor={behind}"),
            ("outcomes: filtered, none found", f"imports/{latest}/results?text=nowhere"),
            ("projects: first page of 1,000", "projects?limit=1000"),
            ("projects: last page", f"projects?limit=1000&cursor={far}"),
            ("projects: filtered, none found", "projects?text=nowhere"),
        ):
            server.forget_peak()
            begun = time.perf_counter()
            await _get(session, server, path)
            bench.report.tell(what, figure([time.perf_counter() - begun]), "s")
            bench.report.tell(f"{what}, peak over idle", figure([server.peak() - idle]), "MiB")
        server.forget_peak()
        begun = time.perf_counter()
        size = await _csv(session, f"{server.base}/api/v2/clients/1/imports/{latest}/results")
        seconds = figure([time.perf_counter() - begun])
        bench.report.tell("outcomes: all as CSV", seconds, "s", f"{size / 1e6:.0f} MB")
        peak = figure([server.peak() - idle])
        bench.report.tell("outcomes: all as CSV, peak over idle", peak, "MiB")


async def _get(session: ClientSession, server: Server, path: str) -> dict[str, Any]:
    async with session.get(f"{server.base}/api/v2/clients/1/{path}") as response:
        said = await response.json()
        if response.status != 200:
            raise Failed(f"{path}: {said}")
        details: dict[str, Any] = said["details"]
        return details


async def _csv(session: ClientSession, url: str) -> int:
    size = 0
    async with session.get(url, headers={"Accept": "text/csv"}) as response:
        async for chunk in response.content.iter_any():
            size += len(chunk)
    return size


def _line(number: int) -> str:
    return f'<project id="P-{number:05d}"><name>Plant {number}</name></project>\n'


if __name__ == "__main__":
    sys.exit(run(partial(measure, outcomes=int(sys.argv[1]) if sys.argv[1:] else _OUTCOMES)))
