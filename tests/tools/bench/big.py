"""Upload one file of 5 GiB that is generated while it is sent.

python -m tests.tools.bench.big [GIB]
"""

import sys
from functools import partial
from typing import Final

from tests.tools.bench import native
from tests.tools.bench.measure import figure
from tests.tools.bench.memory import GIB
from tests.tools.bench.runs import Bench, run
from tests.tools.bench.upload import Failed, Made, upload

_GIB: Final = 5.0
_PROJECTS: Final = 1_000
"""In one block of the file, 4 MB."""


async def measure(bench: Bench, gibibytes: float) -> None:
    """Measure memory, time and rows, and check that the response reports each project."""
    block, _ = native.repeated(1, _PROJECTS, partial(native.project, edition=0))
    copies = max(1, round(gibibytes * GIB / block))
    projects = copies * _PROJECTS
    file = Made(*native.repeated(copies, _PROJECTS, partial(native.project, edition=0)))
    bench.report.progress(f"{file.size / GIB:.2f} GiB, {projects} projects")
    # Over the default, which is a million.
    async with bench.fresh(max_projects=projects) as (server, idle):
        await bench.database.empty()
        server.forget_peak()
        used = server.cpu()
        answer = await upload(
            server.bulk(1),
            bench.token,
            file,
            answered=lambda: bench.report.progress("the answer has begun"),
        )
        peak, cpu = server.peak() - idle, server.cpu() - used
    answer.expect(created=projects, failed=0)
    if answer.items != projects:
        raise Failed(f"{answer.items} items for {projects} projects")
    rows = await bench.database.value("SELECT count(*) FROM current_tasks WHERE client_id = 1")
    report = bench.report
    report.bar(
        "big.peak", figure([peak]), most=64, note=f"MiB over idle; {file.size / GIB:.2f} GiB"
    )
    report.tell("from the first byte sent to the last received", figure([answer.seconds]), "s")
    report.tell("megabytes a second", figure([file.size / 1e6 / answer.seconds]), "MB/s")
    report.tell("the service's CPU", figure([cpu]), "s")
    report.tell("tasks in the database", figure([rows]), "")
    report.tell("items in the answer, counted as they came", figure([answer.items]), "")
    note = f"{answer.size / 1e6:.0f} MB"
    report.tell("the answer alone", figure([answer.streaming]), "s", note)


if __name__ == "__main__":
    sys.exit(run(partial(measure, gibibytes=float(sys.argv[1]) if sys.argv[1:] else _GIB)))
