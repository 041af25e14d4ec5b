"""Upload the same bytes in 1 to 16 parallel uploads.

python -m tests.tools.bench.scaling [PROJECTS]
"""

import asyncio
import sys
from functools import partial
from typing import Final

from tests.tools.bench import native
from tests.tools.bench.measure import figure
from tests.tools.bench.runs import PROJECTS, Bench, run
from tests.tools.bench.upload import upload

_UPLOADS: Final = (1, 2, 4, 8, 16)
_PROCESSES: Final = (1, 2)


async def measure(bench: Bench, projects: int) -> None:
    """Seconds until all are answered, by uploads at a time and processes of the service."""
    for processes in _PROCESSES:
        for uploads in _UPLOADS:
            await bench.report.attempt(
                f"{uploads} uploads, {processes} processes",
                _together(bench, projects, uploads, processes),
            )


async def _together(bench: Bench, projects: int, uploads: int, processes: int) -> None:
    """Each upload is of another client, and of an equal share of the projects."""
    each = projects // uploads
    file = native.write(bench.directory / "share.xml", each)
    seconds: list[float] = []
    cpu: list[float] = []
    peaks: list[float] = []
    for number in range(bench.runs):
        bench.progress(f"{uploads} at a time, {processes} processes", number)
        async with bench.fresh(processes=processes) as (server, idle):
            await bench.database.empty()
            server.forget_peak()
            used = server.cpu()
            answers = await asyncio.gather(
                *(
                    upload(server.bulk(client), bench.token, file)
                    for client in range(1, uploads + 1)
                )
            )
            seconds.append(max(one.expect(created=each, failed=0).seconds for one in answers))
            cpu.append(server.cpu() - used)
            peaks.append(server.peak() - idle)
    size = file.stat().st_size * uploads / 1e6
    file.unlink()
    what = f"{processes} processes, {uploads} uploads"
    note = f"{size:.0f} MB in all; CPU {figure(cpu).median:.1f} s"
    bench.report.tell(what, figure(seconds), "s", note)
    bench.report.tell(f"{what}: peak over idle, together", figure(peaks), "MiB")


if __name__ == "__main__":
    given = int(sys.argv[1]) if sys.argv[1:] else 2 * PROJECTS
    sys.exit(run(partial(measure, projects=given)))
