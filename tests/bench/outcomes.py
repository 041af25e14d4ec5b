"""``python -m tests.bench.outcomes [PROJECTS]``: how a million outcomes are told."""

import sys
from functools import partial
from typing import Final

from tests.bench import native
from tests.bench.measure import figure
from tests.bench.runs import Bench, run
from tests.bench.upload import Failed, Made, upload

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


def _line(number: int) -> str:
    return f'<project id="P-{number:05d}"><name>Plant {number}</name></project>\n'


if __name__ == "__main__":
    sys.exit(run(partial(measure, outcomes=int(sys.argv[1]) if sys.argv[1:] else _OUTCOMES)))
